import { AuditConfigError } from '../errors.ts';
import { oldestAbove } from './oldest-above.ts';
import { anchorsFrom, isOlder, type Mark, markOf, mostAnchors, mostSeen, type PollState } from './state.ts';
import { olderRun, type Walk, type WalkGoal } from './walk.ts';

/**
 * Where a poller begins while its store holds nothing.
 * - `'oldest'`: with everything that PlanetScale still has
 * - `'now'`: with nothing; the first event is the next one
 * - `{ latest: n }`: with the n newest events
 * - `{ since: date }`: with what was created at that time or later
 * - `{ after: id }`: with what stands above that event
 */
export type StartFrom =
  | 'oldest'
  | 'now'
  | { readonly latest: number }
  | { readonly since: Date }
  | { readonly after: string };

/** What a first run begins with. */
export type FirstState = Pick<PollState, 'anchors' | 'seen' | 'start'>;

/** The goal of a poller's very first walk, and what follows from it. */
export interface StartPolicy extends WalkGoal {
  /** @throws AuditConfigError */
  resolve(walk: Walk): FirstState;
}

export function startPolicy(startFrom: StartFrom, lookbackMs: number): StartPolicy {
  if (startFrom === 'oldest') return fromOldest();
  if (startFrom === 'now') return fromLatest(0, lookbackMs);
  if ('latest' in startFrom) return fromLatest(startFrom.latest, lookbackMs);
  if ('since' in startFrom) return fromSince(startFrom.since.getTime(), lookbackMs);
  return fromAfter(startFrom.after, lookbackMs);
}

const fromOldest = (): StartPolicy => ({
  endsAt: () => undefined,
  isWanted: () => true,
  resolve: () => ({ anchors: [], seen: [], start: null }),
});

/** Events that are not wanted, and above which a late one may still appear, count as seen; one more than fits is met, to tell of it. */
const fromLatest = (count: number, lookbackMs: number): StartPolicy => {
  let met = 0;
  const unwanted = new Map<string, Mark>();
  return {
    endsAt(page, { floorMs }) {
      for (const [index, event] of page.events.entries()) {
        const isUnwanted = met++ >= count;
        if (!isUnwanted) continue;
        const mark = markOf(event);
        if (isOlder(mark, floorMs) || unwanted.size > mostSeen) return { reason: 'known', index };
        unwanted.set(event.id, mark);
      }
      return undefined;
    },
    isWanted: ({ id }) => !unwanted.has(id),
    resolve(walk) {
      const marks = [...unwanted.values(), ...anchorsFrom(walk.below)];
      const firstAnchor = Math.min(unwanted.size, mostSeen);
      return {
        anchors: marks.slice(firstAnchor, firstAnchor + mostAnchors),
        seen: marks.slice(0, firstAnchor).reverse(),
        start: startAbove(marks, walk, lookbackMs),
      };
    },
  };
};

/** An event that is wanted, and was ahead of its time, may stand below some that are late, and not wanted. */
const fromSince = (sinceMs: number, lookbackMs: number): StartPolicy => ({
  endsAt: olderRun(sinceMs - 2 * lookbackMs),
  isWanted: (event) => !isOlder(markOf(event), sinceMs),
  resolve: ({ below }) => ({ anchors: anchorsFrom(below), seen: [], start: new Date(sinceMs).toISOString() }),
});

const fromAfter = (id: string, lookbackMs: number): StartPolicy => ({
  endsAt(page) {
    const index = page.events.findIndex((event) => event.id === id);
    return index === -1 ? undefined : { reason: 'known', index };
  },
  isWanted: () => true,
  resolve(walk) {
    const anchors = anchorsFrom(walk.below);
    if (anchors.length === 0) {
      throw new AuditConfigError(
        `poller: startFrom is { after: '${id}' }, and PlanetScale has no such event (of the chosen actions), or has it no longer. Start from 'oldest', from a date, or from an event that it lists.`,
      );
    }
    return { anchors, seen: [], start: startAbove(anchors, walk, lookbackMs) };
  },
});

/** The instant before which nothing is delivered, even if all anchors are deleted. */
const startAbove = (unwantedNewestFirst: readonly Mark[], { startedAtMs }: Walk, lookbackMs: number): string | null => {
  const startMs = oldestAbove(unwantedNewestFirst, startedAtMs, lookbackMs);
  return startMs === undefined ? null : new Date(startMs).toISOString();
};
