import type { AuditEvent } from '../audit-log/event.ts';
import type { AuditPage } from '../audit-log/page.ts';
import { type FetchPage, followPages } from '../audit-log/pagination.ts';
import { AuditApiError, AuditResponseError } from '../errors.ts';
import { parseTimestamp } from '../internal/timestamp.ts';
import { earliestMs } from './ordering.ts';
import { type EventRef, isBefore, refOf } from './state.ts';

/** A page that tells how long it took to come. */
export interface TimedPage extends AuditPage {
  readonly durationMs: number;
}

/** The list was not the same from one request to the next: what was learnt of it is void, and the scan starts again. */
export class InconsistentListError extends AuditResponseError {
  constructor(what: string) {
    super(`PlanetScale's list changed under the scan: ${what}. The scan starts again from the newest event.`, {
      retryable: true,
    });
  }
}

/** What a scan goes by, in milliseconds of the server's clock. */
export interface ScanClock {
  readonly startedAtMs: number;
  /** Whatever is older than this has become visible by now, if it ever will. */
  readonly watermarkMs: number;
}

/** Where on a page a walk ends: at an event that is known, or at one from which on all is older than what is known. */
export interface StopPoint {
  readonly reason: 'known' | 'older';
  readonly index: number;
}

/** So many older events in a row, as many as the largest page has, are no accident of order. */
const olderRunThreshold = 100;

/**
 * Looks for the place from which on all is older. One backdated event must not stop a walk, not even where a filter has left
 * it alone on its page: events are counted, over pages, and not pages.
 */
export function createOlderRunDetector(thanMs: number): (page: AuditPage) => StopPoint | undefined {
  let length = 0;
  return ({ events }) => {
    let index = 0; // Where the run starts on this page.
    for (const [position, event] of events.entries()) {
      if (isBefore(refOf(event), thanMs)) length++;
      else {
        length = 0;
        index = position + 1;
      }
    }
    return length < olderRunThreshold ? undefined : { reason: 'older', index };
  };
}

/** What a walk looks for on its way down. */
export interface StopCondition {
  /** Called once for each page, from the newest down. */
  findStop(page: AuditPage, clock: ScanClock): StopPoint | undefined;
  /** Whether the event will be delivered; asked after `endsAt` has seen its page. */
  isWanted(event: AuditEvent): boolean;
}

/** A page, newest first: its events where any is wanted, their marks where none is. */
export type ScannedPage = BufferedPage | { readonly marks: readonly EventRef[] };

interface BufferedPage {
  readonly events: readonly AuditEvent[];
  /** The earliest time above this page. */
  readonly earliestAboveMs: number;
}

/** The list as far as it was walked, ready to be climbed up again. */
export interface ScanResult extends ScanClock {
  readonly endedAtMs: number;
  /** What was met above the end, and what becomes visible later, was created at that time or later, if its time can be read. */
  readonly pendingSinceMs: number;
  readonly end: StopPoint['reason'] | 'end of list';
  /** The event at which the walk ended, and those below it on its page, newest first. Empty at the end of the list. */
  readonly below: readonly AuditEvent[];
  /** The last event that was met. */
  readonly oldest: AuditEvent | undefined;
  /**
   * What lies above the end, from the oldest page to the newest. It can be climbed once.
   *
   * @throws InconsistentListError
   */
  pagesOldestFirst(): AsyncGenerator<ScannedPage, void, undefined>;
}

/**
 * Walks from the newest event down to the goal, or to the end of the list.
 *
 * @throws InconsistentListError
 */
export async function scan(
  askPage: FetchPage<TimedPage>,
  goal: StopCondition,
  lookbackMs: number,
): Promise<ScanResult> {
  const ask = mapLostCursorError(rejectIgnoredCursor(askPage));
  const pages = new ScannedPages();
  const readClock = createScanClock(lookbackMs);
  let clock: ScanClock | undefined;
  let oldest: AuditEvent | undefined;
  let endedAtMs = Date.now();
  let met: StopPoint | undefined;
  let below: readonly AuditEvent[] = [];

  for await (const { page, requestCursor } of followPages(ask, undefined, (what) => new InconsistentListError(what))) {
    clock = readClock(page);
    oldest = page.events.at(-1) ?? oldest;
    endedAtMs = page.servedAt?.getTime() ?? Date.now();
    met = goal.findStop(page, clock);
    pages.add(page.events.slice(0, met?.index), requestCursor, goal);
    if (!met) continue;
    below = page.events.slice(met.index);
    break;
  }
  if (!clock) throw new InconsistentListError('it has no page at all'); // For the compiler: there is always a first page.
  return {
    ...clock,
    endedAtMs,
    pendingSinceMs: Math.min(pages.earliestMs, clock.watermarkMs),
    end: met?.reason ?? 'end of list',
    below,
    oldest,
    pagesOldestFirst: () => pages.climb(ask),
  };
}

/** How many pages with wanted events are held, besides the newest page. Those between are read again on the way up. */
const maxBufferedPages = 50;

interface EvictedPage extends Pick<BufferedPage, 'earliestAboveMs'> {
  readonly askedWith: string;
  readonly lastId: string;
}

