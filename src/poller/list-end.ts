import { unreadMs } from './absence.ts';
import { type EventRef, isBefore } from './listed-event.ts';
import { oldRunThreshold } from './ordering.ts';
import type { ScanResult } from './scan.ts';
import { maxDriftMs } from './server-clock.ts';
import { fromIso, type PollState } from './state.ts';

/**
 * What the end of a scan says about the list.
 * - `whole`: the scan ended at an anchor, or met every event that the state knows
 * - `without-anchors`: the list reaches below everything pending, and for the first time it has no anchor
 * - `too-short`: events are missing that PlanetScale should still have
 * - `unclear`: events are missing, and retention may have taken them
 * - `new-start`: what is missing is gone for good, and the poller takes new anchors from the list
 */
export type ListEnd = 'whole' | 'without-anchors' | 'too-short' | 'unclear' | 'new-start';

export interface ListEndOptions {
  /** The state from before the scan, without times that lie in the future. */
  readonly before: PollState;
  readonly result: ScanResult;
  /** The ids of seen events that the list still has. */
  readonly stillListed: ReadonlySet<string>;
  /** How many events in a row, up to the last one, are older than everything pending. */
  readonly oldRunLength: number;
  readonly lookbackMs: number;
  readonly retentionMs: number;
}

export function judgeListEnd(options: ListEndOptions): ListEnd {
  const { before, result, stillListed, oldRunLength, lookbackMs, retentionMs } = options;
  if (!result.reachedEnd) return 'whole';
  const missing = [...before.anchors, ...before.seen].filter(([id]) => !stillListed.has(id));
  if (missing.length === 0) return 'whole';
  const { startedAtMs } = result;
  if (startedAtMs - fromIso(before.lastScanStartedAt) >= retentionMs) return 'new-start';
  if (oldRunLength >= oldRunThreshold) return before.anchorsMissingSince === null ? 'without-anchors' : 'new-start';
  // A time that is further ahead than an event can be proves nothing about the age of the event.
  const isTimePlausible = (ref: EventRef): boolean => isBefore(ref, startedAtMs + lookbackMs + maxDriftMs);
  const isYoung = (ref: EventRef): boolean => !isBefore(ref, startedAtMs - retentionMs);
  const isTooShort = missing.some((ref) => isTimePlausible(ref) && isYoung(ref));
  if (isTooShort) return 'too-short';
  return hasLackedAnchorsForLong(options) && !mayHidePending(options) ? 'new-start' : 'unclear';
}

/** Returns whether the list may hide a pending event that a notice of a gap does not cover yet. */
const mayHidePending = ({ before, result, retentionMs }: ListEndOptions): boolean => {
  const { oldestPendingAt } = before;
  const isOutOfReach = oldestPendingAt !== null && result.earliestMs > fromIso(oldestPendingAt);
  return isOutOfReach && unreadMs(before, result) < retentionMs;
};

/** An answer or two may be cut by a fault. In two look-backs, everything new becomes visible, and old enough for an anchor. */
const hasLackedAnchorsForLong = ({ before, result, lookbackMs }: ListEndOptions): boolean =>
  before.anchorsMissingSince !== null && fromIso(before.anchorsMissingSince) <= result.watermarkMs - lookbackMs;
