import { unreadMs } from './absence.ts';
import { type EventRef, isBefore } from './listed-event.ts';
import { oldRunThreshold } from './ordering.ts';
import type { ScanResult } from './scan.ts';
import { maxDriftMs } from './server-clock.ts';
import { type DoubtfulListEnd, fromIso, type PollState } from './state.ts';

/**
 * What the end of a scan says about the list.
 * - `whole`: the scan ended at an anchor, or met every event that the state knows
 * - `unconfirmed`: nothing is missing, but the poller sees this end for the first time. The list may be cut there
 * - `new-start`: what is missing is gone for good, and the poller takes new anchors from the list
 */
export type ListEnd = 'whole' | 'unconfirmed' | 'new-start' | DoubtfulListEnd;

/** What a scan finds on its way down that tells a list from a part of one. */
export interface ListEndFindings {
  /** The ids of the seen events that the list still has. */
  readonly stillListed: readonly string[];
  /** How many events in a row, up to the last one, are older than everything pending. */
  readonly oldRunLength: number;
  /** How many events that are young enough to be pending the poller sees for the first time. */
  readonly unseenCount: number;
  /** Whether the poller has seen the lowest of the events that are young enough to be pending, or there is none. */
  readonly isEndSeen: boolean;
}

export interface ListEndOptions {
  /** The state from before the scan, without times that lie in the future. */
  readonly before: PollState;
  readonly result: ScanResult<ListEndFindings>;
  readonly lookbackMs: number;
  readonly retentionMs: number;
}

/** An end is confirmed by the next list, unless the poller had to remember more events than this until then. */
const maxUnconfirmed = 1000;

export function judgeListEnd(options: ListEndOptions): ListEnd {
  const { before, result, lookbackMs, retentionMs } = options;
  if (!result.reachedEnd) return 'whole';
  const { startedAtMs } = result;
  const { oldRunLength, isEndSeen, unseenCount } = result.findings;
  const stillListed = new Set(result.findings.stillListed);
  const missing = [...before.anchors, ...before.seen].filter(([id]) => !stillListed.has(id));
  if (startedAtMs - fromIso(before.lastScanStartedAt) >= retentionMs)
    return missing.length === 0 ? 'whole' : 'new-start';
  if (missing.length === 0) {
    const isConfirmed = isEndSeen && stillListed.size > 0;
    return isConfirmed || unseenCount > maxUnconfirmed ? 'whole' : 'unconfirmed';
  }
  if (oldRunLength >= oldRunThreshold) {
    return isEndSeen && before.missingAnchors?.listEnd === 'without-anchors' ? 'new-start' : 'without-anchors';
  }
  // A time that is further ahead than an event can be proves nothing about the age of the event.
  const isTimePlausible = (ref: EventRef): boolean => isBefore(ref, startedAtMs + lookbackMs + maxDriftMs);
  const isYoung = (ref: EventRef): boolean => !isBefore(ref, startedAtMs - retentionMs);
  const isTooShort = missing.some((ref) => isTimePlausible(ref) && isYoung(ref));
  if (isTooShort) return 'too-short';
  return isEndSeen && hasLackedAnchorsForLong(options) && !mayHidePending(options) ? 'new-start' : 'unclear';
}

/** Returns whether the list may hide a pending event that a notice of a gap does not cover yet. */
const mayHidePending = ({ before, result, retentionMs }: ListEndOptions): boolean => {
  const { oldestPendingAt } = before;
  const isOutOfReach = oldestPendingAt !== null && result.earliestMs > fromIso(oldestPendingAt);
  return isOutOfReach && unreadMs(before, result) < retentionMs;
};

/** An answer or two may be cut by a fault. In two look-backs, everything new becomes visible, and old enough for an anchor. */
const hasLackedAnchorsForLong = ({ before, result, lookbackMs }: ListEndOptions): boolean =>
  before.missingAnchors !== null && fromIso(before.missingAnchors.since) <= result.watermarkMs - lookbackMs;
