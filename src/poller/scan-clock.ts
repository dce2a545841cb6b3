import type { AuditPage } from '../audit-log/page.ts';
import { parseTimestamp } from '../internal/timestamp.ts';
import type { ServerTime } from './server-clock.ts';

/** A page, when PlanetScale sent it, and how long the request for it took. */
export interface TimedPage extends AuditPage {
  /** Undefined if the response has no `Date`. */
  readonly serverTime: ServerTime | undefined;
  readonly durationMs: number;
}

/** The times that a scan works with, in milliseconds since 1970. */
export interface ScanClock {
  /** When PlanetScale sent the first page, or the local time if that page has no `Date`. */
  readonly startedAtMs: number;
  /** The latest time at which PlanetScale can have sent a page so far, or the local time if a page has no `Date`. */
  readonly latestMs: number;
  /** The latest readable `created_at` of the requested events so far; -Infinity if there is none. */
  readonly newestMs: number;
  /** An event that was created before the watermark and is not in the list yet will never appear there. */
  readonly watermarkMs: number;
}

interface RunningScanClock extends ScanClock {
  readonly firstPage: TimedPage;
}

/**
 * Returns the clock of a scan after one more page.
 *
 * If the first page has no `Date`, the watermark counts from the newest event so far, but never from a time after the local
 * clock.
 *
 * PlanetScale reads its list before it dates the answer. The page lacks the events that became visible between the two. The
 * watermark is therefore lower by the duration of the first request.
 */
export function advanceScanClock(
  previous: RunningScanClock | undefined,
  page: TimedPage,
  lookbackMs: number,
): RunningScanClock {
  const firstPage = previous?.firstPage ?? page;
  const startedAtMs = previous?.startedAtMs ?? page.serverTime?.likelyMs ?? Date.now();
  let newestMs = previous?.newestMs ?? Number.NEGATIVE_INFINITY;
  for (const { created_at } of page.events) newestMs = Math.max(newestMs, parseTimestamp(created_at) ?? newestMs);
  const listedAtMs = firstPage.serverTime?.earliestMs ?? Math.min(newestMs, startedAtMs);
  return {
    firstPage,
    newestMs,
    startedAtMs,
    latestMs: Math.max(previous?.latestMs ?? startedAtMs, page.serverTime?.latestMs ?? Date.now()),
    watermarkMs: listedAtMs - firstPage.durationMs - lookbackMs,
  };
}
