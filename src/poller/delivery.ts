import type { AuditEvent } from '../audit-log/event.ts';
import { type Anchored, anchorsAt, type Settled, settle, sharesInstantWith } from './anchors.ts';
import type { DeliveryPlan } from './delivery-plan.ts';
import { datedRef, type EventRef, isRequested, type ListedEvent, refOf } from './listed-event.ts';
import { earliestMs, latestMs } from './ordering.ts';
import { RecentIds } from './recent-ids.ts';
import type { BufferedPage } from './scanned-pages.ts';
import { fromIso, maxSeen, type PollState, toIso } from './state.ts';

/** How many events the poller delivers, and commits, together. */
const maxBatchSize = 100;

/** Events to deliver together, oldest first. */
export interface Batch {
  readonly events: readonly AuditEvent[];
  /** The ids of those events that stand below a seen event. */
  readonly lateIds: readonly string[];
  /** The unbroken part of the list from which the events come, oldest first. */
  readonly stretch: readonly ListedEvent[];
  /** The refs of the stretch, made before the consumer can change an event. */
  readonly refs: readonly EventRef[];
  /** The event just above the stretch; undefined if there is none. */
  readonly above: EventRef | undefined;
  /** The earliest readable `created_at` above the stretch. */
  readonly earliestAboveMs: number;
}

export interface DeliveryOptions extends DeliveryPlan {
  readonly lookbackMs: number;
  /** Whether the first scan left out more events within the look-back than the poller may remember. */
  readonly hasOverflowed: boolean;
  /** Returns the time of PlanetScale's clock. */
  serverNowMs(): number;
}

