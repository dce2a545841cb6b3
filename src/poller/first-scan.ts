import type { AuditEvent } from '../audit-log/event.ts';
import type { FetchPage } from '../audit-log/pagination.ts';
import { AuditConfigError } from '../errors.ts';
import { earliestAbove, maxOutOfOrderMs } from './ordering.ts';
import { type ScanResult, scan } from './scan.ts';
import type { TimedPage } from './scan-clock.ts';
import type { FirstStart } from './start-from.ts';
import { anchorsFrom, type EventRef, isBefore, maxSeen, type PollState, refOf, toIso } from './state.ts';
import { extendOlderRun, type Inspection, type StopCondition, type StopPoint } from './stop-condition.ts';

/** The result of the very first scan, and the state to save before the poller delivers its events. */
export interface FirstScan extends Pick<PollState, 'anchors' | 'seen' | 'start'> {
  readonly result: ScanResult;
  isWanted(event: AuditEvent): boolean;
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

/** Returns a stop condition for a poller that delivers every event above the stop. The condition remembers no page. */
const stopAt = (findStop: (events: readonly AuditEvent[]) => StopPoint | undefined): StopCondition<undefined> => ({
  initialFindings: undefined,
  inspect: (findings, events) => {
    const stop = findStop(events);
    return { findings, stop, hasWanted: stop?.index !== 0 };
  },
});

const scanFromOldest = async (fetchPage: FetchPage<TimedPage>, lookbackMs: number): Promise<FirstScan> => ({
  result: await scan(
    fetchPage,
    stopAt(() => undefined),
    lookbackMs,
  ),
  isWanted: isAlwaysWanted,
  anchors: [],
  seen: [],
  start: null,
  hasOverflowed: false,
});

interface NewestFindings {
  readonly eventCount: number;
  /** Newest first. A late event can still appear above these: they count as seen, although they are not delivered. */
  readonly leftOut: ReadonlyMap<string, EventRef>;
  readonly hasOverflowed: boolean;
}

/** Adds events to those that are left out, down to the first that is old enough to be an anchor, or for which there is no room. */
const leaveOut = (
  before: ReadonlyMap<string, EventRef>,
  events: readonly AuditEvent[],
  watermarkMs: number,
): Omit<NewestFindings, 'eventCount'> & { readonly stopAt: number | undefined } => {
  const leftOut = new Map(before);
  for (const [index, event] of events.entries()) {
    const ref = refOf(event);
    const isOld = isBefore(ref, watermarkMs);
    const hasOverflowed = !isOld && leftOut.size === maxSeen;
    if (isOld || hasOverflowed) return { leftOut, hasOverflowed, stopAt: index };
    leftOut.set(event.id, ref);
  }
  return { leftOut, hasOverflowed: false, stopAt: undefined };
};

const scanFromNewest = async (
  fetchPage: FetchPage<TimedPage>,
  wantedCount: number,
  lookbackMs: number,
): Promise<FirstScan> => {
  const condition: StopCondition<NewestFindings> = {
    initialFindings: { eventCount: 0, leftOut: new Map(), hasOverflowed: false },
    inspect: (before, events, { watermarkMs }): Inspection<NewestFindings> => {
      const wanted = Math.min(events.length, Math.max(0, wantedCount - before.eventCount));
      const { leftOut, hasOverflowed, stopAt } = leaveOut(before.leftOut, events.slice(wanted), watermarkMs);
      return {
        findings: { eventCount: before.eventCount + events.length, leftOut, hasOverflowed },
        stop: stopAt === undefined ? undefined : { reason: 'known', index: wanted + stopAt },
        hasWanted: wanted > 0,
      };
    },
  };
  const result = await scan(fetchPage, condition, lookbackMs);
  const { leftOut, hasOverflowed } = result.findings;
  const refs = [...leftOut.values()];
  const anchors = anchorsFrom(result.below);
  return {
    result,
    isWanted: ({ id }) => !leftOut.has(id),
    anchors,
    seen: refs.toReversed(),
    start: startAbove([...refs, ...anchors], result, lookbackMs),
    hasOverflowed,
  };
};

/**
 * A wanted event can be ahead of its time and stand below late events that are too old. The scan therefore ends only at a long
 * run of old events.
 */
const scanSince = async (fetchPage: FetchPage<TimedPage>, sinceMs: number, lookbackMs: number): Promise<FirstScan> => {
  const isWanted = (event: AuditEvent): boolean => !isBefore(refOf(event), sinceMs);
  const condition: StopCondition<number> = {
    initialFindings: 0,
    inspect: (runLength, events) => {
      const { length, stop } = extendOlderRun(runLength, events, sinceMs - maxOutOfOrderMs(lookbackMs));
      return { findings: length, stop, hasWanted: events.slice(0, stop?.index).some(isWanted) };
    },
  };
  const result = await scan(fetchPage, condition, lookbackMs);
  return {
    result,
    isWanted,
    anchors: anchorsFrom(result.below),
    seen: [],
    start: new Date(sinceMs).toISOString(),
    hasOverflowed: false,
  };
};

const scanNewerThan = async (fetchPage: FetchPage<TimedPage>, id: string, lookbackMs: number): Promise<FirstScan> => {
  const condition = stopAt((events) => {
    const index = events.findIndex((event) => event.id === id);
    return index === -1 ? undefined : { reason: 'known', index };
  });
  const result = await scan(fetchPage, condition, lookbackMs);
  const anchors = anchorsFrom(result.below);
  if (anchors.length === 0) {
    throw new AuditConfigError(
      `The poller did not find the event of startFrom.newerThan in PlanetScale's list (id: ${id}; actions can hide an event). Start from 'oldest', from a date, or from an event that PlanetScale lists.`,
    );
  }
  const start = startAbove(anchors, result, lookbackMs);
  return { result, isWanted: isAlwaysWanted, anchors, seen: [], start, hasOverflowed: false };
};

/**
 * Returns the `start` of the state: the poller never delivers an event that was created earlier, even if all anchors are
 * deleted. No wanted event is older. An event that arrives later than the look-back is delivered if it is not older than `start`.
 */
const startAbove = (leftOutNewestFirst: readonly EventRef[], result: ScanResult, lookbackMs: number): string | null =>
  toIso(Math.min(result.pendingSinceMs, earliestAbove(leftOutNewestFirst, lookbackMs)));
