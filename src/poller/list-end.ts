import { unreadMs } from './absence.ts';
import { type EventRef, isBefore } from './listed-event.ts';
import { oldRunThreshold } from './ordering.ts';
import type { ScanResult } from './scan.ts';
import type { PollState } from './state.ts';

/**
 * What the end of a scan says about the list.
 * - `whole`: the scan ended at an anchor, or met every event that the state knows
 * - `below-anchors`: the list goes on below everything pending, so its anchors are deleted
 * - `gap`: events are missing, and PlanetScale may have deleted unread ones
 * - `too-short`: events are missing that PlanetScale should still have
 * - `unclear`: the events that are missing are so old that PlanetScale may have deleted them
 */
export type ListEnd = 'whole' | 'below-anchors' | 'gap' | 'too-short' | 'unclear';

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
  if (before.anchors.length > 0 && oldRunLength >= oldRunThreshold) return 'below-anchors';
  if (unreadMs(before, result) >= retentionMs) return 'gap';
  // A time that is further ahead than an event can be proves nothing about the age of the event.
  const isTimePlausible = (ref: EventRef): boolean => isBefore(ref, result.latestMs + lookbackMs + 1);
  const isYoung = (ref: EventRef): boolean => !isBefore(ref, result.latestMs - retentionMs);
  return missing.some((ref) => isTimePlausible(ref) && isYoung(ref)) ? 'too-short' : 'unclear';
}
