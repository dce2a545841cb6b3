import { AuditConfigError } from '../errors.ts';
import { mostDisorderMs, oldestAbove } from './ordering.ts';
import { olderRun, type Walk, type WalkGoal } from './scan.ts';
import { anchorsFrom, instantOf, isOlder, type Mark, markOf, mostSeen, type PollState } from './state.ts';

/**
 * Where a poller begins while its store holds nothing.
 * - `'oldest'`: with everything that PlanetScale still has
 * - `'now'`: with nothing; the first event is the next one
 * - `{ newest: n }`: with the n newest events
 * - `{ since: date }`: with what was created at that time or later
 * - `{ newerThan: id }`: with what stands above that event
 */
export type StartFrom =
  | 'oldest'
  | 'now'
  | { readonly newest: number }
  | { readonly since: Date }
  | { readonly newerThan: string };

/** What a first run begins with. */
export interface FirstState extends Pick<PollState, 'anchors' | 'seen' | 'start'> {
  /** More events that are not wanted lie within the look-back than may be remembered. */
  readonly isTruncated?: boolean;
}

/** The goal of a poller's very first walk, and what follows from it. */
export interface StartPolicy extends WalkGoal {
  /** @throws AuditConfigError */
  resolve(walk: Walk): FirstState;
}

export function startPolicy(startFrom: StartFrom, lookbackMs: number): StartPolicy {
  if (startFrom === 'oldest') return fromOldest();
  if (startFrom === 'now') return fromNewest(0, lookbackMs);
  if ('newest' in startFrom) return fromNewest(startFrom.newest, lookbackMs);
  if ('since' in startFrom) return fromSince(startFrom.since.getTime(), lookbackMs);
  return fromNewerThan(startFrom.newerThan, lookbackMs);
}

const fromOldest = (): StartPolicy => ({
  endsAt: () => undefined,
  isWanted: () => true,
  resolve: () => ({ anchors: [], seen: [], start: null }),
});

/** Events that are not wanted, and above which a late one may still appear, count as seen. */
const fromNewest = (count: number, lookbackMs: number): StartPolicy => {
  let met = 0;
  let isTruncated = false;
  const unwanted = new Map<string, Mark>();
  return {
    endsAt(page, { floorMs }) {
      for (const [index, event] of page.events.entries()) {
        const isUnwanted = met++ >= count;
        if (!isUnwanted) continue;
        const mark = markOf(event);
        if (isOlder(mark, floorMs)) return { reason: 'known', index };
        if (unwanted.size === mostSeen) {
          isTruncated = true;
          return { reason: 'known', index };
        }
        unwanted.set(event.id, mark);
      }
      return undefined;
    },
    isWanted: ({ id }) => !unwanted.has(id),
    resolve(walk) {
      const anchors = anchorsFrom(walk.below);
      const marks = [...unwanted.values()];
      return {
        anchors,
        seen: marks.toReversed(),
        start: startBelow([...marks, ...anchors], walk, lookbackMs),
        isTruncated,
      };
    },
  };
};

/** An event that is wanted, and was ahead of its time, may stand below some that are late, and not wanted. */
const fromSince = (sinceMs: number, lookbackMs: number): StartPolicy => ({
  endsAt: olderRun(sinceMs - mostDisorderMs(lookbackMs)),
  isWanted: (event) => !isOlder(markOf(event), sinceMs),
  resolve: ({ below }) => ({ anchors: anchorsFrom(below), seen: [], start: new Date(sinceMs).toISOString() }),
});

const fromNewerThan = (id: string, lookbackMs: number): StartPolicy => ({
  endsAt(page) {
    const index = page.events.findIndex((event) => event.id === id);
    return index === -1 ? undefined : { reason: 'known', index };
  },
  isWanted: () => true,
  resolve(walk) {
    const anchors = anchorsFrom(walk.below);
    if (anchors.length === 0) {
      throw new AuditConfigError(
        `poller: startFrom is { newerThan: '${id}' }, and PlanetScale has no such event (of the chosen actions), or has it no longer. Start from 'oldest', from a date, or from an event that it lists.`,
      );
    }
    return { anchors, seen: [], start: startBelow(anchors, walk, lookbackMs) };
  },
});

/**
 * The instant before which nothing is delivered, even if all anchors are deleted: not above anything that is wanted. What becomes
 * visible later than the look-back is given too, where the events that are not wanted are long past.
 */
const startBelow = (unwantedNewestFirst: readonly Mark[], walk: Walk, lookbackMs: number): string | null =>
  instantOf(Math.min(walk.undoneSinceMs, oldestAbove(unwantedNewestFirst, lookbackMs)));
