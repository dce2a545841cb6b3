import { timestampMs } from '../internal/timestamp.ts';
import type { Mark } from './state.ts';

/**
 * How old what stands above may be: as old as the youngest of the marks, less twice the look-back. Once for how late it may be, and
 * once for how far ahead of its time the mark may have been. A time counts unless it was still to come at `nowMs`, or is younger
 * by the look-back than one above it: then it says nothing.
 */
export function oldestAbove(newestFirst: readonly Mark[], nowMs: number, lookbackMs: number): number | undefined {
  let mostMs = nowMs;
  let oldestMs: number | undefined;
  for (const [, createdAt] of newestFirst) {
    const ms = timestampMs(createdAt);
    if (ms === undefined || ms > mostMs) continue;
    mostMs = Math.min(mostMs, ms + lookbackMs);
    oldestMs = Math.max(ms - 2 * lookbackMs, oldestMs ?? Number.NEGATIVE_INFINITY);
  }
  return oldestMs;
}
