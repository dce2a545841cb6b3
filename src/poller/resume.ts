import type { AuditEvent } from '../event.ts';
import { timestampMs } from '../internal/timestamp.ts';
import { isOlder, markOf, type PollState } from './state.ts';
import { type GoalMet, olderRun, type Walk, type WalkGoal } from './walk.ts';

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
  const firstAnchor = state.anchors[0];
  const anchorMs = firstAnchor && timestampMs(firstAnchor[1]);
  const isWanted = wantedAfter(state);
  const allIsOlder = olderRun((anchorMs ?? Number.NEGATIVE_INFINITY) - lookbackMs);
  const metAgain = new Set<string>();
  let wentBelow = false;

  return {
    metAgain,
    isWanted,
    hasLostAnchors: ({ end }) => end === 'older' || (end === 'end of list' && wentBelow),
    endsAt(page) {
      const index = page.events.findIndex(({ id }) => anchorIds.has(id));
      const met: GoalMet | undefined = index === -1 ? allIsOlder(page) : { reason: 'known', index };
      for (const event of page.events.slice(0, met?.index)) {
        if (seenIds.has(event.id)) metAgain.add(event.id);
        // At the anchor's own instant counts as below: events can share it.
        else if (anchorMs !== undefined && isOlder(markOf(event), anchorMs + 1)) wentBelow = true;
      }
      return met;
    },
  };
}

/** Whether an event is to be delivered by a poller that stands there. */
export function wantedAfter(state: PollState): (event: AuditEvent) => boolean {
  const seenIds = new Set(state.seen.map(([id]) => id));
  const startMs = state.start === null ? Number.NEGATIVE_INFINITY : Date.parse(state.start);
  return (event) => !seenIds.has(event.id) && !isOlder(markOf(event), startMs);
}
