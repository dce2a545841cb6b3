import { type FetchPage, followPages } from '../audit-log/pagination.ts';
import { fetchConsistently, InconsistentListError } from './consistency.ts';
import { type ListedEvent, listedEvents } from './listed-event.ts';
import { advanceScanClock, type ScanClock, type TimedPage } from './scan-clock.ts';
import { type ScannedPage, ScannedPages } from './scanned-pages.ts';
import type { StopCondition } from './stop-condition.ts';

/** The list from the newest event down to the place where the scan ended. */
export interface ScanResult<Findings = unknown> extends ScanClock {
  readonly pageCount: number;
  /** What the stop condition found. */
  readonly findings: Findings;
  /** The earliest readable `created_at` above the end. */
  readonly earliestMs: number;
  /** Whether the scan went down to the end of the list. Otherwise it stopped at an anchor, or where a first run starts. */
  readonly reachedEnd: boolean;
  /** The event at which the scan ended and those below it on its page, newest first. Empty at the end of the list. */
  readonly below: readonly ListedEvent[];
  /** The oldest event that the scan read. */
  readonly oldest: ListedEvent | undefined;
  /**
   * The pages above the end, from the oldest to the newest. Each page is freed once it is given, so a second call gives none.
   *
   * @throws InconsistentListError
   */
  pagesOldestFirst(): AsyncGenerator<ScannedPage, void, undefined>;
}

/**
 * Reads the list from the newest event down to the stop, or to the end of the list.
 *
 * @throws InconsistentListError
 */
export async function scan<Findings>(
  fetchTimedPage: FetchPage<TimedPage>,
  condition: StopCondition<Findings>,
  lookbackMs: number,
): Promise<ScanResult<Findings>> {
  const fetchPage = fetchConsistently(fetchTimedPage);
  const pages = new ScannedPages(condition.knownIds);
  let result: ScanResult<Findings> | undefined;
  let clock: ReturnType<typeof advanceScanClock> | undefined;

  for await (const { page, requestCursor } of followPages(fetchPage, undefined, inconsistentList)) {
    clock = advanceScanClock(clock, page, lookbackMs);
    const events = listedEvents(page);
    const inspection = condition.inspect(result?.findings ?? condition.initialFindings, events, clock);
    const { findings, stopIndex, hasWanted, markId } = inspection;
    pages.add(events.slice(0, stopIndex), { requestCursor, hasWanted, markId, watermarkMs: clock.watermarkMs });
    const { startedAtMs, latestMs, newestMs, watermarkMs } = clock;
    result = {
      startedAtMs,
      latestMs,
      newestMs,
      watermarkMs,
      pageCount: (result?.pageCount ?? 0) + 1,
      findings,
      earliestMs: pages.earliestMs,
      reachedEnd: stopIndex === undefined,
      below: stopIndex === undefined ? [] : events.slice(stopIndex),
      oldest: events.at(-1) ?? result?.oldest,
      pagesOldestFirst: () => pages.oldestFirst(fetchPage),
    };
    if (stopIndex !== undefined) break;
  }
  if (!result) throw inconsistentList('the list has no page'); // The compiler cannot know that there is a first page.
  return result;
}

const inconsistentList = (reason: string): InconsistentListError => new InconsistentListError(reason);
