import { AuditConfigError } from '../errors.ts';
import { earliestAbove, maxOutOfOrderMs } from './ordering.ts';
import { createOlderRunDetector, type ScanResult, type StopCondition } from './scan.ts';
import { anchorsFrom, type EventRef, isBefore, maxSeen, type PollState, refOf, toIso } from './state.ts';

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
export interface StartPolicy extends StopCondition {
  /** @throws AuditConfigError */
  resolve(walk: ScanResult): FirstState;
}

export function startPolicy(startFrom: StartFrom, lookbackMs: number): StartPolicy {
  if (startFrom === 'oldest') return fromOldest();
  if (startFrom === 'now') return fromNewest(0, lookbackMs);
  if ('newest' in startFrom) return fromNewest(startFrom.newest, lookbackMs);
  if ('since' in startFrom) return fromSince(startFrom.since.getTime(), lookbackMs);
  return fromNewerThan(startFrom.newerThan, lookbackMs);
}

const fromOldest = (): StartPolicy => ({
  findStop: () => undefined,
  isWanted: () => true,
  resolve: () => ({ anchors: [], seen: [], start: null }),
});

/** Events that are not wanted, and above which a late one may still appear, count as seen. */
const fromNewest = (count: number, lookbackMs: number): StartPolicy => {
  let met = 0;
  let isTruncated = false;
  const unwanted = new Map<string, EventRef>();
  return {
    findStop(page, { watermarkMs }) {
      for (const [index, event] of page.events.entries()) {
        const isUnwanted = met++ >= count;
        if (!isUnwanted) continue;
        const mark = refOf(event);
        if (isBefore(mark, watermarkMs)) return { reason: 'known', index };
        if (unwanted.size === maxSeen) {
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
        start: earliestWanted([...marks, ...anchors], walk, lookbackMs),
        isTruncated,
      };
    },
  };
};

/** An event that is wanted, and was ahead of its time, may stand below some that are late, and not wanted. */
const fromSince = (sinceMs: number, lookbackMs: number): StartPolicy => ({
  findStop: createOlderRunDetector(sinceMs - maxOutOfOrderMs(lookbackMs)),
  isWanted: (event) => !isBefore(refOf(event), sinceMs),
  resolve: ({ below }) => ({ anchors: anchorsFrom(below), seen: [], start: new Date(sinceMs).toISOString() }),
});

const fromNewerThan = (id: string, lookbackMs: number): StartPolicy => ({
  findStop(page) {
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
    return { anchors, seen: [], start: earliestWanted(anchors, walk, lookbackMs) };
  },
});

/**
 * The instant before which nothing is delivered, even if all anchors are deleted: not above anything that is wanted. What becomes
 * visible later than the look-back is given too, where the events that are not wanted are long past.
 */
const earliestWanted = (
  unwantedNewestFirst: readonly EventRef[],
  walk: ScanResult,
  lookbackMs: number,
): string | null => toIso(Math.min(walk.pendingSinceMs, earliestAbove(unwantedNewestFirst, lookbackMs)));
