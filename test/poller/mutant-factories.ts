import {
  type AtomicCursorStore,
  type AuditCheckpoint,
  type AuditEvent,
  type AuditPage,
  type AuditSource,
  type PollerOptions,
  poller,
} from 'planetscale-audit';
import { decodeState, encodeState, type PollState } from '../../src/poller/state.ts';
import type { MakePoller } from './model/running-poller.ts';

/** A poller with one mistake. */
export interface Mutant {
  /** Completes the sentence "a poller that …". */
  readonly mistake: string;
  /** The violations that the mistake must cause: the invariants are those of docs/internals/polling.md. */
  readonly breaks: RegExp;
  /** Makes the mistaken poller. */
  readonly poller: MakePoller;
}

/** The key under which a mutant finds the state of the poller inside it. */
export const key = 'planetscale-audit:acme';

/** The library's poller, on a source that misleads it. */
export const onSource =
  (mislead: (source: AuditSource, options: PollerOptions) => AuditSource['page']): MakePoller =>
  (source, options) =>
    poller({ organization: source.organization, page: mislead(source, options) }, options);

/** The library's poller, with a store that misleads it. */
export const onStore =
  (mislead: (store: PollerOptions['store']) => Partial<PollerOptions['store']>): MakePoller =>
  (source, options) =>
    poller(source, { ...options, store: { ...options.store, ...mislead(options.store) } });

/** The library's poller, with a mistake between it and the consumer. */
export const betweenConsumer =
  (relay: (events: ReturnType<typeof poller>, options: PollerOptions) => AsyncIterable<AuditEvent>): MakePoller =>
  (source, options) =>
    relay(poller(source, options), options);

/** The library's poller, with a mistake between it and the transactions of the consumer. `own` is the poller's store. */
export const betweenTransactions =
  (
    relay: (checkpoints: AsyncIterable<AuditCheckpoint>, own: AtomicCursorStore) => AsyncIterable<AuditCheckpoint>,
  ): MakePoller =>
  (source, options) => {
    const { store } = options;
    const events = poller(source, options);
    const compareAndSet: AtomicCursorStore['compareAndSet'] = async (name, expected, next) => {
      if (store.compareAndSet) return store.compareAndSet(name, expected, next);
      await store.set(name, next);
      return true;
    };
    return {
      [Symbol.asyncIterator]: () => events[Symbol.asyncIterator](),
      checkpoints: () => relay(events.checkpoints(), { ...store, compareAndSet }),
    };
  };

/** The library's poller, with a mistake in the saved state before each run. */
export const beforeRun =
  (mistake: (state: PollState, newest: AuditPage) => PollState): MakePoller =>
  (source, options) =>
    (async function* () {
      const { store, actions, signal } = options;
      const state = decodeState((await store.get(key)) ?? '');
      if (state) await store.set(key, encodeState(mistake(state, await source.page({ actions, signal }))));
      yield* poller(source, options);
    })();

/** One scan as many applications write it: with a cursor of its own in the store, and all pages in memory. */
export const homemade =
  (
    run: (
      cursor: string | undefined,
      save: (cursor: string) => Promise<unknown>,
      scanUntil: (isEnd: (event: AuditEvent) => boolean) => Promise<AuditEvent[]>,
      pages: () => AsyncIterable<AuditPage>,
    ) => AsyncGenerator<AuditEvent, void, undefined>,
  ): MakePoller =>
  (source, { store, actions, signal }) => {
    async function* pages() {
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page: AuditPage = await source.page({ startingAfter: cursor, actions, signal });
        yield page;
        cursor = page.hasNext ? page.cursorEnd : null;
      }
    }
    const scanUntil = async (isEnd: (event: AuditEvent) => boolean) => {
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
      yield* run(cursor, async (next) => store.set(key, next), scanUntil, pages);
    })();
  };

/** Turns a page into the last one. */
export const end: Pick<AuditPage, 'events' | 'hasNext' | 'cursorEnd'> = {
  events: [],
  hasNext: false,
  cursorEnd: 'end',
};
