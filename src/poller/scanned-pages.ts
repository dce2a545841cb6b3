import type { AuditPage } from '../audit-log/page.ts';
import type { FetchPage } from '../audit-log/pagination.ts';
import { anchorsAt } from './anchors.ts';
import { InconsistentListError } from './consistency.ts';
import { type EventRef, isBefore, type ListedEvent, listedEvents, refOf } from './listed-event.ts';
import { earliestMs } from './ordering.ts';

/** A page of a scan: its events, newest first, or only their refs if the poller delivers none of them. */
export type ScannedPage = UnwantedPage | BufferedPage;

/** The part of the list above a page. */
interface PlaceInList {
  /** The event just above the page; undefined for the newest page. */
  readonly above: EventRef | undefined;
  /** The earliest readable `created_at` above the page. */
  readonly earliestAboveMs: number;
}

interface UnwantedPage extends PlaceInList {
  readonly refs: readonly EventRef[];
}

export interface BufferedPage extends PlaceInList {
  readonly events: readonly ListedEvent[];
}

/** All that is needed to fetch a page again. */
interface EvictedPage extends PlaceInList {
  readonly requestCursor: string;
  readonly lastId: string;
}

/** What a scan knows of a page that it adds. */
export interface PageOfScan {
  readonly requestCursor: string | undefined;
  /** Whether the poller will deliver an event of the page. */
  readonly hasWanted: boolean;
  /** The id of an event that the next scan has to recognize. */
  readonly markId?: string | undefined;
  readonly watermarkMs: number;
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
  /** The ids that stand on the newest page and on no other. */
  readonly #newestIds = new Set<string>();
  readonly #knownIds: ReadonlySet<string>;
  #earliestMs = Number.POSITIVE_INFINITY;
  #last: EventRef | undefined;

  /** @param knownIds the seen events */
  constructor(knownIds: ReadonlySet<string>) {
    this.#knownIds = knownIds;
  }

  /** The earliest readable `created_at` on all pages. */
  get earliestMs(): number {
    return this.#earliestMs;
  }

  add(events: readonly ListedEvent[], page: PageOfScan): void {
    const { requestCursor, hasWanted } = page;
    const refs = events.map(refOf);
    const last = refs.at(-1);
    if (!last) return;
    const place = { above: this.#last, earliestAboveMs: this.#earliestMs };
    this.#last = last;
    this.#earliestMs = Math.min(this.#earliestMs, earliestMs(refs));
    const index =
      this.#newestFirst.push({
        ...place,
        ...(hasWanted ? { events } : { refs: this.#refsToPass(refs, page) }),
      }) - 1;
    for (const { id } of events) {
      if (requestCursor === undefined) this.#newestIds.add(id);
      else this.#newestIds.delete(id);
    }
    if (hasWanted && requestCursor !== undefined) {
      this.#evictable.push({ index, evicted: { requestCursor, lastId: last[0], ...place } });
    }
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

  /** Returns what the next state may need of a page without wanted events: of old ones, only the mark, the next anchors and their ties. */
  #refsToPass(refs: readonly EventRef[], { markId, watermarkMs }: PageOfScan): readonly EventRef[] {
    const { anchors, besideAnchors } = anchorsAt(refs);
    const kept = new Set([...anchors, ...besideAnchors].map(([id]) => id).concat(markId ?? []));
    return refs.filter((ref) => kept.has(ref[0]) || this.#knownIds.has(ref[0]) || !isBefore(ref, watermarkMs));
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
    return { events, above: page.above, earliestAboveMs: page.earliestAboveMs };
  }
}

/** Late events can push some events of a page onto the next page. */
const maxRefetchedPages = 2;

const refetch = async (
  fetchPage: FetchPage,
  { requestCursor, lastId }: EvictedPage,
): Promise<readonly ListedEvent[]> => {
  const events: ListedEvent[] = [];
  let cursor: string | null = requestCursor;
  for (let request = 0; request < maxRefetchedPages && cursor !== null; request++) {
    const page: AuditPage = await fetchPage(cursor);
    const listed = listedEvents(page);
    const last = listed.findIndex(({ id }) => id === lastId);
    for (const event of listed.slice(0, last === -1 ? undefined : last + 1)) events.push(event);
    if (last !== -1) return events;
    cursor = page.hasNext ? page.cursorEnd : null;
  }
  throw new InconsistentListError('an event is no longer where it was');
};
