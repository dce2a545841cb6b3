import type { ScanResult } from './scan.ts';
import { maxDriftMs, maxFirstDriftMs } from './server-clock.ts';
import { fromIso, type PollState } from './state.ts';

/**
 * Returns for how long PlanetScale may have listed an event that a scan of the whole list has missed: the time since the last scan, or
 * the age of the oldest event that was pending then, if the list no longer reaches back to that event. A state that was saved under a
 * clock more than a day ahead may hide any absence, so the result is Infinity then.
 */
export function unreadMs(
  { lastScanStartedAt, oldestPendingAt }: PollState,
  { latestMs, earliestMs }: Pick<ScanResult, 'latestMs' | 'earliestMs'>,
): number {
  const lastScanMs = fromIso(lastScanStartedAt);
  if (lastScanMs > latestMs + maxFirstDriftMs) return Number.POSITIVE_INFINITY;
  const oldestPendingMs = oldestPendingAt === null ? Number.POSITIVE_INFINITY : fromIso(oldestPendingAt);
  return latestMs - (earliestMs > oldestPendingMs ? Math.min(oldestPendingMs, lastScanMs) : lastScanMs);
}

/**
 * Returns the state without bounds that lie in the future. A poller that obeyed them would skip every new event until then. The
 * result is the same object if there are none.
 */
export function withoutFutureTimes(state: PollState, nowMs: number): PollState {
  const pendingSince = isFuture(fromIso(state.pendingSince), nowMs) ? null : state.pendingSince;
  const start = isFuture(fromIso(state.start), nowMs) ? pendingSince : state.start;
  const { missingAnchors } = state;
  const isMissingSinceFuture = missingAnchors !== null && isFuture(fromIso(missingAnchors.since), nowMs);
  const isUnchanged = pendingSince === state.pendingSince && start === state.start && !isMissingSinceFuture;
  return isUnchanged
    ? state
    : { ...state, pendingSince, start, missingAnchors: isMissingSinceFuture ? null : missingAnchors };
}

const isFuture = (ms: number, nowMs: number): boolean => ms > nowMs + maxDriftMs;
