import type { AuditPage } from './page.ts';
import { type FetchPage, type FollowedPage, isEmptyLastPage } from './pagination.ts';

/**
 * Passes on the pages below a start cursor, or throws if PlanetScale may no longer have the event of that cursor. The caller may
 * have kept the cursor for long, and PlanetScale does not document its answer to a cursor that it has lost: the answer could be
 * the newest page or an empty one. A page that claims newer events above it needs no proof. Any other page is compared with the
 * newest page, which is one request more in an iteration.
 *
 * @param fetchUnfiltered fetches all actions, since a filter could hide the event of the start cursor
 * @param inconsistentError makes the error for a start cursor that may be lost
 */
export async function* verifyStartCursor(
  pages: AsyncIterable<FollowedPage>,
  start: string,
  fetchUnfiltered: FetchPage,
  inconsistentError: (reason: string) => Error,
): AsyncGenerator<FollowedPage, void, undefined> {
  let newest: AuditPage | undefined;
  for await (const followed of pages) {
    const { page, requestCursor } = followed;
    const isEmptyBelowStart = requestCursor === start && isEmptyLastPage(page);
    if (!page.hasPrev || isEmptyBelowStart) {
      newest ??= await fetchUnfiltered(undefined);
      const above = idsAbove(start, newest);
      if (page.events.some(({ id }) => above.has(id))) {
        throw inconsistentError(`the list gives its newest events instead of those older than ${start}`);
      }
      // In a long log, the last event looks like a lost one. Without the filter, there may be events below it.
      if (isEmptyBelowStart && !isConfirmedBy(newest, start) && isEmptyLastPage(await fetchUnfiltered(start))) {
        throw inconsistentError(`the list gives nothing older than ${start}, which it may have no longer`);
      }
    }
    yield followed;
  }
}

/** The ids of the newest page above the start cursor: all of them if the page does not hold its event. */
const idsAbove = (start: string, { events }: AuditPage): ReadonlySet<string> => {
  const ids = events.map(({ id }) => id);
  const index = ids.indexOf(start);
  return new Set(index === -1 ? ids : ids.slice(0, index));
};

/** Whether nothing below the start cursor can be missing: the newest page holds its event, or the log is empty. */
const isConfirmedBy = ({ events }: AuditPage, start: string): boolean =>
  events.length === 0 || events.some(({ id }) => id === start);
