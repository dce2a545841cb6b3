import { type EventRef, isBefore, maxAnchors } from './state.ts';

export interface Settled {
  /** Newest first; empty if no event is old enough. */
  readonly anchors: readonly EventRef[];
  /** Oldest first. */
  readonly seen: readonly EventRef[];
  /** More events stand above the watermark than the poller may remember. The poller will miss late events among them. */
  readonly hasOverflowed: boolean;
}

/**
 * Divides a stretch of the list in which every event is final into anchors and seen events.
 *
 * Nothing becomes visible any more below an event that is older than the watermark. The newest such event is the first anchor.
 * Anchors stay anchors, even if a later clock is behind.
 *
 * @param final the unbroken stretch, oldest first
 * @param anchoredCount how many of these events were at or below an anchor already, counted from the oldest
 * @param watermarkMs the watermark of the scan
 * @param capacity how many seen events the poller may remember
 */
export function settle(
  final: readonly EventRef[],
  anchoredCount: number,
  watermarkMs: number,
  capacity: number,
): Settled {
  const firstYoung = Math.max(anchoredCount, final.findLastIndex((ref) => isBefore(ref, watermarkMs)) + 1);
  const firstSeen = Math.max(firstYoung, final.length - capacity);
  return {
    anchors: final.slice(Math.max(0, firstSeen - maxAnchors), firstSeen).reverse(),
    seen: final.slice(firstSeen),
    hasOverflowed: firstSeen > firstYoung,
  };
}
