import type { AuditEvent } from '../audit-log/event.ts';
import { parseTimestamp } from '../internal/timestamp.ts';

/** Events that the consumer has, and how many of them it has acknowledged. */
export class InFlightBatch {
  #events: readonly AuditEvent[];
  /** Read before the consumer can change an event. */
  readonly #createdAtMs: readonly (number | undefined)[];
  #acknowledgedCount = 0;

  constructor(events: readonly AuditEvent[]) {
    this.#events = events;
    this.#createdAtMs = events.map(({ created_at }) => parseTimestamp(created_at));
  }

  /** Empty once the consumer has acknowledged them all. */
  get events(): readonly AuditEvent[] {
    return this.#events;
  }

  get acknowledgedCount(): number {
    return this.#acknowledgedCount;
  }

  /** Acknowledges the next events, and returns when they were created; undefined for a time that cannot be read. */
  acknowledge(count: number): readonly (number | undefined)[] {
    const from = this.#acknowledgedCount;
    this.#acknowledgedCount += count;
    // The generators that wait for the next batch hold this one, and with it 100 KiB of events for each idle poller.
    if (this.#acknowledgedCount === this.#createdAtMs.length) this.#events = [];
    return this.#createdAtMs.slice(from, this.#acknowledgedCount);
  }
}
