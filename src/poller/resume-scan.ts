import type { AuditEvent } from '../audit-log/event.ts';
import { parseTimestamp } from '../internal/timestamp.ts';
import { earliestAbove, maxOutOfOrderMs } from './ordering.ts';
import { createOlderRunDetector, type ScanClock, type ScanResult, type StopCondition, type StopPoint } from './scan.ts';
import { type EventRef, fromIso, isBefore, type PollState, refOf } from './state.ts';

/** The goal of every walk but the first: down to an anchor. */
export interface ResumeGoal extends StopCondition {
  /** Ids that were delivered by an earlier scan and are in the list. */
  readonly stillListed: ReadonlySet<string>;
  /** Whether the walk went by the place of the first anchor without meeting any: what it met there may have been delivered. */
  hasLostAnchors(walk: ScanResult): boolean;
}

export function resumeGoal(state: PollState, lookbackMs: number): ResumeGoal {
  const anchorIds = new Set(state.anchors.map(([id]) => id));
  const seenIds = new Set(state.seen.map(([id]) => id));
  const anchorMs = newestMs(state.anchors);
  const isWanted = isNewFor(state);
  // What is older than `undoneSince` was passed by that scan, or stood below its end: nothing that it left stands below it. Nor does
  // what it could not see: nothing becomes visible below an event older than the floor. The anchors' times are for a burst of
  // events that are later than they may be.
  const allIsOlder = createOlderRunDetector(
    Math.min(fromIso(state.pendingSince), earliestAbove(state.anchors, lookbackMs)),
  );
  /** A time that cannot be read, or is still to come, tells nothing. */
  const mayBeOlderThanAnchor = ({ created_at }: AuditEvent, { startedAtMs }: ScanClock): boolean => {
    const createdMs = parseTimestamp(created_at);
    if (createdMs === undefined || createdMs > startedAtMs + lookbackMs) return true;
    return createdMs <= anchorMs + maxOutOfOrderMs(lookbackMs);
  };
  const stillListed = new Set<string>();
  let passedAnchor = false;

  return {
    stillListed,
    isWanted,
    hasLostAnchors: ({ end }) => end === 'older' || (end === 'end of list' && passedAnchor && state.anchors.length > 0),
    findStop(page, clock) {
      const index = page.events.findIndex(({ id }) => anchorIds.has(id));
      const met: StopPoint | undefined = index === -1 ? allIsOlder(page) : { reason: 'known', index };
      for (const event of page.events.slice(0, met?.index)) {
        if (seenIds.has(event.id)) stillListed.add(event.id);
        else if (mayBeOlderThanAnchor(event, clock)) passedAnchor = true;
      }
      return met;
    },
  };
}

/** Of the anchors the first need not be the youngest: it may be backdated. Where no time can be read, they may be of any age. */
const newestMs = (anchors: readonly EventRef[]): number => {
  const times = anchors.map(([, createdAt]) => parseTimestamp(createdAt)).filter((ms) => ms !== undefined);
  return times.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...times);
};

/** Whether an event is to be delivered by a poller that stands there. */
export function isNewFor(state: PollState): (event: AuditEvent) => boolean {
  const seenIds = new Set(state.seen.map(([id]) => id));
  const startMs = fromIso(state.start);
  return (event) => !seenIds.has(event.id) && !isBefore(refOf(event), startMs);
}
