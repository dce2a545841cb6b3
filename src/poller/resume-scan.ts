import type { AuditEvent } from '../audit-log/event.ts';
import type { FetchPage } from '../audit-log/pagination.ts';
import { parseTimestamp } from '../internal/timestamp.ts';
import { earliestAbove, maxOutOfOrderMs } from './ordering.ts';
import { type ScanResult, scan } from './scan.ts';
import type { ScanClock, TimedPage } from './scan-clock.ts';
import { type EventRef, fromIso, isBefore, type PollState, refOf } from './state.ts';
import { extendOlderRun, type StopCondition } from './stop-condition.ts';

/** The result of every scan after the first: the list down to an anchor. */
export interface ResumeScan {
  readonly result: ScanResult;
  isWanted(event: AuditEvent): boolean;
  /** Ids of seen events that the list still has. */
  readonly stillListed: ReadonlySet<string>;
  /** The scan went below the first anchor without finding any anchor. It may have read processed events there. */
  readonly hasLostAnchors: boolean;
}

interface ResumeFindings {
  readonly olderRunLength: number;
  readonly stillListed: readonly string[];
  readonly hasPassedAnchor: boolean;
}

export async function resumeScan(
  fetchPage: FetchPage<TimedPage>,
  state: PollState,
  lookbackMs: number,
): Promise<ResumeScan> {
  const isWanted = isNewFor(state);
  const result = await scan(fetchPage, resumeCondition(state, isWanted, lookbackMs), lookbackMs);
  const { stillListed, hasPassedAnchor } = result.findings;
  const passedAnchors = result.end === 'end of list' && hasPassedAnchor && state.anchors.length > 0;
  return {
    result,
    isWanted,
    stillListed: new Set(stillListed),
    hasLostAnchors: result.end === 'older' || passedAnchors,
  };
}

/** Whether a poller with this state has yet to deliver an event. */
export function isNewFor(state: PollState): (event: AuditEvent) => boolean {
  const seenIds = new Set(state.seen.map(([id]) => id));
  const startMs = fromIso(state.start);
  return (event) => !seenIds.has(event.id) && !isBefore(refOf(event), startMs);
}

/**
 * Ends the scan at an anchor. If all anchors are gone, the scan ends where a run of events is older than anything that is
 * pending. The times of the anchors bound that as well, for a burst of events that are later than the look-back allows.
 */
const resumeCondition = (
  state: PollState,
  isWanted: (event: AuditEvent) => boolean,
  lookbackMs: number,
): StopCondition<ResumeFindings> => {
  const anchorIds = new Set(state.anchors.map(([id]) => id));
  const seenIds = new Set(state.seen.map(([id]) => id));
  const newestAnchorMs = newestMs(state.anchors);
  const nothingPendingBeforeMs = Math.min(fromIso(state.pendingSince), earliestAbove(state.anchors, lookbackMs));
  return {
    initialFindings: { olderRunLength: 0, stillListed: [], hasPassedAnchor: false },
    inspect: (before, events, clock) => {
      const anchor = events.findIndex(({ id }) => anchorIds.has(id));
      const olderRun = extendOlderRun(before.olderRunLength, events, nothingPendingBeforeMs);
      const stop = anchor === -1 ? olderRun.stop : ({ reason: 'known', index: anchor } as const);
      const above = events.slice(0, stop?.index);
      const unknown = above.filter(({ id }) => !seenIds.has(id));
      const stillListed = above.filter(({ id }) => seenIds.has(id)).map(({ id }) => id);
      return {
        findings: {
          olderRunLength: olderRun.length,
          stillListed: stillListed.length === 0 ? before.stillListed : [...before.stillListed, ...stillListed],
          hasPassedAnchor:
            before.hasPassedAnchor ||
            unknown.some((event) => mayBeOlderThanAnchor(event, newestAnchorMs, clock, lookbackMs)),
        },
        stop,
        hasWanted: above.some(isWanted),
      };
    },
  };
};

/** A time that cannot be read, or that lies in the future, says nothing about the place of an event. */
const mayBeOlderThanAnchor = (
  { created_at }: AuditEvent,
  newestAnchorMs: number,
  { startedAtMs }: ScanClock,
  lookbackMs: number,
): boolean => {
  const createdMs = parseTimestamp(created_at);
  if (createdMs === undefined || createdMs > startedAtMs + lookbackMs) return true;
  return createdMs <= newestAnchorMs + maxOutOfOrderMs(lookbackMs);
};

/** The first anchor can be backdated, so the youngest of all counts. Anchors whose times cannot be read may have any age. */
const newestMs = (anchors: readonly EventRef[]): number => {
  const times = anchors.map(([, createdAt]) => parseTimestamp(createdAt)).filter((ms) => ms !== undefined);
  return times.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...times);
};
