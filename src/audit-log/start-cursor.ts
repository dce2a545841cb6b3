import { type FetchPage, type FollowedPage, isEmptyLastPage } from './pagination.ts';

/**
 * Passes on the pages below a start cursor, or throws if PlanetScale may no longer have the event of that cursor. The caller may
 * have kept the cursor for long, and PlanetScale does not document its answer to a cursor that it has lost: the answer could be
 * the newest page or an empty one. A page that claims newer events above it needs no proof. Any other page is compared with the
 * newest page, which costs one more request in an iteration.
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
  let newestIds: readonly string[] | undefined;
  for await (const followed of pages) {
    const { page, requestCursor } = followed;
    const isEmptyBelowStart = requestCursor === start && isEmptyLastPage(page);
    if (!page.hasPrev || isEmptyBelowStart) {
      newestIds ??= (await fetchUnfiltered(undefined)).events.map(({ id }) => id);
      const above = idsAbove(start, newestIds);
      if (page.events.some(({ id }) => above.has(id))) {
        throw inconsistentError(`the list gives its newest events instead of those older than ${start}`);
      }
      // In a long log, the last event looks like a lost one. Without the filter, there may be events below it.
      if (isEmptyBelowStart && !isConfirmedBy(newestIds, start) && isEmptyLastPage(await fetchUnfiltered(start))) {
        throw inconsistentError(`the list gives nothing older than ${start}, which it may have no longer`);
      }
    }
    yield followed;
  }
}

/** The newest ids above the start cursor: all of them if its event is not among them. */
const idsAbove = (start: string, newestIds: readonly string[]): ReadonlySet<string> => {
  const index = newestIds.indexOf(start);
  return new Set(index === -1 ? newestIds : newestIds.slice(0, index));
};

/** Whether nothing below the start cursor can be missing: its event is among the newest, or the log is empty. */
const isConfirmedBy = (newestIds: readonly string[], start: string): boolean =>
  newestIds.length === 0 || newestIds.includes(start);
