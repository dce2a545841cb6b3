import type { FetchPage } from '../audit-log/pagination.ts';
import { AuditConfigError } from '../errors.ts';
import { excerpt } from '../internal/excerpt.ts';
import { parseTimestamp } from '../internal/timestamp.ts';
import { anchorsAt } from './anchors.ts';
import { type EventRef, isBefore, isRequested, type ListedEvent, refOf } from './listed-event.ts';
import { earliestAbove, extendOldRun, maxOutOfOrderMs, oldRunThreshold } from './ordering.ts';
import { type ScanResult, scan } from './scan.ts';
import type { TimedPage } from './scan-clock.ts';
import type { FirstStart } from './start-from.ts';
import { maxSeen, type PollState, toIso } from './state.ts';
import type { Inspection, StopCondition } from './stop-condition.ts';

/** The result of the very first scan, and what the state to save before the first delivery is made of. */
export interface FirstScan extends Pick<PollState, 'anchors' | 'seen' | 'start'> {
  readonly result: ScanResult;
  isWanted(event: ListedEvent): boolean;
  /** Whether the scan left out more events within the look-back than the poller may remember. */
  readonly hasOverflowed: boolean;
}

/** @throws AuditConfigError if `startFrom` names an event that PlanetScale does not list */
export function firstScan(
  fetchPage: FetchPage<TimedPage>,
  startFrom: FirstStart,
  lookbackMs: number,
): Promise<FirstScan> {
  if (startFrom === 'oldest') return scanFromOldest(fetchPage, lookbackMs);
  if (startFrom === 'now') return scanFromNewest(fetchPage, 0, lookbackMs);
  if ('newest' in startFrom) return scanFromNewest(fetchPage, startFrom.newest, lookbackMs);
  if ('since' in startFrom) return scanSince(fetchPage, startFrom.since.getTime(), lookbackMs);
  return scanNewerThan(fetchPage, startFrom.newerThan, lookbackMs);
}

const isAlwaysWanted = (): boolean => true;

const endOfList: StopCondition<undefined> = {
  knownIds: new Set(),
  initialFindings: undefined,
  inspect: (findings, events) => ({ findings, stopIndex: undefined, hasWanted: events.some(isRequested) }),
};

const scanFromOldest = async (fetchPage: FetchPage<TimedPage>, lookbackMs: number): Promise<FirstScan> => ({
  result: await scan(fetchPage, endOfList, lookbackMs),
  isWanted: isAlwaysWanted,
  anchors: [],
  seen: [],
  start: null,
  hasOverflowed: false,
});

interface LeftOut {
  /** Newest first. They count as seen: they can appear above an anchor, although they are not delivered. */
  readonly leftOut: ReadonlyMap<string, EventRef>;
  readonly hasOverflowed: boolean;
}

const nothingLeftOut: LeftOut = { leftOut: new Map(), hasOverflowed: false };

/** Adds events to those that are left out, down to the first that can be an anchor, or for which there is no room. */
const leaveOut = (
  before: LeftOut,
  events: readonly ListedEvent[],
  canBeAnchor: (ref: EventRef) => boolean,
): LeftOut & { readonly stopAt: number | undefined } => {
  const leftOut = new Map(before.leftOut);
  for (const [index, event] of events.entries()) {
    const ref = refOf(event);
    if (canBeAnchor(ref)) return { leftOut, hasOverflowed: false, stopAt: index };
    if (leftOut.size === maxSeen) {
      return { leftOut, hasOverflowed: parseTimestamp(event.created_at) !== undefined, stopAt: index };
    }
    leftOut.set(event.id, ref);
  }
  return { leftOut, hasOverflowed: false, stopAt: undefined };
};

/** PlanetScale may list equal times in any order: an anchor of the same instant could stand above the wanted event later. */
const hasOtherInstantThan =
  (lowestWanted: ListedEvent | undefined) =>
  ([, createdAt]: EventRef): boolean =>
    createdAt !== lowestWanted?.created_at;

/** Returns the place below the first `count` events of the poller's actions, or the length if there are fewer. */
const endOfRequested = (events: readonly ListedEvent[], count: number): number => {
  let left = count;
  for (const [index, event] of events.entries()) {
    if (left <= 0) return index;
    if (isRequested(event)) left--;
  }
  return events.length;
};

interface NewestFindings extends LeftOut {
  readonly wantedCount: number;
  readonly lowestWanted: ListedEvent | undefined;
}