/**
 * Delivers the events of a scan, oldest first, and makes the state to save after each batch.
 *
 * The delivery moves up the list, and everything below it is final. For the part above it, each state keeps the seen events from
 * before the scan.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  /** The refs of the state before, by their ids. They keep the times at which unreadable events were first read. */
  readonly #knownRefs: ReadonlyMap<string, EventRef>;
  /** The ids of seen events that the scan met and the delivery has not reached yet. An event below one of them is late. */
  readonly #seenAbove: Set<string>;
  /** The seen events that each state still has to hold: those in `#seenAbove`, and others that the scan did not meet. */
  readonly #carriedOver: Map<string, EventRef>;
  /** The ids that the delivery has passed last. PlanetScale may list an event on two pages. */
  readonly #passedIds = new RecentIds(maxSeen);
  /** The final events that the poller has to remember. */
  #settled: Anchored & Pick<Settled, 'seen'>;
  #forgottenUntilMs: number;
  /** The events above the settled ones that the delivery has passed, oldest first. */
  #passed: EventRef[] = [];
  #hasOverflowed: boolean;
  /** How many refs of the last batch are final, counted from the oldest. */
  #passedOfBatch = 0;

  constructor(options: DeliveryOptions) {
    const { before, stillListed, carriedOver, hasOverflowed } = options;
    this.#options = options;
    this.#knownRefs = new Map([...before.seen, ...before.anchors].map((ref) => [ref[0], ref]));
    this.#seenAbove = new Set(stillListed);
    this.#carriedOver = new Map(carriedOver.map((ref) => [ref[0], ref]));
    this.#hasOverflowed = hasOverflowed;
    const below = options.below.map((ref) => this.#datedRef(ref));
    const unmet = before.seen.filter(([id]) => !stillListed.has(id));
    this.#settled = { ...anchoredAtStop(below, before.anchors, unmet), seen: [] };
    for (const [id] of [...this.#settled.anchors, ...this.#settled.besideAnchors]) this.#leaveBehind(id);
    const kept = new Set([...this.#settled.anchors, ...this.#settled.besideAnchors, ...carriedOver].map(([id]) => id));
    const forgotten = [...before.seen, ...before.anchors].filter(([id]) => !kept.has(id));
    this.#forgottenUntilMs = Math.max(fromIso(before.forgottenUntil), latestMs(forgotten));
  }

  /** The poller has more events to remember than it may: it will miss late events among the oldest of them. */
  get hasOverflowed(): boolean {
    return this.#hasOverflowed;
  }

  /** @throws InconsistentListError */
  async *batches(): AsyncGenerator<Batch, void, undefined> {
    for await (const page of this.#options.result.pagesOldestFirst()) {
      if ('refs' in page) this.#advance(page.refs.toReversed(), page.above);
      else yield* this.#batchesOf(page);
    }
  }

  /** Returns the state to save after the consumer has acknowledged the first `acknowledgedCount` events of the batch. */
  commit({ events, stretch, refs, above, earliestAboveMs }: Batch, acknowledgedCount: number): PollState {
    const next = events[acknowledgedCount];
    const end = next ? stretch.indexOf(next) : stretch.length;
    const nextRef = refs[end] ?? above;
    this.#advance(refs.slice(this.#passedOfBatch, end), nextRef);
    this.#passedOfBatch = end;
    this.#settle(nextRef);
    return this.#stateWith(Math.min(earliestAboveMs, earliestMs(refs.slice(end))));
  }

  /** Returns the state to save after the consumer has acknowledged all batches. */
  finish(): PollState {
    this.#settle(undefined);
    return {
      ...this.#stateWith(Number.POSITIVE_INFINITY),
      lastScanStartedAt: new Date(this.#options.result.startedAtMs).toISOString(),
    };
  }

  *#batchesOf(page: BufferedPage): Generator<Batch, void, undefined> {
    const { earliestAboveMs } = page;
    const oldestFirst = page.events.toReversed();
    const allRefs = oldestFirst.map(refOf);
    const earliestFrom = earliestFromEach(allRefs, earliestAboveMs);
    for (let from = 0; from < oldestFirst.length; from += maxBatchSize) {
      const to = from + maxBatchSize;
      const stretch = oldestFirst.slice(from, to);
      const refs = allRefs.slice(from, to);
      const above = allRefs[to] ?? page.above;
      const events = this.#undelivered(stretch);
      if (events.length === 0) {
        this.#advance(refs, above);
        continue;
      }
      this.#passedOfBatch = 0;
      yield {
        events,
        lateIds: this.#lateIds(stretch, events),
        stretch,
        refs,
        above,
        earliestAboveMs: earliestFrom[to] ?? earliestAboveMs,
      };
    }
  }

  /** Returns the wanted events, each once. */
  #undelivered(stretch: readonly ListedEvent[]): AuditEvent[] {
    const ids = new Set<string>();
    return stretch.filter(isRequested).filter((event) => {
      if (!this.#options.isWanted(event) || this.#passedIds.has(event.id) || ids.has(event.id)) return false;
      ids.add(event.id);
      return true;
    });
  }

  #lateIds(stretch: readonly ListedEvent[], events: readonly AuditEvent[]): string[] {
    const delivered = new Set<ListedEvent>(events);
    const late: string[] = [];
    let seenAbove = this.#seenAbove.size;
    for (const event of stretch) {
      if (this.#seenAbove.has(event.id)) seenAbove--;
      else if (seenAbove > 0 && delivered.has(event)) late.push(event.id);
    }
    return late;
  }

  /** @param above the event just above the refs */
  #advance(refs: readonly EventRef[], above: EventRef | undefined): void {
    for (const ref of refs) {
      if (this.#isToRemember(ref)) this.#passed.push(this.#datedRef(ref));
      this.#leaveBehind(ref[0]);
    }
    if (this.#passed.length > maxSeen) this.#settle(above);
  }

  #isToRemember(ref: EventRef): boolean {
    return this.#knownRefs.has(ref[0]) || this.#options.isToRemember(ref);
  }

  #datedRef(ref: EventRef): EventRef {
    const { lookbackMs, serverNowMs } = this.#options;
    return this.#knownRefs.get(ref[0]) ?? datedRef(ref, serverNowMs(), lookbackMs);
  }

  #leaveBehind(id: string): void {
    this.#carriedOver.delete(id);
    this.#seenAbove.delete(id);
    this.#passedIds.add(id);
  }

  /**
   * Makes anchors of the events that are old enough, and forgets the events below the anchors.
   *
   * @param above the event above those that the delivery has passed
   */
  #settle(above: EventRef | undefined): void {
    const { besideAnchors, anchors, seen } = this.#settled;
    const final = [...besideAnchors, ...anchors.toReversed(), ...seen, ...this.#passed];
    const { hasOverflowed, forgotten, ...settled } = settle(final, {
      besideCount: besideAnchors.length,
      anchoredCount: besideAnchors.length + anchors.length,
      watermarkMs: this.#options.watermarkMs,
      capacity: Math.max(0, maxSeen - this.#carriedOver.size),
      above: above && this.#datedRef(above),
    });
    this.#settled = settled;
    this.#passed = [];
    this.#forgottenUntilMs = Math.max(this.#forgottenUntilMs, latestMs(forgotten));
    if (hasOverflowed) this.#hasOverflowed = true;
  }

  /** @param earliestLeftMs the earliest readable `created_at` above the final events */
  #stateWith(earliestLeftMs: number): PollState {
    const { before, unreadSinceMs, oldestHiddenMs, missingAnchors } = this.#options;
    const { anchors, besideAnchors, seen } = this.#settled;
    const carriedOver = [...this.#carriedOver.values()];
    const above = carriedOver.filter(([id]) => this.#seenAbove.has(id));
    const elsewhere = carriedOver.filter(([id]) => !this.#seenAbove.has(id));
    return {
      ...before,
      anchors,
      seen: [...elsewhere, ...besideAnchors, ...seen, ...above].slice(-maxSeen),
      pendingSince: toIso(Math.min(earliestLeftMs, unreadSinceMs)),
      oldestPendingAt: toIso(Math.min(earliestLeftMs, oldestHiddenMs)),
      forgottenUntil: toIso(this.#forgottenUntilMs),
      missingAnchors,
    };
  }
}

/** Returns, for each of the refs and for the place above them, the earliest readable time from there on up. */
const earliestFromEach = (oldestFirst: readonly EventRef[], earliestAboveMs: number): readonly number[] => {
  const earliest = [earliestAboveMs];
  for (const ref of oldestFirst.toReversed())
    earliest.push(Math.min(earliest.at(-1) ?? earliestAboveMs, earliestMs([ref])));
  return earliest.reverse();
};

/**
 * Returns the anchors at the stop point. The saved anchors complete the events that the scan read there, because the page may end
 * below the stop point. The seen events that the scan did not meet may stand there too.
 */
const anchoredAtStop = (
  below: readonly EventRef[],
  savedAnchors: readonly EventRef[],
  unmet: readonly EventRef[],
): Anchored => {
  const found = savedAnchors.findIndex(([id]) => id === below[0]?.[0]);
  if (found === -1) return anchorsAt(below);
  const atStop = new Map([...below, ...savedAnchors.slice(found)].map((ref) => [ref[0], ref]));
  const { anchors, besideAnchors } = anchorsAt([...atStop.values()]);
  const elsewhere = [...savedAnchors.slice(0, found), ...unmet].filter(([id]) => !atStop.has(id));
  return { anchors, besideAnchors: [...elsewhere.filter(sharesInstantWith(anchors)), ...besideAnchors] };
};
