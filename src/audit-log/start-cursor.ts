import type { AuditPage } from './page.ts';
import { type FetchPage, isEmptyLastPage } from './pagination.ts';

/**
 * Makes sure of a walk's start, an id that was kept for a while: what PlanetScale answers to one that it no longer has is not
 * documented, and could be the first page or an empty one. The newest page tells, and is asked for, once, where an answer does
 * not say that something lies above it, as each page below a known id does.
 *
 * @param askAll asks without a filter, which may hide the start's event
 * @param inconsistent makes the error for a start that cannot be told from one that is gone
 */
export function verifyStartCursor(
  ask: FetchPage,
  askAll: FetchPage,
  start: string,
  inconsistent: (what: string) => Error,
): FetchPage {
  let newest: AuditPage | undefined;
  return async (cursor) => {
    const page = await ask(cursor);
    const isEmptyBelowStart = cursor === start && isEmptyLastPage(page);
    if (page.hasPrev && !isEmptyBelowStart) return page;

    newest ??= await askAll(undefined);
    const newestIds = newest.events.map(({ id }) => id);
    const place = newestIds.indexOf(start);
    const above = new Set(place === -1 ? newestIds : newestIds.slice(0, place));
    if (page.events.some(({ id }) => above.has(id))) {
      throw inconsistent(`it gives its newest events where those older than ${start} were asked for`);
    }
    const isKnown = place !== -1 || newestIds.length === 0;
    if (isEmptyBelowStart && !isKnown && isEmptyLastPage(await askAll(start))) {
      throw inconsistent(`it gives nothing older than ${start}, which it may have no longer`);
    }
    return page;
  };
}