/** The pages of a walk, of which only some are held: a backlog of a million events must fit into memory. */
class ScannedPages {
  /** The newest first. */
  readonly #pages: (ScannedPage | EvictedPage)[] = [];
  readonly #newestIds = new Set<string>();
  /** How to read the held pages again, the newest page aside, and where they are among the pages; the newest first. */
  readonly #buffered: { readonly index: number; readonly again: EvictedPage }[] = [];
  #earliestMs = Number.POSITIVE_INFINITY;

  /** The earliest time of all. */
  get earliestMs(): number {
    return this.#earliestMs;
  }

  add(events: readonly AuditEvent[], askedWith: string | undefined, goal: StopCondition): void {
    const last = events.at(-1);
    if (!last) return;
    if (askedWith === undefined) for (const { id } of events) this.#newestIds.add(id);
    const earliestAboveMs = this.#earliestMs;
    const marks = events.map(refOf);
    this.#earliestMs = Math.min(earliestAboveMs, earliestMs(marks));
    if (!events.some((event) => goal.isWanted(event))) {
      this.#pages.push({ marks });
      return;
    }
    this.#pages.push({ events, earliestAboveMs });
    if (askedWith === undefined) return;
    this.#buffered.push({ index: this.#pages.length - 1, again: { askedWith, lastId: last.id, earliestAboveMs } });
    const evicted = this.#buffered.length > maxBufferedPages ? this.#buffered.shift() : undefined;
    if (evicted) this.#pages[evicted.index] = evicted.again;
  }

  async *climb(ask: FetchPage): AsyncGenerator<ScannedPage, void, undefined> {
    for (let page = this.#pages.pop(); page; page = this.#pages.pop()) {
      if ('askedWith' in page)
        yield { events: await this.#readAgain(ask, page), earliestAboveMs: page.earliestAboveMs };
      else yield page;
    }
  }

  async #readAgain(ask: FetchPage, page: EvictedPage): Promise<readonly AuditEvent[]> {
    const events = await refetch(ask, page);
    // An unknown cursor may be answered with the newest page, which has its own turn.
    if (events.some(({ id }) => this.#newestIds.has(id))) throw new InconsistentListError('its pages lead in a circle');
    return events;
  }
}

/** Events that arrived late may have pushed some off the page, onto the next. */
const maxRefetchedPages = 2;

const refetch = async (ask: FetchPage, { askedWith, lastId }: EvictedPage): Promise<readonly AuditEvent[]> => {
  const events: AuditEvent[] = [];
  let cursor: string | null = askedWith;
  for (let request = 0; request < maxRefetchedPages && cursor !== null; request++) {
    const page: AuditPage = await ask(cursor);
    const last = page.events.findIndex(({ id }) => id === lastId);
    events.push(...page.events.slice(0, last === -1 ? undefined : last + 1));
    if (last !== -1) return events;
    cursor = page.hasNext ? page.cursorEnd : null;
  }
  throw new InconsistentListError('an event is no longer where it was');
};

/**
 * Reads the time of the first page. Without a Date header the newest event of all pages so far tells it, and our own clock where
 * that event runs ahead of it. The floor lies lower by what that page took: it does not show what became visible after the server
 * had read its list, and before it dated its answer.
 */
const createScanClock = (lookbackMs: number): ((page: TimedPage) => ScanClock) => {
  let first: TimedPage | undefined;
  let startedAtMs: number | undefined;
  let newestMs = Number.NEGATIVE_INFINITY;
  return (page) => {
    first ??= page;
    startedAtMs ??= first.servedAt?.getTime() ?? Date.now();
    for (const { created_at } of page.events) newestMs = Math.max(newestMs, parseTimestamp(created_at) ?? newestMs);
    const listedAtMs = first.servedAt ? startedAtMs : Math.min(newestMs, startedAtMs);
    return { startedAtMs, watermarkMs: listedAtMs - first.durationMs - lookbackMs };
  };
};

/**
 * Something lies above each page that was asked for with a cursor. Where a page says otherwise it may be the newest one, as an answer
 * to a cursor that is no longer known: that one is asked for, and only once if the API does not tell what lies above.
 */
const rejectIgnoredCursor = (ask: FetchPage<TimedPage>): FetchPage<TimedPage> => {
  let reportsHasPrev = true;
  return async (cursor) => {
    const page = await ask(cursor);
    if (cursor === undefined || page.hasPrev || page.cursorStart === null || !reportsHasPrev) return page;
    const newest = await ask(undefined);
    if (newest.cursorStart === page.cursorStart) {
      throw new InconsistentListError('a cursor that it gave is answered with the newest page');
    }
    reportsHasPrev = false;
    return page;
  };
};

/**
 * A cursor that was given a moment ago and is refused now belonged to an event that has been deleted meanwhile. That a request
 * without a cursor is refused has another reason.
 */
const mapLostCursorError =
  (ask: FetchPage<TimedPage>): FetchPage<TimedPage> =>
  async (cursor) => {
    try {
      return await ask(cursor);
    } catch (error) {
      if (cursor === undefined || !(error instanceof AuditApiError) || error.retryable) throw error;
      throw new InconsistentListError(`a cursor that it gave is answered with ${error.status}`);
    }
  };
