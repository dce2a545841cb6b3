import { type EventRef, isBefore, maxAnchors } from './state.ts';

export interface Settled {
  /** Newest first; empty where nothing is old enough. */
  readonly anchors: readonly EventRef[];
  /** Oldest first. */
  readonly seen: readonly EventRef[];
  /** More was done above the floor than may be remembered: late events among the oldest of it will not be noticed. */
  readonly truncated: boolean;
}

/**
 * Divides what is done into anchors and seen. Below an event older than the floor none can become visible any more, so the newest
 * such event is an anchor: all that stands at or below it is settled. What is settled stays so, whatever the clocks say.
 *
 * @param done an unbroken stretch of the list, oldest first, of which every event is done
 * @param settled how many of them, from the first on, are settled already
 * @param floorMs of the scan's clock
 * @param capacity how many may be seen
 */
export function settle(done: readonly EventRef[], settled: number, floorMs: number, capacity: number): Settled {
  const byAge = Math.max(settled, done.findLastIndex((mark) => isBefore(mark, floorMs)) + 1);
  const firstSeen = Math.max(byAge, done.length - capacity);
  return {
    anchors: done.slice(Math.max(0, firstSeen - maxAnchors), firstSeen).reverse(),
    seen: done.slice(firstSeen),
    truncated: firstSeen > byAge,
  };
}
