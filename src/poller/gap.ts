import { parseTimestamp } from '../internal/timestamp.ts';
import { unreadMs } from './absence.ts';
import type { EventRef } from './listed-event.ts';
import type { PollNotice } from './notices.ts';
import type { ScanResult } from './scan.ts';
import type { PollState } from './state.ts';

/**
 * Returns the notice of a gap if the scan met no anchor and retention may have taken an event that the poller never delivered. The
 * absence ends with the scan, because a scan can take long itself.
 */
export function findGap(state: PollState, result: ScanResult, retentionMs: number): PollNotice | undefined {
  const { reachedEnd, oldest } = result;
  if (!reachedEnd || unreadMs(state, result) < retentionMs) return undefined;
  const oldestMs = oldest && parseTimestamp(oldest.created_at);
  return {
    type: 'possible-gap',
    lastSeenId: newestId([...state.anchors, ...state.seen]),
    lastScanAt: new Date(state.lastScanStartedAt),
    oldestAvailable: oldestMs === undefined ? undefined : new Date(oldestMs),
  };
}

const newestId = (refs: readonly EventRef[]): string | undefined =>
  refs
    .map(([id, createdAt]) => ({ id, ms: parseTimestamp(createdAt) ?? Number.NEGATIVE_INFINITY }))
    .reduce<{ readonly id?: string; readonly ms: number }>((a, b) => (b.ms > a.ms ? b : a), {
      ms: Number.NEGATIVE_INFINITY,
    }).id;
