import { type EventRef, isBefore, maxAnchors } from './state.ts';

export interface Settled {
  /** Newest first; empty if no event is old enough. */
  readonly anchors: readonly EventRef[];
  /** Oldest first. */
  readonly seen: readonly EventRef[];
  /** There were more processed events above the watermark than the poller may remember. It will miss late events among them. */
  readonly truncated: boolean;
}

/**
 * Divides processed events into anchors and seen events.
 *
 * No event becomes visible any more below an event that is older than the watermark. The newest such event is therefore the
 * first anchor. An event that is settled stays settled, even if a later clock is behind.
 *
 * @param processed an unbroken stretch of the list, oldest first, in which every event has been processed
 * @param settledCount how many of these events are settled already, counted from the oldest
 * @param watermarkMs the watermark of the scan
 * @param capacity how many seen events the poller may remember
 */
export function settle(
  processed: readonly EventRef[],
  settledCount: number,
  watermarkMs: number,
  capacity: number,
): Settled {
  const firstYoung = Math.max(settledCount, processed.findLastIndex((ref) => isBefore(ref, watermarkMs)) + 1);
  const firstSeen = Math.max(firstYoung, processed.length - capacity);
  return {
    anchors: processed.slice(Math.max(0, firstSeen - maxAnchors), firstSeen).reverse(),
    seen: processed.slice(firstSeen),
    truncated: firstSeen > firstYoung,
  };
}
