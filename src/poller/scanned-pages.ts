import type { AuditEvent } from '../audit-log/event.ts';
import type { AuditPage } from '../audit-log/page.ts';
import type { FetchPage } from '../audit-log/pagination.ts';
import { InconsistentListError } from './consistency.ts';
import { earliestMs } from './ordering.ts';
import { type EventRef, refOf } from './state.ts';

/** A page of a scan: its events, newest first, or only their refs if the poller delivers none of them. */
export type ScannedPage = UnwantedPage | BufferedPage;

interface UnwantedPage {
  readonly refs: readonly EventRef[];
}

interface BufferedPage {
  readonly events: readonly AuditEvent[];
  /** The earliest readable `created_at` above this page. */
  readonly earliestAboveMs: number;
}

/** All that is needed to fetch a page again. */
interface EvictedPage extends Pick<BufferedPage, 'earliestAboveMs'> {
  readonly requestCursor: string;
  readonly lastId: string;
}

/** How many pages with events to deliver stay in memory, in addition to the newest page. */
const maxBufferedPages = 50;

/**
 * The pages of a scan, added from the newest to the oldest and delivered from the oldest to the newest. Only some stay in
 * memory, because a backlog can have a million events. The others are fetched again when their turn comes.
 */
export class ScannedPages {
  readonly #newestFirst: (UnwantedPage | BufferedPage | EvictedPage)[] = [];
  /** The pages that can be evicted, newest first. `index` is a page's place in `#newestFirst`, and `evicted` replaces it there. */
  readonly #evictable: { readonly index: number; readonly evicted: EvictedPage }[] = [];
  readonly #newestIds = new Set<string>();
  #earliestMs = Number.POSITIVE_INFINITY;

  /** The earliest readable `created_at` on all pages. */
  get earliestMs(): number {
    return this.#earliestMs;
  }

  add(events: readonly AuditEvent[], requestCursor: string | undefined, hasWanted: boolean): void {
    const lastId = events.at(-1)?.id;
    if (lastId === undefined) return;
    const refs = events.map(refOf);
    const earliestAboveMs = this.#earliestMs;
    this.#earliestMs = Math.min(earliestAboveMs, earliestMs(refs));
    const index = this.#newestFirst.push(hasWanted ? { events, earliestAboveMs } : { refs }) - 1;
    if (requestCursor === undefined) for (const { id } of events) this.#newestIds.add(id);
    else if (hasWanted) this.#evictable.push({ index, evicted: { requestCursor, lastId, earliestAboveMs } });
    this.#evictBeyondLimit();
  }

  /**
   * Every page once, from the oldest to the newest.
   *
   * @throws InconsistentListError if a page that is fetched again does not fit into the list
   */
  async *oldestFirst(fetchPage: FetchPage): AsyncGenerator<ScannedPage, void, undefined> {
    for (let page = this.#newestFirst.pop(); page; page = this.#newestFirst.pop()) {
      if ('requestCursor' in page) yield await this.#refetch(fetchPage, page);
      else yield page;
    }
  }

  /** Evicts the newest page that can be evicted, because the delivery reaches that page last. */
  #evictBeyondLimit(): void {
    const page = this.#evictable.length > maxBufferedPages ? this.#evictable.shift() : undefined;
    if (page) this.#newestFirst[page.index] = page.evicted;
  }

  async #refetch(fetchPage: FetchPage, page: EvictedPage): Promise<BufferedPage> {
    const events = await refetch(fetchPage, page);
    // PlanetScale may answer an unknown cursor with the newest page.
    if (events.some(({ id }) => this.#newestIds.has(id)))
      throw new InconsistentListError('the cursors lead in a circle');
    return { events, earliestAboveMs: page.earliestAboveMs };
  }
}

/** Late events can push some events of a page onto the next page. */
const maxRefetchedPages = 2;

const refetch = async (
  fetchPage: FetchPage,
  { requestCursor, lastId }: EvictedPage,
): Promise<readonly AuditEvent[]> => {
  const events: AuditEvent[] = [];
  let cursor: string | null = requestCursor;
  for (let request = 0; request < maxRefetchedPages && cursor !== null; request++) {
    const page: AuditPage = await fetchPage(cursor);
    const last = page.events.findIndex(({ id }) => id === lastId);
    events.push(...page.events.slice(0, last === -1 ? undefined : last + 1));
    if (last !== -1) return events;
    cursor = page.hasNext ? page.cursorEnd : null;
  }
  throw new InconsistentListError('an event is no longer where it was');
};
