import { parseTimestamp } from '../internal/timestamp.ts';
import type { EventRef } from './state.ts';

/** How much older an event may be than one below it: it may be late by the look-back, and that one ahead of its time by as much. */
export const maxOutOfOrderMs = (lookbackMs: number): number => 2 * lookbackMs;

/** The earliest of the times that can be read; Infinity where there is none. */
export const earliestMs = (marks: readonly EventRef[]): number =>
  marks.reduce((ms, [, createdAt]) => Math.min(ms, parseTimestamp(createdAt) ?? ms), Number.POSITIVE_INFINITY);

/**
 * What stands above the youngest mark that counts was created at this time or later. One counts unless its time cannot be read, or
 * is younger by more than the look-back than that of one above it that counts. Where none does, it is -Infinity.
 */
export function earliestAbove(newestFirst: readonly EventRef[], lookbackMs: number): number {
  let mostMs = Number.POSITIVE_INFINITY;
  let aboveMs = Number.NEGATIVE_INFINITY;
  for (const [, createdAt] of newestFirst) {
    const ms = parseTimestamp(createdAt);
    if (ms === undefined || ms > mostMs) continue;
    mostMs = Math.min(mostMs, ms + lookbackMs);
    aboveMs = Math.max(aboveMs, ms - maxOutOfOrderMs(lookbackMs));
  }
  return aboveMs;
}
