import type { AuditPage } from '../audit-log/page.ts';
import type { FetchPage } from '../audit-log/pagination.ts';
import { AuditApiError, AuditResponseError } from '../errors.ts';
import { listedEvents } from './listed-event.ts';

/** The list changed between two requests. The scan discards all that it has learned and starts again. */
export class InconsistentListError extends AuditResponseError {
  constructor(reason: string) {
    super(`PlanetScale's list changed during the scan (${reason}). A new scan from the newest event is needed.`, {
      retryable: true,
    });
  }
}

/** Fetches the pages of one scan, and rejects a page that cannot follow the others. */
export const fetchConsistently = <Page extends AuditPage>(fetchPage: FetchPage<Page>): FetchPage<Page> =>
  mapLostCursorError(rejectIgnoredCursor(fetchPage));

/**
 * PlanetScale may answer an unknown cursor with the newest page. A page below a cursor always has newer events above it. If a
 * page reports none, the scan compares that page with its own first page, with the newest one, and with a second answer to the cursor,
 * because a burst of new events may have moved the newest page meanwhile. If the page passes, PlanetScale does not report `has_prev`
 * at all, and the scan checks no further page.
 */
const rejectIgnoredCursor = <Page extends AuditPage>(fetchPage: FetchPage<Page>): FetchPage<Page> => {
  let reportsHasPrev = true;
  let firstPage: Page | undefined;
  return async (cursor) => {
    const page = await fetchPage(cursor);
    firstPage ??= page;
    if (cursor === undefined || page.hasPrev || page.cursorStart === null) return page;
    if (page.cursorStart === firstPage.cursorStart) throw ignoredCursorError();
    if (!reportsHasPrev) return page;
    const newest = await fetchPage(undefined);
    if (newest.cursorStart === page.cursorStart || sharesEvents(newest, page)) throw ignoredCursorError();
    if (!sharesEvents(await fetchPage(cursor), page)) throw ignoredCursorError();
    reportsHasPrev = false;
    return page;
  };
};

const ignoredCursorError = (): InconsistentListError =>
  new InconsistentListError('PlanetScale answered one of its own cursors with the newest page');

/** Two answers with the newest page can begin with different events, because equal times may come in any order. */
const sharesEvents = (a: AuditPage, b: AuditPage): boolean => {
  const ids = new Set(listedEvents(a).map(({ id }) => id));
  return listedEvents(b).some(({ id }) => ids.has(id));
};

/**
 * PlanetScale gave the cursor a moment ago. If it refuses the cursor now, the event of the cursor has been deleted. A request
 * without a cursor is refused for another reason.
 */
const mapLostCursorError =
  <Page extends AuditPage>(fetchPage: FetchPage<Page>): FetchPage<Page> =>
  async (cursor) => {
    try {
      return await fetchPage(cursor);
    } catch (error) {
      if (cursor === undefined || !(error instanceof AuditApiError) || error.retryable) throw error;
      throw new InconsistentListError(`PlanetScale answered one of its own cursors with ${error.status}`);
    }
  };
