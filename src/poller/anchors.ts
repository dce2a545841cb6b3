import { type EventRef, isBefore } from './listed-event.ts';
import { maxAnchors } from './state.ts';

/** Final events that mark a position in the list. */
export interface Anchored {
  /** Newest first: the event at the position, and those below it in case it is deleted. */
  readonly anchors: readonly EventRef[];
  /** The other events that share an instant with an anchor, oldest first. PlanetScale may list equal times in any order. */
  readonly besideAnchors: readonly EventRef[];
}

/** @param newestFirst the final events from the position down */
export function anchorsAt(newestFirst: readonly EventRef[]): Anchored {
  const anchors = newestFirst.slice(0, maxAnchors);
  return { anchors, besideAnchors: newestFirst.slice(maxAnchors).filter(sharesInstantWith(anchors)).reverse() };
}

export const sharesInstantWith = (anchors: readonly EventRef[]): ((ref: EventRef) => boolean) => {
  const instants = new Set(anchors.map(([, createdAt]) => createdAt));
  return ([, createdAt]) => instants.has(createdAt);
};

export interface SettleOptions {
  /** How many of the events were beside the anchors, counted from the oldest. They may stand anywhere below, and become no anchors. */
  readonly besideCount: number;
  /** How many of the events were at or below an anchor already, counted from the oldest. */
  readonly anchoredCount: number;
  /** Events created before this time are old enough to be anchors. */
  readonly watermarkMs: number;
  /** How many events the poller may remember besides the anchors. */
  readonly capacity: number;
  /** The event above the stretch; undefined if there is none. */
  readonly above?: EventRef | undefined;
}

/** Has no anchors if no event is old enough. */
export interface Settled extends Anchored {
  /** The events above the anchors, oldest first. */
  readonly seen: readonly EventRef[];
  /** The events below the anchors that the poller need not remember. */
  readonly forgotten: readonly EventRef[];
  /** More events stand above the watermark than the poller may remember. The poller will miss late events among them. */
  readonly hasOverflowed: boolean;
}

/**
 * Divides a stretch of the list in which every event is final into anchors and seen events.
 *
 * Nothing becomes visible any more below an event that is older than the watermark. The newest such event is the first anchor.
 * Anchors stay anchors, even if a later clock is behind. An event of the same instant as the event above the stretch is no anchor,
 * because the next list may have the two in the opposite order.
 *
 * @param final the unbroken stretch, oldest first
 */
export function settle(
  final: readonly EventRef[],
  { besideCount, anchoredCount, watermarkMs, capacity, above }: SettleOptions,
): Settled {
  const isOld = (ref: EventRef): boolean => isBefore(ref, watermarkMs) && ref[1] !== above?.[1];
  const firstYoung = Math.max(anchoredCount, final.findLastIndex(isOld) + 1);
  const firstSeen = Math.max(firstYoung, final.length - capacity);
  const seen = final.slice(firstSeen);
  const { anchors, besideAnchors: newlyBeside } = anchorsAt(final.slice(besideCount, firstSeen).reverse());
  const besideAnchors = [...final.slice(0, besideCount).filter(sharesInstantWith(anchors)), ...newlyBeside];
  const keptBeside = besideAnchors.slice(Math.max(0, besideAnchors.length - (capacity - seen.length)));
  const isKept = new Set(keptBeside);
  return {
    anchors,
    besideAnchors: keptBeside,
    forgotten: final.slice(0, firstSeen - anchors.length).filter((ref) => !isKept.has(ref)),
    seen,
    hasOverflowed: firstSeen > firstYoung,
  };
}
