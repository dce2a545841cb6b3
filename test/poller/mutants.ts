import { type AuditEvent, type AuditPage, type AuditSource, type PollerOptions, poller } from 'planetscale-audit';
import { parseTimestamp } from '../../src/internal/timestamp.ts';
import { decodeState, encodeState } from '../../src/poller/state.ts';
import type { PollerLike } from './model/simulation.ts';

/** A poller with a mistake, and the invariants of docs/polling.md that it breaks. */
export interface WrongPoller {
  readonly mistake: string;
  readonly breaks: RegExp;
  readonly poller: PollerLike;
}

const key = 'planetscale-audit:acme';

/** The right poller, on a source that misleads it. */
const onSource =
  (mislead: (source: AuditSource, options: PollerOptions) => AuditSource['page']): PollerLike =>
  (source, options) =>
    poller({ organization: source.organization, page: mislead(source, options) }, options);

/** The right poller, with a store that misleads it. */
const onStore =
  (mislead: (store: PollerOptions['store']) => Partial<PollerOptions['store']>): PollerLike =>
  (source, options) =>
    poller(source, { ...options, store: { ...options.store, ...mislead(options.store) } });

/** The right poller, with something between it and the consumer. */
const handedOn =
  (handOn: (events: ReturnType<typeof poller>, options: PollerOptions) => AsyncIterable<AuditEvent>): PollerLike =>
  (source, options) =>
    handOn(poller(source, options), options);

/** One scan as many write it: a cursor of their own in the store, all pages in memory. */
const homemade =
  (
    scan: (
      cursor: string | undefined,
      save: (cursor: string) => Promise<unknown>,
      walk: (isEnd: (event: AuditEvent) => boolean) => Promise<AuditEvent[]>,
      pages: () => AsyncIterable<AuditPage>,
    ) => AsyncGenerator<AuditEvent, void, undefined>,
  ): PollerLike =>
  (source, { store, actions, signal }) => {
    async function* pages() {
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page: AuditPage = await source.page({ startingAfter: cursor, actions, signal });
        yield page;
        cursor = page.hasNext ? page.cursorEnd : null;
      }
    }
    const walk = async (isEnd: (event: AuditEvent) => boolean) => {
      const events: AuditEvent[] = [];
      for await (const page of pages()) {
        const end = page.events.findIndex(isEnd);
        events.push(...page.events.slice(0, end === -1 ? undefined : end));
        if (end !== -1) break;
      }
      return events;
    };
    return (async function* () {
      const cursor = (await store.get(key)) ?? undefined;
      yield* scan(cursor, async (next) => store.set(key, next), walk, pages);
    })();
  };

const end: Pick<AuditPage, 'events' | 'hasNext' | 'cursorEnd'> = { events: [], hasNext: false, cursorEnd: 'end' };

