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
 * The pages are as the server sent them. If the list holds an event twice, two pages may hold it, and {@link dropRepeats} removes the
 * second. No cursor is requested twice, so the generator never follows a circle for ever.
 *
 * @param start the cursor of the first request; undefined starts at the newest page
 * @param inconsistentError returns the error for pages that contradict each other
 */
export async function* followPages<Page extends AuditPage>(
  fetchPage: FetchPage<Page>,
  start: string | undefined,
  inconsistentError: (reason: string) => Error,
): AsyncGenerator<FollowedPage<Page>, void, undefined> {
  const above = new PagesAbove(start);
  let previousCursor: string | undefined;
  let cursor = start;
  for (;;) {
    const page = await fetchPage(cursor);
    const ignoresStart = cursor !== undefined && cursor === start && !page.hasPrev && holds(page, start);
    if (ignoresStart || !above.accept(page, cursor)) throw inconsistentError('the cursors lead in a circle');
    if (cursor !== start && isEmptyLastPage(page) && !(await isRealEnd(fetchPage, previousCursor, cursor))) {
      throw inconsistentError('a page is empty although the page before it promised more events');
    }
    yield { page, requestCursor: cursor };

    if (!page.hasNext) return;
    if (page.cursorEnd === null) throw inconsistentError('a page promises more events but has no cursor');
    previousCursor = cursor;
    cursor = page.cursorEnd;
  }
}

/**
 * Recognizes a list that starts again, by the ids of the first page and the last id of every page. A list that starts again gives
 * these events one after the other. A few repeated events prove nothing, because PlanetScale may list an event twice. An error
 * would then end each new iteration at the same place.
 */
class PagesAbove {
  readonly #cursors = new Set<string>();
  readonly #ids = new Set<string>();
  #repeatsOnLastPage = 0;
  /**
   * How many repeated events on two neighboring pages show a list that starts again: half of the first page, all of whose events such
   * a list gives on two pages.
   */
  #minRepeats = 2;
  #isFirst = true;

  constructor(start: string | undefined) {
    if (start !== undefined) this.#ids.add(start);
  }

  /** Returns false if the page leads back to one of those above. Otherwise the page becomes one of them. */
  accept(page: AuditPage, requestCursor: string | undefined): boolean {
    const repeats = this.#countRepeats(page, requestCursor);
    if (this.#leadsBack(page, requestCursor, repeats)) return false;
    this.#repeatsOnLastPage = repeats;
    if (requestCursor !== undefined) this.#cursors.add(requestCursor);
    for (const { id } of this.#isFirst ? page.events : page.events.slice(-1)) this.#ids.add(id);
    if (page.cursorEnd !== null) this.#ids.add(page.cursorEnd); // The client may have taken the last event out of `events`.
    if (this.#isFirst) this.#minRepeats = Math.max(2, page.events.length / 2);
    this.#isFirst = false;
    return true;
  }

  #leadsBack({ events, cursorEnd, hasNext }: AuditPage, requestCursor: string | undefined, repeats: number): boolean {
    if (hasNext && cursorEnd !== null && (cursorEnd === requestCursor || this.#cursors.has(cursorEnd))) return true;
    const hasNothingNew = repeats > 1 && repeats === events.length;
    return hasNothingNew || this.#repeatsOnLastPage + repeats >= this.#minRepeats;
  }

  /** Counts the known events on a page. The event of the cursor does not count, because the list may hold it twice in a row. */
  #countRepeats({ events }: AuditPage, requestCursor: string | undefined): number {
    const repeats = new Set<string>();
    for (const { id } of events) if (id !== requestCursor && this.#ids.has(id)) repeats.add(id);
    return repeats.size;
  }
}

/** Returns whether the server has no events for a page. A page that the client has emptied still has a cursor. */
export const isEmptyLastPage = ({ events, cursorEnd, hasNext }: AuditPage): boolean =>
  events.length === 0 && cursorEnd === null && !hasNext;

/** Returns whether the event of a cursor is on the page. The client may have removed it from `events`, but not from `cursorEnd`. */
const holds = (page: AuditPage, cursor: string | undefined): boolean =>
  page.cursorEnd === cursor || page.events.some(({ id }) => id === cursor);

/**
 * Resolves to whether the list really ends at `cursor`. PlanetScale promised more events after it and then gave none. If the event of
 * the cursor was deleted, or the list was empty for a moment, ending here would lose all events below the cursor.
 *
 * @param previousCursor the cursor of the page that ended in `cursor`
 */
const isRealEnd = async (
  fetchPage: FetchPage,
  previousCursor: string | undefined,
  cursor: string | undefined,
): Promise<boolean> =>
  (await isStillListed(fetchPage, previousCursor, cursor)) && isEmptyLastPage(await fetchPage(cursor));

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

/**
 * Passes on the pages without the events that an earlier place of the list held. The function finds a repeat on the same page and on
 * the next page. It finds a repeat on any later page if the first page holds the event, or if a page ends in it. Otherwise it would
 * have to keep the ids of the whole log.
 *
 * @param start the cursor of the first request, which is the id of an event that the caller has
 */
export async function* dropRepeats(
  pages: AsyncIterable<FollowedPage>,
  start: string | undefined,
): AsyncGenerator<FollowedPage, void, undefined> {
  const kept = new Set<string>(start === undefined ? [] : [start]);
  let previous: ReadonlySet<string> | undefined;
  for await (const { page, requestCursor } of pages) {
    const ids = new Set<string>();
    const events = page.events.filter(({ id }) => {
      const isNew = !kept.has(id) && !previous?.has(id) && !ids.has(id);
      ids.add(id);
      return isNew;
    });
    for (const { id } of previous === undefined ? page.events : page.events.slice(-1)) kept.add(id);
    previous = ids;
    yield { page: { ...page, events }, requestCursor };
  }
}
