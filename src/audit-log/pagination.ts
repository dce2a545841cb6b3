import type { AuditPage } from './page.ts';

/** Gives the page of events older than the cursor, or the newest page without one. */
export type FetchPage<Page extends AuditPage = AuditPage> = (cursor: string | undefined) => Promise<Page>;

export interface FollowedPage<Page extends AuditPage = AuditPage> {
  readonly page: Page;
  readonly requestCursor: string | undefined;
}

/**
 * Follows the cursors from page to page, down to the end of the list, and makes sure that it is the end: what PlanetScale
 * answers to a cursor whose event has been deleted is not documented, and could be the first page or an empty one.
 *
 * @param inconsistent makes the error for pages that do not fit together
 */
export async function* followPages<Page extends AuditPage>(
  ask: FetchPage<Page>,
  from: string | undefined,
  inconsistent: (what: string) => Error,
): AsyncGenerator<FollowedPage<Page>, void, undefined> {
  const known = new KnownIds(from);
  let before: string | undefined;
  let cursor = from;
  for (;;) {
    const page = await ask(cursor);
    if (known.has(page)) throw inconsistent('its pages lead in a circle');
    if (cursor !== from && isEmptyLastPage(page)) await confirmEnd(ask, before, cursor, inconsistent);
    known.add(page);
    yield { page, requestCursor: cursor };

    if (!page.hasNext) return;
    if (page.cursorEnd === null) throw inconsistent('it promises more events without a cursor to ask for them');
    before = cursor;
    cursor = page.cursorEnd;
  }
}

/** Enough ids to notice that a list starts again, without all of them: those of the first page, and where each page ends. */
class KnownIds {
  readonly #ids = new Set<string>();
  #isFirst = true;

  constructor(from: string | undefined) {
    if (from !== undefined) this.#ids.add(from);
  }

  has({ events, cursorEnd }: AuditPage): boolean {
    return (cursorEnd !== null && this.#ids.has(cursorEnd)) || events.some(({ id }) => this.#ids.has(id));
  }

  add({ events, cursorEnd }: AuditPage): void {
    for (const { id } of this.#isFirst ? events : events.slice(-1)) this.#ids.add(id);
    if (cursorEnd !== null) this.#ids.add(cursorEnd); // Not the id of the last event where that was filtered out.
    this.#isFirst = false;
  }
}

/** Empty on the server: not emptied by a filter of ours. */
export const isEmptyLastPage = ({ events, cursorEnd, hasNext }: AuditPage): boolean =>
  events.length === 0 && cursorEnd === null && !hasNext;

/** Whether the event of a cursor is on the page; its id may be all that a filter has left of it. */
const holds = (page: AuditPage, cursor: string | undefined): boolean =>
  page.cursorEnd === cursor || page.events.some(({ id }) => id === cursor);

/**
 * More was promised, and nothing came. Either the list ends there after all, or the cursor's event has been deleted: taken for
 * the end, that would lose all that lies below. Where the page before still has the event, the cursor is known.
 */
const confirmEnd = async (
  ask: FetchPage,
  before: string | undefined,
  cursor: string | undefined,
  inconsistent: (what: string) => Error,
): Promise<void> => {
  let page = await ask(before);
  // Events that have arrived meanwhile may have pushed it off that page, onto the next.
  if (!holds(page, cursor) && page.hasNext && page.cursorEnd !== null) page = await ask(page.cursorEnd);
  if (!holds(page, cursor)) throw inconsistent('nothing comes after a cursor, though more was promised');
};
