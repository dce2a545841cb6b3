import { timestampMs } from '../internal/timestamp.ts';
import type { Mark } from './state.ts';

/** How much older an event may be than one below it: it may be late by the look-back, and that one ahead of its time by as much. */
export const mostDisorderMs = (lookbackMs: number): number => 2 * lookbackMs;

/** The earliest of the times that can be read; Infinity where there is none. */
export const oldestMs = (marks: readonly Mark[]): number =>
  Math.min(...marks.map(([, createdAt]) => timestampMs(createdAt) ?? Number.POSITIVE_INFINITY));

/**
 * How old what stands above may be, by the youngest of the marks. A time counts unless it was still to come at `nowMs`, or is younger
 * by the look-back than one above it: then it says nothing. Where none counts, it is -Infinity.
 */
export function oldestAbove(newestFirst: readonly Mark[], nowMs: number, lookbackMs: number): number {
  let mostMs = nowMs;
  let oldestMs = Number.NEGATIVE_INFINITY;
  for (const [, createdAt] of newestFirst) {
    const ms = timestampMs(createdAt);
    if (ms === undefined || ms > mostMs) continue;
    mostMs = Math.min(mostMs, ms + lookbackMs);
    oldestMs = Math.max(oldestMs, ms - mostDisorderMs(lookbackMs));
  }
  return oldestMs;
}
