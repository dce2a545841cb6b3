import type { AuditEvent } from '../audit-log/event.ts';
import { type FetchPage, followPages } from '../audit-log/pagination.ts';
import { fetchConsistently, InconsistentListError } from './consistency.ts';
import { advanceScanClock, type ScanClock, type TimedPage } from './scan-clock.ts';
import { type ScannedPage, ScannedPages } from './scanned-pages.ts';
import type { StopCondition, StopPoint } from './stop-condition.ts';

/** The list from the newest event down to the place where the scan ended. */
export interface ScanResult<Findings = unknown> extends ScanClock {
  readonly endedAtMs: number;
  readonly pageCount: number;
  /** What the stop condition found. */
  readonly findings: Findings;
  /** Every event above the end, or not visible yet, was created at or after this time if its `created_at` can be read. */
  readonly pendingSinceMs: number;
  /** Why the scan ended. `known` is an anchor, or the event at which a first run starts. */
  readonly end: StopPoint['reason'] | 'end of list';
  /** The event at which the scan ended and those below it on its page, newest first. Empty at the end of the list. */
  readonly below: readonly AuditEvent[];
  /** The oldest event that the scan read. */
  readonly oldest: AuditEvent | undefined;
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
  const pages = new ScannedPages();
  let result: ScanResult<Findings> | undefined;
  let clock: ReturnType<typeof advanceScanClock> | undefined;

  for await (const { page, requestCursor } of followPages(fetchPage, undefined, inconsistentList)) {
    clock = advanceScanClock(clock, page, lookbackMs);
    const inspection = condition.inspect(result?.findings ?? condition.initialFindings, page.events, clock);
    const { findings, stop, hasWanted } = inspection;
    pages.add(page.events.slice(0, stop?.index), requestCursor, hasWanted);
    result = {
      startedAtMs: clock.startedAtMs,
      watermarkMs: clock.watermarkMs,
      endedAtMs: page.servedAt?.getTime() ?? Date.now(),
      pageCount: (result?.pageCount ?? 0) + 1,
      findings,
      pendingSinceMs: Math.min(pages.earliestMs, clock.watermarkMs),
      end: stop?.reason ?? 'end of list',
      below: stop ? page.events.slice(stop.index) : [],
      oldest: page.events.at(-1) ?? result?.oldest,
      pagesOldestFirst: () => pages.oldestFirst(fetchPage),
    };
    if (stop) break;
  }
  if (!result) throw inconsistentList('the list has no page'); // The compiler cannot know that there is a first page.
  return result;
}

const inconsistentList = (reason: string): InconsistentListError => new InconsistentListError(reason);
