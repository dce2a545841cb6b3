import type { AuditEvent } from '../audit-log/event.ts';
import { settle } from './anchors.ts';
import { earliestMs } from './ordering.ts';
import type { ScanResult } from './scan.ts';
import { anchorsFrom, type EventRef, isBefore, maxSeen, type PollState, refOf, toIso } from './state.ts';

/** The most events that are handed over, and committed, together. */
const batchSize = 100;

/** Events to be handed over together, oldest first. */
export interface Batch {
  readonly events: readonly AuditEvent[];
  /** Those of them above which stands something that an earlier scan has delivered. */
  readonly lateIds: readonly string[];
  /** What to save once so many of the events are done, from the first on. To be asked once. */
  commit(done: number): PollState;
}

/** The way up: what a scan has done of the list so far, from the end of its walk. */
export class Delivery {
  readonly #before: PollState;
  readonly #walk: ScanResult;
  readonly #isWanted: (event: AuditEvent) => boolean;
  /** Delivered by earlier scans, met by this one's walk, and still above. */
  readonly #deliveredAbove: Set<string>;
  /** Delivered by earlier scans, and not passed by this one. */
  readonly #carriedOver: Map<string, EventRef>;
  /** An unbroken stretch of the list, oldest first, of which all is done. */
  #done: readonly EventRef[] = [];
  /** How many of those are settled, from the first on. */
  #settled = 0;
  #anchors: readonly EventRef[];
  #overflow: 'none' | 'found' | 'told';

  /**
   * @param metAgain what was delivered by earlier scans, and met by this one's walk
   * @param isTruncated more was met already than may be remembered
   */
  constructor(
    before: PollState,
    walk: ScanResult,
    isWanted: (event: AuditEvent) => boolean,
    metAgain: ReadonlySet<string>,
    isTruncated = false,
  ) {
    this.#before = before;
    this.#walk = walk;
    this.#isWanted = isWanted;
    this.#deliveredAbove = new Set(metAgain);
    this.#carriedOver = new Map();
    for (const mark of before.seen) {
      // What is old, and was not met, has been deleted or lies below what this scan settles: it does not come again.
      if (metAgain.has(mark[0]) || !isBefore(mark, walk.watermarkMs)) this.#carriedOver.set(mark[0], mark);
    }
    this.#overflow = isTruncated ? 'found' : 'none';
    this.#anchors = before.anchors;
    this.#advance(settledBelow(before.anchors, walk.below).toReversed());
    this.#settled = this.#done.length;
  }

  /** True once, where there was more to remember than fits. */
  consumeOverflow(): boolean {
    if (this.#overflow !== 'found') return false;
    this.#overflow = 'told';
    return true;
  }

  /** @throws InconsistentListError */
  async *batches(): AsyncGenerator<Batch, void, undefined> {
    for await (const page of this.#walk.pagesOldestFirst()) {
      if ('marks' in page) this.#advance(page.marks.toReversed());
      else yield* this.#batchesOf(page.events.toReversed(), page.earliestAboveMs);
    }
  }

  /** The state once all batches are done. */
  finish(): PollState {
    return {
      ...this.#settle(Number.POSITIVE_INFINITY),
      lastScanStartedAt: new Date(this.#walk.startedAtMs).toISOString(),
    };
  }

  *#batchesOf(oldestFirst: readonly AuditEvent[], oldestAboveMs: number): Generator<Batch, void, undefined> {
    const marks = oldestFirst.map(refOf); // Before the consumer has the events, and may change them.
    for (let from = 0; from < oldestFirst.length; from += batchSize) {
      const stretch = oldestFirst.slice(from, from + batchSize);
      const events = stretch.filter(this.#isWanted);
      if (events.length === 0) {
        this.#advance(marks.slice(from, from + batchSize));
        continue;
      }
      yield {
        events,
        lateIds: this.#lateIds(stretch),
        commit: (done) => {
          const undone = events[done];
          const end = from + (undone ? stretch.indexOf(undone) : stretch.length);
          this.#advance(marks.slice(from, end));
          return this.#settle(Math.min(oldestAboveMs, earliestMs(marks.slice(end))));
        },
      };
    }
  }

  #lateIds(stretch: readonly AuditEvent[]): string[] {
    const late: string[] = [];
    let above = this.#deliveredAbove.size;
    for (const event of stretch) {
      if (this.#deliveredAbove.has(event.id)) above--;
      else if (above > 0 && this.#isWanted(event)) late.push(event.id);
    }
    return late;
  }

  #advance(oldestFirst: readonly EventRef[]): void {
    this.#done = [...this.#done, ...oldestFirst];
    for (const [id] of oldestFirst) {
      this.#carriedOver.delete(id);
      this.#deliveredAbove.delete(id);
    }
  }

  /** @param oldestLeftMs the earliest time of what the climb has not passed yet */
  #settle(oldestLeftMs: number): PollState {
    const { anchors, seen, truncated } = settle(
      this.#done,
      this.#settled,
      this.#walk.watermarkMs,
      maxSeen - this.#carriedOver.size,
    );
    if (truncated && this.#overflow === 'none') this.#overflow = 'found';
    if (anchors.length > 0) this.#anchors = anchors;
    this.#done = [...anchors.toReversed(), ...seen];
    this.#settled = anchors.length;
    return {
      ...this.#before,
      anchors: this.#anchors,
      seen: [...seen, ...this.#carriedOver.values()],
      pendingSince: toIso(Math.min(oldestLeftMs, this.#walk.watermarkMs)),
    };
  }
}

/** What is known to be settled where the walk ended: the anchors from the one it met on, or what it saw there, if that is more. */
const settledBelow = (anchors: readonly EventRef[], below: readonly AuditEvent[]): readonly EventRef[] => {
  const met = anchors.findIndex(([id]) => id === below[0]?.id);
  const known = met === -1 ? [] : anchors.slice(met);
  const listed = anchorsFrom(below);
  return known.length > listed.length ? known : listed;
};
