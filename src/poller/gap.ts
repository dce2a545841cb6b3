import { parseTimestamp } from '../internal/timestamp.ts';
import type { PollNotice } from './notices.ts';
import type { ScanResult } from './scan.ts';
import type { PollState } from './state.ts';

/** PlanetScale keeps events for 15 days or longer. No retention is shorter than a day. */
const minRetentionMs = 24 * 60 * 60_000;

/** The notice to give if the scan met no known event after an absence that may have been longer than the retention. */
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
