import type { AuditEvent } from '../audit-log/event.ts';
import type { FetchPage } from '../audit-log/pagination.ts';
import { parseTimestamp } from '../internal/timestamp.ts';
import { earliestAbove, maxOutOfOrderMs } from './ordering.ts';
import { type ScanResult, scan } from './scan.ts';
import type { ScanClock, TimedPage } from './scan-clock.ts';
import { type EventRef, fromIso, isBefore, type PollState, refOf } from './state.ts';
import { extendOlderRun, type StopCondition } from './stop-condition.ts';

/** The result of a scan that starts from a saved state. */
export interface ResumeScan {
  readonly result: ScanResult;
  isWanted(event: AuditEvent): boolean;
  /** The ids of seen events that the list still has. */
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

/** Returns whether a poller with this state still has to deliver an event. */
export function isNewFor(state: PollState): (event: AuditEvent) => boolean {
  const seenIds = new Set(state.seen.map(([id]) => id));
  const startMs = fromIso(state.start);
  return (event) => !seenIds.has(event.id) && !isBefore(refOf(event), startMs);
}

/**
 * Ends the scan at an anchor. If no anchor is left, the scan ends at a run of events that are older than everything pending.
 * The run must also be older than {@link earliestAbove} of the anchors. Without that second bound, a hundred events that arrive
 * too late would end the scan.
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

/**
 * Whether the event may be as old as the anchors, which means that the scan may have passed their place. A time that is
 * unreadable, or more than a look-back in the future, proves nothing. Such an event counts as old.
 */
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
