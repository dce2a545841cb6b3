import type { AuditPage } from './page.ts';

/** Fetches the page of events older than the cursor, or the newest page without a cursor. */
export type FetchPage<Page extends AuditPage = AuditPage> = (cursor: string | undefined) => Promise<Page>;

export interface FollowedPage<Page extends AuditPage = AuditPage> {
  readonly page: Page;
  /** The cursor that the page was requested with; undefined for the newest page. */
  readonly requestCursor: string | undefined;
}

/**
 * Follows the cursors from page to page, down to the end of the list, and checks that the end is real. PlanetScale does not
 * document how it answers a cursor whose event has been deleted. The response could be the newest page or an empty one.
 *
 * @param start the cursor of the first request; undefined starts at the newest page
 * @param inconsistentError returns the error for pages that contradict each other
 */
export async function* followPages<Page extends AuditPage>(
  fetchPage: FetchPage<Page>,
  start: string | undefined,
  inconsistentError: (reason: string) => Error,
): AsyncGenerator<FollowedPage<Page>, void, undefined> {
  const known = new KnownIds(start);
  let previousCursor: string | undefined;
  let cursor = start;
  for (;;) {
    const page = await fetchPage(cursor);
    if (known.includesAnyOf(page)) throw inconsistentError('the cursors lead in a circle');
    if (cursor !== start && isEmptyLastPage(page) && !(await isStillListed(fetchPage, previousCursor, cursor))) {
      throw inconsistentError('a page is empty although the page before it promised more events');
    }
    known.add(page);
    yield { page, requestCursor: cursor };

    if (!page.hasNext) return;
    if (page.cursorEnd === null) throw inconsistentError('a page promises more events but has no cursor');
    previousCursor = cursor;
    cursor = page.cursorEnd;
  }
}

/** Holds enough ids to recognize a list that starts again: those of the first page, and the end of every page. */
class KnownIds {
  readonly #ids = new Set<string>();
  #isFirst = true;

  constructor(start: string | undefined) {
    if (start !== undefined) this.#ids.add(start);
  }

  includesAnyOf({ events, cursorEnd }: AuditPage): boolean {
    return (cursorEnd !== null && this.#ids.has(cursorEnd)) || events.some(({ id }) => this.#ids.has(id));
  }

  add({ events, cursorEnd }: AuditPage): void {
    for (const { id } of this.#isFirst ? events : events.slice(-1)) this.#ids.add(id);
    if (cursorEnd !== null) this.#ids.add(cursorEnd); // The client may have taken the last event out of `events`.
    this.#isFirst = false;
  }
}

/** Returns whether the server has no events for a page. A page that the client has emptied still has a cursor. */
export const isEmptyLastPage = ({ events, cursorEnd, hasNext }: AuditPage): boolean =>
  events.length === 0 && cursorEnd === null && !hasNext;

/** Returns whether the event of a cursor is on the page. The client may have removed it from `events`, but not from `cursorEnd`. */
const holds = (page: AuditPage, cursor: string | undefined): boolean =>
  page.cursorEnd === cursor || page.events.some(({ id }) => id === cursor);

/**
 * Resolves to whether the event of `cursor` is still listed. PlanetScale promised more events after it and then gave none. If the
 * event is still there, the list really ends. If the event was deleted, ending here would lose all events below it.
 *
 * @param previousCursor the cursor of the page that ended in `cursor`
 */
const isStillListed = async (
  fetchPage: FetchPage,
  previousCursor: string | undefined,
  cursor: string | undefined,
): Promise<boolean> => {
  const page = await fetchPage(previousCursor);
  if (holds(page, cursor)) return true;
  // New events may have pushed the event onto the next page.
  return page.hasNext && page.cursorEnd !== null && holds(await fetchPage(page.cursorEnd), cursor);
};
