import type { AuditEvent } from '../audit-log/event.ts';
import { settle } from './anchors.ts';
import { earliestMs } from './ordering.ts';
import type { ScanResult } from './scan.ts';
import { anchorsFrom, type EventRef, isBefore, maxSeen, type PollState, refOf, toIso } from './state.ts';

/** How many events the poller delivers, and commits, together. */
const maxBatchSize = 100;

/** Events to deliver together, oldest first. */
export interface Batch {
  readonly events: readonly AuditEvent[];
  /** The ids of those events that stand below a seen event. */
  readonly lateIds: readonly string[];
  /** The unbroken part of the list from which the events come, oldest first. */
  readonly stretch: readonly AuditEvent[];
  /** The refs of the stretch, made before the consumer can change an event. */
  readonly refs: readonly EventRef[];
  /** The earliest readable `created_at` above the stretch. */
  readonly earliestAboveMs: number;
}

export interface DeliveryOptions {
  /** The state from before the scan. */
  readonly before: PollState;
  readonly result: ScanResult;
  isWanted(event: AuditEvent): boolean;
  /** The ids of seen events that this scan met again. */
  readonly stillListed: ReadonlySet<string>;
  /** Whether the first scan left out more events within the look-back than the poller may remember. */
  readonly hasOverflowed: boolean;
}

/**
 * Delivers the events of a scan, oldest first, and makes the state to save after each batch.
 *
 * The delivery moves up the list, and everything below it is final. For the part above it, each state keeps the seen events from
 * before the scan.
 */
export class Delivery {
  readonly #before: PollState;
  readonly #result: ScanResult;
  readonly #isWanted: (event: AuditEvent) => boolean;
  /** The ids of seen events that the scan met and the delivery has not reached yet. An event below one of them is late. */
  readonly #seenAbove: Set<string>;
  /** The seen events that each state still has to hold: those in `#seenAbove`, and young ones that the scan did not meet. */
  readonly #carriedOver: Map<string, EventRef>;
  /** The final events that the poller has to remember, oldest first. */
  #final: EventRef[];
  /** How many of the final events are at or below the first anchor, counted from the oldest. */
  #anchoredCount: number;
  #anchors: readonly EventRef[];
  #hasOverflowed: boolean;
  /** How many refs of the last batch are final, counted from the oldest. */
  #passedOfBatch = 0;

  constructor({ before, result, isWanted, stillListed, hasOverflowed }: DeliveryOptions) {
    this.#before = before;
    this.#result = result;
    this.#isWanted = isWanted;
    this.#seenAbove = new Set(stillListed);
    // An old event that the scan did not find has been deleted, or lies below the end of the scan. It does not come again.
    const carriedOver = before.seen.filter((ref) => stillListed.has(ref[0]) || !isBefore(ref, result.watermarkMs));
    this.#carriedOver = new Map(carriedOver.map((ref) => [ref[0], ref]));
    this.#anchors = before.anchors;
    this.#hasOverflowed = hasOverflowed;
    this.#final = [];
    this.#advance(finalAtStop(before.anchors, result.below).toReversed());
    this.#anchoredCount = this.#final.length;
  }

  /** The poller has more events to remember than it may: it will miss late events among the oldest of them. */
  get hasOverflowed(): boolean {
    return this.#hasOverflowed;
  }

  /** @throws InconsistentListError */
  async *batches(): AsyncGenerator<Batch, void, undefined> {
    for await (const page of this.#result.pagesOldestFirst()) {
      if ('refs' in page) this.#advance(page.refs.toReversed());
      else yield* this.#batchesOf(page.events.toReversed(), page.earliestAboveMs);
    }
  }

  /** Returns the state to save after the consumer has acknowledged the first `acknowledgedCount` events of the batch. */
  commit({ events, stretch, refs, earliestAboveMs }: Batch, acknowledgedCount: number): PollState {
    const next = events[acknowledgedCount];
    const end = next ? stretch.indexOf(next) : stretch.length;
    this.#advance(refs.slice(this.#passedOfBatch, end));
    this.#passedOfBatch = end;
    return this.#settle(Math.min(earliestAboveMs, earliestMs(refs.slice(end))));
  }

  /** Returns the state to save after the consumer has acknowledged all batches. */
  finish(): PollState {
    return {
      ...this.#settle(Number.POSITIVE_INFINITY),
      lastScanStartedAt: new Date(this.#result.startedAtMs).toISOString(),
    };
  }

  *#batchesOf(oldestFirst: readonly AuditEvent[], earliestAboveMs: number): Generator<Batch, void, undefined> {
    const allRefs = oldestFirst.map(refOf);
    for (let from = 0; from < oldestFirst.length; from += maxBatchSize) {
      const to = from + maxBatchSize;
      const stretch = oldestFirst.slice(from, to);
      const refs = allRefs.slice(from, to);
      const events = stretch.filter(this.#isWanted);
      if (events.length === 0) {
        this.#advance(refs);
        continue;
      }
      this.#passedOfBatch = 0;
      yield {
        events,
        lateIds: this.#lateIds(stretch),
        stretch,
        refs,
        earliestAboveMs: Math.min(earliestAboveMs, earliestMs(allRefs.slice(to))),
      };
    }
  }

  #lateIds(stretch: readonly AuditEvent[]): string[] {
    const late: string[] = [];
    let seenAbove = this.#seenAbove.size;
    for (const event of stretch) {
      if (this.#seenAbove.has(event.id)) seenAbove--;
      else if (seenAbove > 0 && this.#isWanted(event)) late.push(event.id);
    }
    return late;
  }

  #advance(refs: readonly EventRef[]): void {
    for (const ref of refs) {
      const [id] = ref;
      this.#final.push(ref);
      this.#carriedOver.delete(id);
      this.#seenAbove.delete(id);
    }
  }

  /**
   * Makes anchors of the events that are old enough, and forgets the events below the anchors.
   *
   * @param earliestLeftMs the earliest readable `created_at` above the final events
   */
  #settle(earliestLeftMs: number): PollState {
    const { watermarkMs } = this.#result;
    const capacity = maxSeen - this.#carriedOver.size;
    const { anchors, seen, hasOverflowed } = settle(this.#final, this.#anchoredCount, watermarkMs, capacity);
    if (hasOverflowed) this.#hasOverflowed = true;
    if (anchors.length > 0) this.#anchors = anchors;
    this.#final = [...anchors.toReversed(), ...seen];
    this.#anchoredCount = anchors.length;
    return {
      ...this.#before,
      anchors: this.#anchors,
      seen: [...seen, ...this.#carriedOver.values()],
      pendingSince: toIso(Math.min(earliestLeftMs, watermarkMs)),
    };
  }
}

/**
 * Returns the final events at the stop point, newest first, as the next anchors. The saved anchors serve if they are more than
 * the events that the scan read there, because the page may end below the stop point.
 */
const finalAtStop = (anchors: readonly EventRef[], below: readonly AuditEvent[]): readonly EventRef[] => {
  const found = anchors.findIndex(([id]) => id === below[0]?.id);
  const known = found === -1 ? [] : anchors.slice(found);
  const listed = anchorsFrom(below);
  return known.length > listed.length ? known : listed;
};
