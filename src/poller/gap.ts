import { parseTimestamp } from '../internal/timestamp.ts';
import type { PollNotice } from './notices.ts';
import type { ScanResult } from './scan.ts';
import type { PollState } from './state.ts';

/**
 * The shortest retention that the poller assumes. PlanetScale documents 15 days and 6 months. A day is well below both, so that
 * no real gap goes unreported.
 */
const minRetentionMs = 24 * 60 * 60_000;

/** Returns the notice of a gap if the scan met no anchor and the poller may have been away for longer than the retention. */
export function findGap(
  state: PollState,
  { end, endedAtMs, oldest }: ScanResult,
  lookbackMs: number,
): PollNotice | undefined {
  const lastScanAt = new Date(state.lastScanStartedAt);
  const absenceMs = endedAtMs - lastScanAt.getTime() + lookbackMs;
  if (end !== 'end of list' || absenceMs < minRetentionMs) return undefined;
  const oldestMs = oldest && parseTimestamp(oldest.created_at);
  return {
    type: 'possible-gap',
    lastSeenId: (state.seen.at(-1) ?? state.anchors[0])?.[0],
    lastScanAt,
    oldestAvailable: oldestMs === undefined ? undefined : new Date(oldestMs),
  };
}
