import type { AuditPage } from '../audit-log/page.ts';
import { parseTimestamp } from '../internal/timestamp.ts';

/** A page, and how long the request for it took. */
export interface TimedPage extends AuditPage {
  readonly durationMs: number;
}

/** The times that a scan works with, in milliseconds of PlanetScale's clock. */
export interface ScanClock {
  readonly startedAtMs: number;
  /** An event that was created before the watermark and is not in the list will not appear in it. */
  readonly watermarkMs: number;
}

interface RunningScanClock extends ScanClock {
  readonly firstPage: TimedPage;
  readonly newestMs: number;
}

/**
 * The clock of a scan after one more page.
 *
 * The `Date` header of the first page tells when the scan started. Without the header, the newest event so far stands in for
 * it, or the local clock if that event is ahead of it.
 *
 * PlanetScale reads its list before it dates the answer, and the page lacks the events that became visible in between. The
 * watermark is therefore lower by the duration of the first request.
 */
export function advanceScanClock(
  previous: RunningScanClock | undefined,
  page: TimedPage,
  lookbackMs: number,
): RunningScanClock {
  const firstPage = previous?.firstPage ?? page;
  const startedAtMs = previous?.startedAtMs ?? page.servedAt?.getTime() ?? Date.now();
  const times = page.events.map(({ created_at }) => parseTimestamp(created_at)).filter((ms) => ms !== undefined);
  const newestMs = Math.max(previous?.newestMs ?? Number.NEGATIVE_INFINITY, ...times);
  const listedAtMs = firstPage.servedAt ? startedAtMs : Math.min(newestMs, startedAtMs);
  return { firstPage, newestMs, startedAtMs, watermarkMs: listedAtMs - firstPage.durationMs - lookbackMs };
}
