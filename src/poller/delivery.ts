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
  /** Ids of those events that lie below an event that an earlier scan delivered. */
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
  /** Ids of events that earlier scans delivered and that this scan found again. */
  readonly stillListed: ReadonlySet<string>;
  /** The scan alone found more events to remember than the poller may. */
  readonly hasOverflowed: boolean;
}

/**
 * Delivers the events of a scan, from the oldest to the newest, and turns the consumer's progress into states to save.
 *
 * The list divides into the part that this scan has processed, and the part above it. What earlier scans delivered in the upper
 * part is carried over from state to state until the delivery reaches it.
 */
export class Delivery {
  readonly #before: PollState;
  readonly #result: ScanResult;
  readonly #isWanted: (event: AuditEvent) => boolean;
  /** Ids that earlier scans delivered, and that lie above the part that is processed. */
  readonly #deliveredAbove: Set<string>;
  readonly #carriedOver: Map<string, EventRef>;
  /** The processed part, oldest first, as far as the poller has to remember it. */
  #processed: EventRef[];
  /** How many of the processed events are settled, counted from the oldest. */
  #settledCount: number;
  #anchors: readonly EventRef[];
  #hasOverflowed: boolean;

  constructor({ before, result, isWanted, stillListed, hasOverflowed }: DeliveryOptions) {
    this.#before = before;
    this.#result = result;
    this.#isWanted = isWanted;
    this.#deliveredAbove = new Set(stillListed);
    // An old event that the scan did not find has been deleted, or lies below the end of the scan. It does not come again.
    const carriedOver = before.seen.filter((ref) => stillListed.has(ref[0]) || !isBefore(ref, result.watermarkMs));
    this.#carriedOver = new Map(carriedOver.map((ref) => [ref[0], ref]));
    this.#anchors = before.anchors;
    this.#hasOverflowed = hasOverflowed;
    this.#processed = [];
    this.#advance(settledBelow(before.anchors, result.below).toReversed());
    this.#settledCount = this.#processed.length;
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

  /** The state to save after the consumer has processed so many events of the batch, counted from the oldest. */
  commit({ events, stretch, refs, earliestAboveMs }: Batch, processedCount: number): PollState {
    const next = events[processedCount];
    const end = next ? stretch.indexOf(next) : stretch.length;
    this.#advance(refs.slice(0, end));
    return this.#settle(Math.min(earliestAboveMs, earliestMs(refs.slice(end))));
  }

  /** The state to save after the consumer has processed all batches. */
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
    let deliveredAbove = this.#deliveredAbove.size;
    for (const event of stretch) {
      if (this.#deliveredAbove.has(event.id)) deliveredAbove--;
      else if (deliveredAbove > 0 && this.#isWanted(event)) late.push(event.id);
    }
    return late;
  }

  #advance(refs: readonly EventRef[]): void {
    for (const ref of refs) {
      const [id] = ref;
      this.#processed.push(ref);
      this.#carriedOver.delete(id);
      this.#deliveredAbove.delete(id);
    }
  }

  /**
   * Settles what is old enough, and forgets what lies below the anchors.
   *
   * @param earliestLeftMs the earliest readable `created_at` above the processed part
   */
  #settle(earliestLeftMs: number): PollState {
    const { watermarkMs } = this.#result;
    const capacity = maxSeen - this.#carriedOver.size;
    const { anchors, seen, truncated } = settle(this.#processed, this.#settledCount, watermarkMs, capacity);
    if (truncated) this.#hasOverflowed = true;
    if (anchors.length > 0) this.#anchors = anchors;
    this.#processed = [...anchors.toReversed(), ...seen];
    this.#settledCount = anchors.length;
    return {
      ...this.#before,
      anchors: this.#anchors,
      seen: [...seen, ...this.#carriedOver.values()],
      pendingSince: toIso(Math.min(earliestLeftMs, watermarkMs)),
    };
  }
}

/**
 * The settled events where the scan ended, newest first: the known anchors from the one that the scan found, or the events that
 * the scan read there if they are more.
 */
const settledBelow = (anchors: readonly EventRef[], below: readonly AuditEvent[]): readonly EventRef[] => {
  const found = anchors.findIndex(([id]) => id === below[0]?.id);
  const known = found === -1 ? [] : anchors.slice(found);
  const listed = anchorsFrom(below);
  return known.length > listed.length ? known : listed;
};
