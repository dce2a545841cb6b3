import { type AtomicCursorStore, type AuditEvent, poller } from 'planetscale-audit';
import { parseTimestamp } from '../../src/internal/timestamp.ts';
import { decodeState, encodeState } from '../../src/poller/state.ts';
import {
  beforeRun,
  betweenConsumer,
  betweenTransactions,
  end,
  homemade,
  key,
  type Mutant,
  onSource,
  onStore,
} from './mutant-factories.ts';

/** Pollers with one mistake each. The random model must catch all of them, or it proves nothing about the library's poller. */
export const mutants: readonly Mutant[] = [
  {
    mistake: 'saves the newest id before it delivers',
    breaks: /^I1:/,
    poller: homemade(async function* (cursor, save, scanUntil) {
      const events = await scanUntil(({ id }) => id === cursor);
      if (events[0]) await save(events[0].id);
      yield* events.toReversed();
    }),
  },
  {
    mistake: 'saves the newest id of each page while it scans',
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
    mistake: 'stores a time as its cursor, and takes younger events for new',
    breaks: /^I1:/,
    poller: homemade(async function* (cursor = '', save, scanUntil) {
      for (const event of (await scanUntil(({ created_at }) => created_at <= cursor)).reverse()) {
        yield event;
        await save(event.created_at);
      }
    }),
  },
  {
    mistake: 'stores a time as its cursor, and the ids of that instant',
    breaks: /^I1:/,
    poller: homemade(async function* (cursor = '[""]', save, scanUntil) {
      let [instant, ...ids]: string[] = JSON.parse(cursor);
      for (const { created_at, id, ...event } of (
        await scanUntil(({ created_at }) => created_at < (instant ?? ''))
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
    mistake: 'stores an id as its cursor, without a look-back',
    breaks: /^I1:/,
    poller: homemade(async function* (cursor, save, scanUntil) {
      for (const event of (await scanUntil(({ id }) => id === cursor)).reverse()) {
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
    mistake: 'reads only the first page',
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
    mistake: 'takes a page that it has read before for the end',
    breaks: /^I1:/,
    poller: onSource((source) => {
      const readBefore = new Set<string>();
      return async (query) => {
        const page = await source.page(query);
        if (query?.startingAfter === undefined) readBefore.clear();
        if (page.events.some(({ id }) => readBefore.has(id))) return { ...page, ...end };
        for (const { id } of page.events) readBefore.add(id);
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
    mistake: 'refetches pages without checking that they are the same',
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
    mistake: 'ends its scan at the first older event',
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
    mistake: 'ends its scan at a hundred older events',
    breaks: /^I1:/,
    poller: onSource((source, { store, lookbackMs = 0 }) => {
      let olderEvents = 0;
      return async (query) => {
        const page = await source.page(query);
        if (query?.startingAfter === undefined) olderEvents = 0;
        const anchor = decodeState((await store.get(key)) ?? '')?.anchors[0];
        const oldestMs = ((anchor && parseTimestamp(anchor[1])) ?? Number.NEGATIVE_INFINITY) - 2 * lookbackMs;
        for (const [index, { created_at }] of page.events.entries()) {
          olderEvents = (parseTimestamp(created_at) ?? oldestMs) < oldestMs ? olderEvents + 1 : 0;
          if (olderEvents === 100) return { ...page, ...end, events: page.events.slice(0, index + 1) };
        }
        return page;
      };
    }),
  },
  {
    mistake: 'forgets what a list of one page does not show',
    breaks: /^I2:/,
    poller: beforeRun((state, { events, hasNext }) => {
      const isListed = ([listed]: readonly [string, string]) => hasNext || events.some(({ id }) => id === listed);
      return { ...state, anchors: state.anchors.filter(isListed), seen: state.seen.filter(isListed) };
    }),
  },
  {
    mistake: 'forgets the seen events that are as old as an anchor',
    breaks: /^I2:/,
    poller: beforeRun((state) => {
      const instants = new Set(state.anchors.map(([, createdAt]) => createdAt));
      return { ...state, seen: state.seen.filter(([, createdAt]) => !instants.has(createdAt)) };
    }),
  },
  {
    mistake: 'believes every clock',
    breaks: /^I7:/,
    poller: beforeRun((state, { servedAt }) => ({
      ...state,
      lastScanStartedAt: servedAt?.toISOString() ?? state.lastScanStartedAt,
    })),
  },
  {
    mistake: 'takes a list that is too short for a gap',
    breaks: /^I7:/,
    poller: (source, { onNotice, ...options }) =>
      poller(source, {
        ...options,
        onNotice: (notice) => {
          const gap = { type: 'possible-gap', lastSeenId: undefined, lastScanAt: new Date() } as const;
          const type: string = notice.type;
          return onNotice?.(type === 'inconsistent-list' ? { ...gap, oldestAvailable: undefined } : notice);
        },
      }),
  },
  {
    mistake: 'delivers the newest first',
    breaks: /^I3:/,
    poller: betweenConsumer(async function* (events) {
      for await (const batch of events.batches()) yield* batch.toReversed();
    }),
  },
  {
    mistake: 'commits a batch before it delivers it',
    breaks: /^I6:/,
    poller: betweenConsumer(async function* (events) {
      let batch: readonly AuditEvent[] = [];
      for await (const next of events.batches()) {
        yield* batch;
        batch = next;
      }
      yield* batch;
    }),
  },
  {
    mistake: 'acknowledges the event at which the consumer breaks',
    breaks: /^I1:/,
    poller: betweenConsumer(async function* (events) {
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
    mistake: 'reports no gap',
    breaks: /^I7:/,
    poller: (source, { onNotice, ...options }) =>
      poller(source, {
        ...options,
        onNotice: (notice) => (notice.type === 'possible-gap' ? undefined : onNotice?.(notice)),
      }),
  },
  {
    mistake: 'requests each page three times',
    breaks: /^I9:/,
    poller: onSource((source) => async (query) => {
      await source.page(query);
      await source.page(query);
      return source.page(query);
    }),
  },
  {
    mistake: 'saves after each scan, even if nothing has happened',
    breaks: /^I10:/,
    poller: betweenConsumer(async function* (events, { store }) {
      yield* events;
      const state = decodeState((await store.get(key)) ?? '');
      if (state) await store.set(key, encodeState(state));
    }),
  },
  {
    mistake: 'takes a failing store for an empty one',
    breaks: /^I12:/,
    poller: onStore((store) => ({ get: async (name) => Promise.resolve(store.get(name)).catch(() => undefined) })),
  },
  {
    mistake: 'takes a corrupt state for none',
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
    mistake: 'saves nothing in its first run if the list is empty',
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
    mistake: 'makes two requests at a time',
    breaks: /^I13:/,
    poller: onSource((source) => async (query) => {
      const [page] = await Promise.all([source.page(query), source.page(query)]);
      return page;
    }),
  },
  {
    mistake: 'saves the last checkpoint at its end, even if the transaction was rolled back',
    breaks: /^I6:/,
    poller: betweenTransactions(async function* (checkpoints, own) {
      let save = async () => {};
      try {
        for await (const { events, commitTo } of checkpoints) {
          const remembering = (store: AtomicCursorStore): AtomicCursorStore => ({
            ...store,
            compareAndSet: (...last) => {
              save = async () => void (await own.compareAndSet(...last));
              return store.compareAndSet(...last);
            },
          });
          yield { events, commitTo: (store) => commitTo(remembering(store)) };
        }
      } finally {
        await save();
      }
    }),
  },
  {
    mistake: "saves a checkpoint beside the consumer's transaction",
    breaks: /^I6:/,
    poller: betweenTransactions(async function* (checkpoints, own) {
      for await (const { events, commitTo } of checkpoints) yield { events, commitTo: () => commitTo(own) };
    }),
  },
  {
    mistake: "saves a checkpoint after the consumer's transaction",
    breaks: /^I15:/,
    poller: betweenTransactions(async function* (checkpoints, own) {
      for await (const { events, commitTo } of checkpoints) {
        let isDue = false;
        const commitRowsAlone = async (store: AtomicCursorStore) => {
          const text = await own.get(key);
          if (typeof text === 'string') isDue = await store.compareAndSet(key, text, text);
        };
        yield { events, commitTo: commitRowsAlone };
        if (isDue) await commitTo(own);
      }
    }),
  },
  {
    mistake: 'makes a request after its end',
    breaks: /^I14:/,
    poller: (source, options) => ({
      async *[Symbol.asyncIterator]() {
        options.signal?.addEventListener('abort', () => setTimeout(() => void source.page(), 60_000));
        yield* poller(source, options);
      },
    }),
  },
];
