import type { AuditEvent } from '../audit-log/event.ts';
import { timestampMs } from '../internal/timestamp.ts';
import { mostDisorderMs, oldestAbove } from './ordering.ts';
import { type GoalMet, olderRun, type ScanClock, type Walk, type WalkGoal } from './scan.ts';
import { isOlder, type Mark, markOf, msOf, type PollState } from './state.ts';

/** The goal of every walk but the first: down to an anchor. */
export interface ResumeGoal extends WalkGoal {
  /** Ids that were delivered by an earlier scan and are in the list. */
  readonly metAgain: ReadonlySet<string>;
  /** Whether the walk went by the place of the first anchor without meeting any: what it met there may have been delivered. */
  hasLostAnchors(walk: Walk): boolean;
}

export function resumeGoal(state: PollState, lookbackMs: number): ResumeGoal {
  const anchorIds = new Set(state.anchors.map(([id]) => id));
  const seenIds = new Set(state.seen.map(([id]) => id));
  const anchorMs = newestMs(state.anchors);
  const isWanted = wantedAfter(state);
  // What is older than `undoneSince` was passed by that scan, or stood below its end: nothing that it left stands below it. Nor does
  // what it could not see: nothing becomes visible below an event older than the floor. The anchors' times are for a burst of
  // events that are later than they may be.
  const allIsOlder = olderRun(Math.min(msOf(state.undoneSince), oldestAbove(state.anchors, lookbackMs)));
  /** A time that cannot be read, or is still to come, tells nothing. */
  const mayLieBelow = ({ created_at }: AuditEvent, { startedAtMs }: ScanClock): boolean => {
    const createdMs = timestampMs(created_at);
    if (createdMs === undefined || createdMs > startedAtMs + lookbackMs) return true;
    return createdMs <= anchorMs + mostDisorderMs(lookbackMs);
  };
  const metAgain = new Set<string>();
  let wentBelow = false;

  return {
    metAgain,
    isWanted,
    hasLostAnchors: ({ end }) => end === 'older' || (end === 'end of list' && wentBelow && state.anchors.length > 0),
    endsAt(page, clock) {
      const index = page.events.findIndex(({ id }) => anchorIds.has(id));
      const met: GoalMet | undefined = index === -1 ? allIsOlder(page) : { reason: 'known', index };
      for (const event of page.events.slice(0, met?.index)) {
        if (seenIds.has(event.id)) metAgain.add(event.id);
        else if (mayLieBelow(event, clock)) wentBelow = true;
      }
      return met;
    },
  };
}

/** Of the anchors the first need not be the youngest: it may be backdated. Where no time can be read, they may be of any age. */
const newestMs = (anchors: readonly Mark[]): number => {
  const times = anchors.map(([, createdAt]) => timestampMs(createdAt)).filter((ms) => ms !== undefined);
  return times.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...times);
};

/** Whether an event is to be delivered by a poller that stands there. */
export function wantedAfter(state: PollState): (event: AuditEvent) => boolean {
  const seenIds = new Set(state.seen.map(([id]) => id));
  const startMs = msOf(state.start);
  return (event) => !seenIds.has(event.id) && !isOlder(markOf(event), startMs);
}
