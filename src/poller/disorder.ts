import { timestampMs } from '../internal/timestamp.ts';
import type { Mark } from './state.ts';

/** How much older an event may be than one below it: it may be late by the look-back, and that one ahead of its time by as much. */
export const mostDisorderMs = (lookbackMs: number): number => 2 * lookbackMs;

/** The earliest of the times that can be read; Infinity where there is none. */
export const oldestMs = (marks: readonly Mark[]): number =>
  marks.reduce((ms, [, createdAt]) => Math.min(ms, timestampMs(createdAt) ?? ms), Number.POSITIVE_INFINITY);

/**
 * How old what stands above may be, by the youngest of the marks. A time that cannot be read, or is younger by the look-back than
 * one above it, says nothing; where none counts, it is -Infinity.
 */
export function oldestAbove(newestFirst: readonly Mark[], lookbackMs: number): number {
  let mostMs = Number.POSITIVE_INFINITY;
  let aboveMs = Number.NEGATIVE_INFINITY;
  for (const [, createdAt] of newestFirst) {
    const ms = timestampMs(createdAt);
    if (ms === undefined || ms > mostMs) continue;
    mostMs = Math.min(mostMs, ms + lookbackMs);
    aboveMs = Math.max(aboveMs, ms - mostDisorderMs(lookbackMs));
  }
  return aboveMs;
}
