import { parseTimestamp } from '../internal/timestamp.ts';
import type { EventRef } from './state.ts';

/**
 * How much older an event can be than an event below it in the list: the upper one can be late by the look-back, and the
 * lower one ahead of its time by the look-back.
 */
export const maxOutOfOrderMs = (lookbackMs: number): number => 2 * lookbackMs;

/** The earliest time that can be read; Infinity if none can. */
export const earliestMs = (refs: readonly EventRef[]): number =>
  refs.reduce((ms, [, createdAt]) => Math.min(ms, parseTimestamp(createdAt) ?? ms), Number.POSITIVE_INFINITY);

/**
 * A time before which no event above these refs was created; -Infinity if the refs tell none.
 *
 * An event can be older than one below it by at most {@link maxOutOfOrderMs}, so the youngest ref decides. A ref does not count
 * if its time cannot be read, or if the ref is younger by more than the look-back than a ref above it: that time is wrong.
 */
export function earliestAbove(newestFirst: readonly EventRef[], lookbackMs: number): number {
  let plausibleUntilMs = Number.POSITIVE_INFINITY;
  let youngestMs = Number.NEGATIVE_INFINITY;
  for (const [, createdAt] of newestFirst) {
    const ms = parseTimestamp(createdAt);
    if (ms === undefined || ms > plausibleUntilMs) continue;
    plausibleUntilMs = Math.min(plausibleUntilMs, ms + lookbackMs);
    youngestMs = Math.max(youngestMs, ms);
  }
  return youngestMs - maxOutOfOrderMs(lookbackMs);
}