export const mutants: readonly WrongPoller[] = [
  {
    mistake: 'saves the newest id, and delivers then',
    breaks: /^I1:/,
    poller: homemade(async function* (cursor, save, walk) {
      const events = await walk(({ id }) => id === cursor);
      if (events[0]) await save(events[0].id);
      yield* events.toReversed();
    }),
  },
  {
    mistake: 'saves the newest id of each page on the way down',
    breaks: /^I1:/,
    poller: homemade(async function* (cursor, save, _, pages) {
      for await (const { events } of pages()) {
        const known = events.findIndex(({ id }) => id === cursor);
        yield* events.slice(0, known === -1 ? undefined : known);
        if (events[0]) await save(events[0].id);
        if (known !== -1) return;
      }
    }),
  },
  {
    mistake: 'takes a time for its cursor, and what is younger for new',
    breaks: /^I1:/,
    poller: homemade(async function* (cursor = '', save, walk) {
      for (const event of (await walk(({ created_at }) => created_at <= cursor)).reverse()) {
        yield event;
        await save(event.created_at);
      }
    }),
  },
  {
    mistake: 'takes a time for its cursor, and remembers the ids of that instant',
    breaks: /^I1:/,
    poller: homemade(async function* (cursor = '[""]', save, walk) {
      let [instant, ...ids]: string[] = JSON.parse(cursor);
      for (const { created_at, id, ...event } of (
        await walk(({ created_at }) => created_at < (instant ?? ''))
      ).reverse()) {
        if (ids.includes(id)) continue;
        yield { created_at, id, ...event };
        ids = created_at === instant ? [...ids, id] : [id];
        instant = created_at;
        await save(JSON.stringify([instant, ...ids]));
      }
    }),
  },
  {
    mistake: 'takes an id for its cursor, without a look-back',
    breaks: /^I1:/,
    poller: homemade(async function* (cursor, save, walk) {
      for (const event of (await walk(({ id }) => id === cursor)).reverse()) {
        yield event;
        await save(event.id);
      }
    }),
  },
  {
    mistake: 'has a look-back of 0',
    breaks: /^I1:/,
    poller: (source, options) => poller(source, { ...options, lookbackMs: 0 }),
  },
  {
    mistake: 'reads the first page alone',
    breaks: /^I1:/,
    poller: onSource((source) => async (query) => ({ ...(await source.page(query)), hasNext: false })),
  },
  {
    mistake: 'takes an empty page for the end',
    breaks: /^I1:/,
    poller: onSource((source) => async (query) => {
      const page = await source.page(query);
      return page.events.length === 0 ? { ...page, ...end } : page;
    }),
  },
  {
    mistake: 'takes a page that it has had for the end',
    breaks: /^I1:/,
    poller: onSource((source) => {
      const met = new Set<string>();
      return async (query) => {
        const page = await source.page(query);
        if (query?.startingAfter === undefined) met.clear();
        if (page.events.some(({ id }) => met.has(id))) return { ...page, ...end };
        for (const { id } of page.events) met.add(id);
        return page;
      };
    }),
  },
  {
    mistake: 'takes a failed page for the end',
    breaks: /^I1:/,
    poller: onSource((source) => async (query) => {
      if (query?.startingAfter === undefined) return source.page(query);
      return source.page(query).catch(() => ({ hasPrev: true, cursorStart: null, servedAt: undefined, ...end }));
    }),
  },
  {
    mistake: 'reads pages again without a look whether they are the same',
    breaks: /^I1:/,
    poller: onSource((source) => {
      let lastIds = new Map<string, AuditEvent>();
      return async (query) => {
        const page = await source.page(query);
        const cursor = query?.startingAfter;
        if (cursor === undefined) lastIds = new Map();
        const last = cursor === undefined ? undefined : lastIds.get(cursor);
        const now = page.events.at(-1);
        if (cursor !== undefined && now && !last) lastIds.set(cursor, now);
        return last ? { ...page, events: [...page.events.slice(0, -1), last] } : page;
      };
    }),
  },
  {
    mistake: 'ends its walk at the first event that is older',
    breaks: /^I1:/,
    poller: onSource((source, { store, lookbackMs = 0 }) => async (query) => {
      const page = await source.page(query);
      const anchor = decodeState((await store.get(key)) ?? '')?.anchors[0];
      const oldestMs = (anchor && parseTimestamp(anchor[1])) ?? Number.NEGATIVE_INFINITY;
      const older = page.events.findIndex(
        ({ created_at }) => (parseTimestamp(created_at) ?? oldestMs) < oldestMs - lookbackMs,
      );
      return older === -1 ? page : { ...page, ...end, events: page.events.slice(0, older) };
    }),
  },
  {
    mistake: 'delivers the newest first',
    breaks: /^I3:/,
    poller: handedOn(async function* (events) {
      for await (const batch of events.batches()) yield* batch.toReversed();
    }),
  },
  {
    mistake: 'commits a batch, and delivers it then',
    breaks: /^I6:/,
    poller: handedOn(async function* (events) {
      let batch: readonly AuditEvent[] = [];
      for await (const next of events.batches()) {
        yield* batch;
        batch = next;
      }
      yield* batch;
    }),
  },
  {
    mistake: 'takes the event at which the consumer breaks for done',
    breaks: /^I1:/,
    poller: handedOn(async function* (events) {
      const iterator = events[Symbol.asyncIterator]();
      try {
        for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
      } finally {
        await iterator.next();
        await iterator.return();
      }
    }),
  },
  {
    mistake: 'tells of no gap',
    breaks: /^I7:/,
    poller: (source, { onNotice, ...options }) =>
      poller(source, {
        ...options,
        onNotice: (notice) => (notice.type === 'possible-gap' ? undefined : onNotice?.(notice)),
      }),
  },
  {
    mistake: 'asks for each page three times',
    breaks: /^I9:/,
    poller: onSource((source) => async (query) => {
      await source.page(query);
      await source.page(query);
      return source.page(query);
    }),
  },
  {
    mistake: 'saves after each scan, whether anything has happened or not',
    breaks: /^I10:/,
    poller: handedOn(async function* (events, { store }) {
      yield* events;
      const state = decodeState((await store.get(key)) ?? '');
      if (state) await store.set(key, encodeState(state));
    }),
  },
  {
    mistake: 'takes a store that fails for an empty one',
    breaks: /^I12:/,
    poller: onStore((store) => ({ get: async (name) => Promise.resolve(store.get(name)).catch(() => undefined) })),
  },
  {
    mistake: 'takes a state that is spoilt for none',
    breaks: /^I12:/,
    poller: onStore((store) => ({
      get: async (name) => {
        const text = (await store.get(name)) ?? '';
        return decodeState(text) ? text : undefined;
      },
      compareAndSet: async (name, _, next) => {
        await store.set(name, next);
        return true;
      },
    })),
  },
  {
    mistake: 'saves nothing in its first run while there is nothing',
    breaks: /^I1:/,
    poller: onStore((store) => {
      let unsaved: string | undefined;
      return {
        get: async (name) => unsaved ?? store.get(name),
        compareAndSet: async (name, expected, next) => {
          const state = decodeState(next);
          if (expected === null && state?.anchors.length === 0 && state.seen.length === 0) {
            unsaved = next;
            return true;
          }
          const isFirst = unsaved !== undefined;
          unsaved = undefined;
          return (await store.compareAndSet?.(name, isFirst ? null : expected, next)) ?? false;
        },
      };
    }),
  },
  {
    mistake: 'lets the last of several pollers win',
    breaks: /^I2:/,
    poller: onStore((store) => ({
      compareAndSet: async (name, _, next) => {
        await store.set(name, next);
        return true;
      },
    })),
  },
  {
    mistake: 'has two requests under way',
    breaks: /^I13:/,
    poller: onSource((source) => async (query) => {
      const [page] = await Promise.all([source.page(query), source.page(query)]);
      return page;
    }),
  },
  {
    mistake: 'asks once more after its end',
    breaks: /^I14:/,
    poller: (source, options) => ({
      async *[Symbol.asyncIterator]() {
        options.signal?.addEventListener('abort', () => setTimeout(() => void source.page(), 60_000));
        yield* poller(source, options);
      },
    }),
  },
];
