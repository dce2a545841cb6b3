import { excerpt } from '../internal/excerpt.ts';
import { type FetchPage, type FollowedPage, isEmptyLastPage } from './pagination.ts';

/**
 * Passes on the pages below a start cursor, and throws if PlanetScale may no longer have the event of that cursor. PlanetScale does
 * not document its response in that case, which could be the newest page or an empty one. A page that reports newer events above it
 * is below the cursor. Any other page is compared with the newest page, at the cost of one more request in an iteration.
 *
 * @param fetchUnfiltered fetches all actions, because a filter could hide the event of the start cursor
 * @param inconsistentError returns the error for a start cursor that may be lost
 */
export async function* verifyStartCursor(
  pages: AsyncIterable<FollowedPage>,
  start: string,
  fetchUnfiltered: FetchPage,
  inconsistentError: (reason: string) => Error,
): AsyncGenerator<FollowedPage, void, undefined> {
  let newestIds: readonly string[] | undefined;
  for await (const followed of pages) {
    const { page, requestCursor } = followed;
    const isEmptyBelowStart = requestCursor === start && isEmptyLastPage(page);
    if (!page.hasPrev || isEmptyBelowStart) {
      newestIds ??= (await fetchUnfiltered(undefined)).events.map(({ id }) => id);
      const above = idsAbove(start, newestIds);
      if (page.events.some(({ id }) => above.has(id))) {
        throw inconsistentError(`the list gives its newest events instead of those older than ${quoted(start)}`);
      }
      // An empty page follows both the oldest event and a deleted one. A filter can empty the page too, so the check asks again
      // without the filter.
      if (isEmptyBelowStart && !isConfirmedBy(newestIds, start) && isEmptyLastPage(await fetchUnfiltered(start))) {
        throw inconsistentError(`the list has no events below ${quoted(start)}, which PlanetScale may have deleted`);
      }
    }
    yield followed;
  }
}

/** Returns the newest ids above the start cursor. If its event is not among them, all of them are above. */
const idsAbove = (start: string, newestIds: readonly string[]): ReadonlySet<string> => {
  const index = newestIds.indexOf(start);
  return new Set(index === -1 ? newestIds : newestIds.slice(0, index));
};

/** Returns whether nothing below the start cursor can be missing: its event is among the newest, or the log is empty. */
const isConfirmedBy = (newestIds: readonly string[], start: string): boolean =>
  newestIds.length === 0 || newestIds.includes(start);

const maxQuoteLength = 100;

/** The cursor may be the id of an event, so it is foreign text. */
const quoted = (cursor: string): string => excerpt(cursor, maxQuoteLength);