const scanFromNewest = async (
  fetchPage: FetchPage<TimedPage>,
  newest: number,
  lookbackMs: number,
): Promise<FirstScan> => {
  const condition: StopCondition<NewestFindings> = {
    knownIds: new Set(),
    initialFindings: { ...nothingLeftOut, wantedCount: 0, lowestWanted: undefined },
    inspect: (before, events, { watermarkMs }): Inspection<NewestFindings> => {
      const end = endOfRequested(events, newest - before.wantedCount);
      const wanted = events.slice(0, end).filter(isRequested);
      const lowestWanted = wanted.at(-1) ?? before.lowestWanted;
      const hasOtherInstant = hasOtherInstantThan(lowestWanted);
      const { leftOut, hasOverflowed, stopAt } = leaveOut(
        before,
        events.slice(end),
        (ref) => isBefore(ref, watermarkMs) && hasOtherInstant(ref),
      );
      return {
        findings: { leftOut, hasOverflowed, lowestWanted, wantedCount: before.wantedCount + wanted.length },
        stopIndex: stopAt === undefined ? undefined : end + stopAt,
        hasWanted: wanted.length > 0,
      };
    },
  };
  const result = await scan(fetchPage, condition, lookbackMs);
  return firstScanOf(result, result.findings, lookbackMs);
};

/** The first scan of a start that leaves out events above the anchors. */
const firstScanOf = (result: ScanResult, { leftOut, hasOverflowed }: LeftOut, lookbackMs: number): FirstScan => {
  const refs = [...leftOut.values()];
  const { anchors, besideAnchors } = anchorsAt(result.below.map(refOf));
  return {
    result,
    isWanted: ({ id }) => !leftOut.has(id),
    anchors,
    seen: [...besideAnchors, ...refs.toReversed()],
    start: startAbove([...refs, ...anchors], result, lookbackMs),
    hasOverflowed,
  };
};

/**
 * A wanted event can be ahead of its time and stand below late events that are too old. The scan therefore ends only at a run of
 * a hundred old events. A run spans pages, because a filter can leave one backdated event alone on its page.
 */
const scanSince = async (fetchPage: FetchPage<TimedPage>, sinceMs: number, lookbackMs: number): Promise<FirstScan> => {
  const isWanted = (event: ListedEvent): boolean => !isBefore(refOf(event), sinceMs);
  const oldBeforeMs = sinceMs - maxOutOfOrderMs(lookbackMs);
  const condition: StopCondition<number> = {
    knownIds: new Set(),
    initialFindings: 0,
    inspect: (lengthBefore, events) => {
      const { length, onPage } = extendOldRun(lengthBefore, events, (event) => isBefore(refOf(event), oldBeforeMs));
      const stopIndex = length < oldRunThreshold ? undefined : events.length - onPage;
      return {
        findings: length,
        stopIndex,
        hasWanted: events.slice(0, stopIndex).some((event) => isRequested(event) && isWanted(event)),
      };
    },
  };
  const result = await scan(fetchPage, condition, lookbackMs);
  const { anchors, besideAnchors } = anchorsAt(result.below.map(refOf));
  return {
    result,
    isWanted,
    anchors,
    seen: besideAnchors,
    start: new Date(sinceMs).toISOString(),
    hasOverflowed: false,
  };
};

interface NewerThanFindings extends LeftOut {
  readonly hasFound: boolean;
  readonly lowestWanted: ListedEvent | undefined;
}

const scanNewerThan = async (fetchPage: FetchPage<TimedPage>, id: string, lookbackMs: number): Promise<FirstScan> => {
  const condition: StopCondition<NewerThanFindings> = {
    knownIds: new Set(),
    initialFindings: { ...nothingLeftOut, hasFound: false, lowestWanted: undefined },
    inspect: (before, events): Inspection<NewerThanFindings> => {
      const found = before.hasFound ? 0 : events.findIndex((event) => event.id === id);
      const end = found === -1 ? events.length : found;
      const lowestWanted = events[end - 1] ?? before.lowestWanted;
      const { leftOut, hasOverflowed, stopAt } = leaveOut(before, events.slice(end), hasOtherInstantThan(lowestWanted));
      return {
        findings: { leftOut, hasOverflowed, lowestWanted, hasFound: found !== -1 },
        stopIndex: stopAt === undefined ? undefined : end + stopAt,
        hasWanted: end > 0,
      };
    },
  };
  const result = await scan(fetchPage, condition, lookbackMs);
  if (result.findings.hasFound) return firstScanOf(result, result.findings, lookbackMs);
  throw new AuditConfigError(
    `The poller did not find the event of startFrom.newerThan in PlanetScale's list (id: ${excerpt(id)}; actions can hide an event). Start from 'oldest', from a date, or from an event that PlanetScale lists.`,
  );
};

/**
 * Returns the `start` of the state: the poller never delivers an event that was created earlier, even if all anchors are
 * deleted. No wanted event is older. If nothing was left out, the list may have been empty for a moment. An event that arrives later than the look-back is delivered if it is not older than `start`.
 */
const startAbove = (leftOutNewestFirst: readonly EventRef[], result: ScanResult, lookbackMs: number): string | null =>
  toIso(
    Math.min(
      result.earliestMs,
      result.watermarkMs,
      leftOutNewestFirst.length === 0 ? result.watermarkMs : earliestAbove(leftOutNewestFirst, lookbackMs),
    ),
  );
