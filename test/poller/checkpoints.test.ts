import {
  type AtomicCursorStore,
  type AuditCheckpoint,
  AuditConfigError,
  type AuditSource,
  CursorConflictError,
  CursorStoreError,
  memoryCursorStore,
  type PollerOptions,
  type PollNotice,
  poller,
} from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { dayMs, defaultKey, hourMs, ids, noticeCollector, startMs } from '../support/polling.ts';
import { collect, credentials, failure, numbered } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';
import { ListSource } from './list-source.ts';
import { fakeWith } from './support.ts';
import { openDatabase, type TransactionalDatabase } from './transactional-database.ts';

beforeEach(() => void vi.useFakeTimers({ now: startMs + dayMs }));
afterEach(() => void vi.useRealTimers());

const all = ids(numbered(250));

const start = (
  { store }: { readonly store: PollerOptions['store'] },
  { source = sourceOf(fakeWith(250)), ...options }: Partial<PollerOptions> & { readonly source?: AuditSource } = {},
) => poller(source, { store, startFrom: 'oldest', drain: true, onNotice: () => {}, ...options });

/** Writes the rows and the cursor of a checkpoint in one transaction. */
const commit = (database: TransactionalDatabase, { events, commitTo }: AuditCheckpoint): Promise<void> =>
  database.inTransaction(async () => {
    database.insert(events);
    await commitTo(database.store);
  });

/** Does the same, and rolls the transaction back. */
const rollBack = async (database: TransactionalDatabase, { events, commitTo }: AuditCheckpoint): Promise<void> => {
  const run = database.inTransaction(async () => {
    database.insert(events);
    await commitTo(database.store);
    throw new Error('deadlock detected');
  });
  await expect(run).rejects.toThrow('deadlock');
};

const commitAll = async (
  database: TransactionalDatabase,
  checkpoints: AsyncIterable<AuditCheckpoint>,
): Promise<void> => {
  for await (const checkpoint of checkpoints) await commit(database, checkpoint);
};

/** The next checkpoint, which must exist. The waits before it take no real time. */
const nextOf = async (checkpoints: AsyncGenerator<AuditCheckpoint, void, undefined>): Promise<AuditCheckpoint> => {
  const next = checkpoints.next();
  next.catch(() => {}); // Awaited below.
  await vi.advanceTimersByTimeAsync(10 * 60_000);
  const { value } = await next;
  return value ?? expect.unreachable('there should be another checkpoint');
};

describe('checkpoints()', () => {
  test('writes every row once, oldest first, if rows and cursor are committed together', async () => {
    const database = openDatabase();
    await commitAll(database, start(database).checkpoints());
    expect(database.rows()).toEqual(all);
    await commitAll(database, start(database).checkpoints());
    expect(database.rows()).toEqual(all);
  });

  test('delivers the same events again if their transaction was rolled back, and then the next ones', async () => {
    const database = openDatabase();
    const checkpoints = start(database).checkpoints();
    const rolledBack = await nextOf(checkpoints);
    await rollBack(database, rolledBack);
    expect(database.rows()).toEqual([]);
    const again = await nextOf(checkpoints);
    expect(again.events).toEqual(rolledBack.events);
    await commit(database, again);
    await commitAll(database, checkpoints);
    expect(database.rows()).toEqual(all);
  });

  test('delivers the same events again if commitTo was never called', async () => {
    const database = openDatabase();
    const checkpoints = start(database, { drain: false }).checkpoints();
    const { events } = await nextOf(checkpoints);
    for (let times = 0; times < 5; times++) expect((await nextOf(checkpoints)).events).toEqual(events);
    while (database.rows().length < all.length) await commit(database, await nextOf(checkpoints));
    expect(database.rows()).toEqual(all);
    await checkpoints.return();
  });

  test('delivers whole checkpoints again, even if the consumer has emptied the array of events', async () => {
    const database = openDatabase();
    const checkpoints = start(database).checkpoints();
    // A consumer that is written in JavaScript may change what is read-only.
    ((await nextOf(checkpoints)).events as unknown[]).length = 0;
    await commitAll(database, checkpoints);
    expect(database.rows()).toEqual(all);
  });

  test('goes on with the next events if a commit has succeeded and only its answer was lost', async () => {
    const database = openDatabase();
    for await (const checkpoint of start(database).checkpoints()) {
      await commit(database, checkpoint);
      await Promise.reject(new Error('Connection terminated unexpectedly')).catch(() => {});
    }
    expect(database.rows()).toEqual(all);
  });

  test('lets the second transaction fail if the first one of the same events is committed late, and goes on', async () => {
    const database = openDatabase();
    const checkpoints = start(database).checkpoints();
    const first = await nextOf(checkpoints);
    // The connection ended during COMMIT. The server has not finished the transaction when the poller reads the cursor.
    const late: Parameters<AtomicCursorStore['compareAndSet']>[] = [];
    const held = {
      ...database.store,
      compareAndSet: (...save: (typeof late)[number]) => {
        late.push(save);
        return true;
      },
    };
    await first.commitTo(held);
    const second = await nextOf(checkpoints);
    expect(second.events).toEqual(first.events);
    database.insert(first.events);
    for (const save of late) database.store.compareAndSet(...save);
    await expect(commit(database, second)).rejects.toMatchObject({ name: 'CursorStoreError', retryable: true });
    await commitAll(database, checkpoints);
    expect(database.rows()).toEqual(all);
  });

  test('delivers events again that PlanetScale has deleted meanwhile, and events that came meanwhile after them', async () => {
    const database = openDatabase();
    const fake = fakeWith(3);
    const checkpoints = start(database, { source: sourceOf(fake), drain: false }).checkpoints();
    await rollBack(database, await nextOf(checkpoints));
    fake.add({ id: 'newcomer0000' });
    for (const { id } of numbered(3)) fake.remove(id);
    await commit(database, await nextOf(checkpoints));
    await commit(database, await nextOf(checkpoints));
    expect(database.rows()).toEqual([...ids(numbered(3)), 'newcomer0000']);
    await checkpoints.return();
  });

  test('scans again from the last committed checkpoint if the list turns out to be inconsistent in the middle', async () => {
    const database = openDatabase();
    const source = new ListSource({ pageSize: 2 });
    for (const { id, created_at } of numbered(200)) source.add(id, Date.parse(created_at));
    let isFirst = true;
    const { notices, onNotice } = noticeCollector();
    const checkpoints = start(database, { source, drain: false, onNotice }).checkpoints();
    for (;;) {
      const checkpoint = await nextOf(checkpoints);
      if (isFirst) {
        await rollBack(database, checkpoint);
        source.remove('event0000150', 'event0000151'); // The poller has evicted their page.
        isFirst = false;
      } else await commit(database, checkpoint);
      if (database.rows().length === 198) break;
    }
    expect(notices).toMatchObject([{ type: 'retrying', error: { name: 'AuditResponseError' } }]);
    expect(database.rows()).toEqual(ids(numbered(200)).filter((id) => !/15[01]$/.test(id)));
    await checkpoints.return();
  });

  test('reports late events once, however often it delivers them', async () => {
    const database = openDatabase();
    const ago = (ms: number) => ({ created_at: new Date(Date.now() - ms).toISOString() });
    const fake = fakePlanetScale({ ...credentials, order: 'created', events: [{ id: 'young0000000', ...ago(1000) }] });
    const source = sourceOf(fake);
    await commitAll(database, start(database, { source }).checkpoints());
    fake.add({ id: 'late00000000', ...ago(2000) });
    const { notices, onNotice } = noticeCollector();
    const checkpoints = start(database, { source, onNotice }).checkpoints();
    await rollBack(database, await nextOf(checkpoints));
    await rollBack(database, await nextOf(checkpoints));
    await commit(database, await nextOf(checkpoints));
    await commitAll(database, checkpoints);
    expect(database.rows().at(-1)).toBe('late00000000');
    expect(notices.filter(({ type }) => type === 'late-events')).toEqual([
      { type: 'late-events', ids: ['late00000000'] },
    ]);
  });

  test('delivers again at once after three rollbacks, and reports and waits if the same events fail more often', async () => {
    const database = openDatabase();
    const { notices, onNotice } = noticeCollector();
    const running = start(database, { drain: false, onNotice });
    const checkpoints = running.checkpoints();
    for (let deliveries = 0; deliveries < 4; deliveries++) await checkpoints.next();
    expect(notices).toEqual([]);
    const next = checkpoints.next();
    await vi.advanceTimersByTimeAsync(0);
    expect(notices).toMatchObject([{ type: 'retrying', attempt: 1, error: { name: 'CursorStoreError' } }]);
    expect(running.health()).toMatchObject({ state: 'retrying', processed: 0 });
    await vi.advanceTimersByTimeAsync(1000);
    const { value } = await next;
    if (value) await commit(database, value);
    while (database.rows().length < all.length) await commit(database, await nextOf(checkpoints));
    expect(notices).toHaveLength(1);
    await checkpoints.return();
    expect(running.health()).toMatchObject({ state: 'stopped', consecutiveFailures: 0 });
  });

  test('ends with an error under drain if the loop does not commit the same events four times in a row', async () => {
    const database = openDatabase();
    let deliveries = 0;
    const run = async () => {
      for await (const checkpoint of start(database).checkpoints()) {
        deliveries++;
        await rollBack(database, checkpoint);
      }
    };
    await expect(run()).rejects.toMatchObject({ name: 'CursorStoreError', retryable: true });
    expect(deliveries).toBe(4);
    await commitAll(database, start(database).checkpoints());
    expect(database.rows()).toEqual(all);
  });

  test('counts events as processed once they are committed', async () => {
    const database = openDatabase();
    const running = start(database);
    const checkpoints = running.checkpoints();
    await rollBack(database, await nextOf(checkpoints));
    const { events, commitTo } = await nextOf(checkpoints);
    expect(running.health().processed).toBe(0);
    await commitTo(database.store);
    await nextOf(checkpoints);
    expect(running.health()).toMatchObject({
      processed: events.length,
      lastEventAt: new Date(events.at(-1)?.created_at ?? ''),
    });
    await checkpoints.return();
  });

  test('refuses a store without compareAndSet, and writes nothing to it', async () => {
    const store = new Map<string, string>();
    await expect(start({ store }).checkpoints().next()).rejects.toThrow(AuditConfigError);
    expect(store.size).toBe(0);
  });

  test('runs beside no other iteration of the same poller', async () => {
    const running = start(openDatabase());
    const checkpoints = running.checkpoints();
    await checkpoints.next();
    await expect(running.batches().next()).rejects.toThrow(AuditConfigError);
    await expect(running.checkpoints().next()).rejects.toThrow(AuditConfigError);
    await checkpoints.return();
  });
});

describe('the end of checkpoints()', () => {
  const endings = {
    'a throw': async (checkpoints: AsyncGenerator<AuditCheckpoint, void, undefined>) => {
      await checkpoints.throw(new Error('the consumer fails')).catch(() => {});
    },
    'a break': async (checkpoints: AsyncGenerator<AuditCheckpoint, void, undefined>) => {
      await checkpoints.return();
    },
  };

  test.each(Object.entries(endings))(
    'saves nothing after %s, so that rolled back events come again',
    async (_, end) => {
      const database = openDatabase();
      const checkpoints = start(database).checkpoints();
      await commit(database, await nextOf(checkpoints));
      const saved = database.saved();
      await rollBack(database, await nextOf(checkpoints));
      await end(checkpoints);
      expect(database.saved()).toBe(saved);
      await commitAll(database, start(database).checkpoints());
      expect(database.rows()).toEqual(all);
    },
  );

  test('saves nothing after an error in the body of the loop, and passes the error on', async () => {
    const database = openDatabase();
    const run = async () => {
      for await (const checkpoint of start(database).checkpoints()) {
        await rollBack(database, checkpoint);
        throw new Error('COMMIT failed');
      }
    };
    await expect(run()).rejects.toThrow('COMMIT failed');
    await commitAll(database, start(database).checkpoints());
    expect(database.rows()).toEqual(all);
  });

  test('keeps a checkpoint that was committed before a break', async () => {
    const database = openDatabase();
    for await (const checkpoint of start(database).checkpoints()) {
      await commit(database, checkpoint);
      break;
    }
    await commitAll(database, start(database).checkpoints());
    expect(database.rows()).toEqual(all);
  });

  test.each(['commits', 'rolls back'] as const)(
    'is quiet after an abort, and neither loses nor repeats anything if the consumer %s',
    async (outcome) => {
      const database = openDatabase();
      const controller = new AbortController();
      let deliveries = 0;
      for await (const checkpoint of start(database, { drain: false, signal: controller.signal }).checkpoints()) {
        deliveries++;
        controller.abort();
        await (outcome === 'commits' ? commit : rollBack)(database, checkpoint);
      }
      expect(deliveries).toBe(1);
      expect(database.rows()).toHaveLength(outcome === 'commits' ? 50 : 0);
      await commitAll(database, start(database).checkpoints());
      expect(database.rows()).toEqual(all);
    },
  );

  test('is quiet after an abort while it waits to deliver the same events again', async () => {
    const controller = new AbortController();
    const checkpoints = start(openDatabase(), { drain: false, signal: controller.signal }).checkpoints();
    for (let deliveries = 0; deliveries < 4; deliveries++) await checkpoints.next();
    const next = checkpoints.next();
    await vi.advanceTimersByTimeAsync(0);
    controller.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});

describe('the store of a poller with checkpoints()', () => {
  test('gets the start of a first run before the first checkpoint, for an empty organization too', async () => {
    const database = openDatabase();
    const checkpoints = start(database).checkpoints();
    await nextOf(checkpoints);
    expect(database.saved()).toMatch(/^v1:/);
    await checkpoints.return();
    const empty = openDatabase();
    expect(await collect(start(empty, { source: sourceOf(fakeWith(0)), startFrom: 'now' }).checkpoints())).toEqual([]);
    expect(empty.saved()).toMatch(/^v1:/);
  });

  test('gets a save once an hour while nothing is new', async () => {
    const database = openDatabase();
    const controller = new AbortController();
    const options = { source: sourceOf(fakeWith(3)), drain: false, signal: controller.signal };
    const checkpoints = start(database, options).checkpoints();
    await commit(database, await nextOf(checkpoints));
    const idle = checkpoints.next();
    await vi.advanceTimersByTimeAsync(2 * 60_000);
    const saved = database.saved();
    await vi.advanceTimersByTimeAsync(2 * hourMs);
    expect(database.saved()).not.toBe(saved);
    controller.abort();
    expect((await idle).done).toBe(true);
    expect(database.rows()).toHaveLength(3);
  });

  test('is read again after a failure, and nothing is lost or repeated meanwhile', async () => {
    const database = openDatabase();
    let failures = 0;
    const store: AtomicCursorStore = {
      ...database.store,
      get: (key) => {
        if (failures-- > 0) throw new Error('connect ECONNREFUSED 127.0.0.1:5432');
        return database.store.get(key);
      },
    };
    const { notices, onNotice } = noticeCollector();
    const checkpoints = start({ store }, { drain: false, onNotice }).checkpoints();
    while (database.rows().length < all.length) {
      await commit(database, await nextOf(checkpoints));
      failures = 2;
    }
    expect(database.rows()).toEqual(all);
    expect(notices.filter(({ type }: PollNotice) => type === 'retrying')).toHaveLength(2 * 2);
    await checkpoints.return();
  });

  test('ends a poller with drain if it fails, and the next run loses and repeats nothing', async () => {
    const database = openDatabase();
    let isDown = false;
    const store: AtomicCursorStore = {
      ...database.store,
      get: (key) => {
        if (isDown) throw new Error('connect ECONNREFUSED 127.0.0.1:5432');
        return database.store.get(key);
      },
    };
    const checkpoints = start({ store }).checkpoints();
    await commit(database, await nextOf(checkpoints));
    isDown = true;
    await expect(checkpoints.next()).rejects.toMatchObject({ name: 'CursorStoreError', retryable: true });
    isDown = false;
    await commitAll(database, start(database).checkpoints());
    expect(database.rows()).toEqual(all);
  });

  test('ends the poller with a CursorConflictError if another poller has moved the cursor', async () => {
    const database = openDatabase();
    const loser = start(database).checkpoints();
    const checkpoint = await nextOf(loser);
    await commitAll(database, start(database).checkpoints());
    await expect(commit(database, checkpoint)).rejects.toThrow(CursorConflictError);
    await expect(loser.next()).rejects.toThrow(CursorConflictError);
    expect(database.rows()).toEqual(all);
  });

  test.each([
    ['is gone', undefined],
    ['is corrupt', 'v1:{"scope":'],
    ['is no state of a poller', '{"cursor":7}'],
  ])('ends the poller with a CursorStoreError if the saved state %s, and is left as it is', async (_, text) => {
    const store = new Map<string, string>();
    const atomic: AtomicCursorStore = {
      get: (key) => store.get(key),
      set: () => {},
      compareAndSet: (key, expected, next) => {
        if ((store.get(key) ?? null) !== expected) return false;
        store.set(key, next);
        return true;
      },
    };
    const checkpoints = start({ store: atomic }).checkpoints();
    const { commitTo } = await nextOf(checkpoints);
    if (text === undefined) store.delete(defaultKey);
    else store.set(defaultKey, text);
    await expect(commitTo(atomic)).rejects.toMatchObject({ name: 'CursorStoreError', retryable: false });
    await expect(checkpoints.next()).rejects.toMatchObject({ name: 'CursorStoreError', retryable: false });
    expect(store.get(defaultKey)).toBe(text);
  });
});

describe('commitTo()', () => {
  const first = async (options: Partial<PollerOptions> = {}) => {
    const database = openDatabase();
    const checkpoints = start(database, options).checkpoints();
    return { database, checkpoints, checkpoint: await nextOf(checkpoints) };
  };

  test('throws an AuditConfigError if it is called twice, even at the same time or after a rollback', async () => {
    const { database, checkpoints, checkpoint } = await first();
    await rollBack(database, checkpoint);
    await expect(commit(database, checkpoint)).rejects.toThrow(AuditConfigError);
    const again = await nextOf(checkpoints);
    const both = await Promise.allSettled([again.commitTo(database.store), again.commitTo(database.store)]);
    expect(both).toMatchObject([{ status: 'fulfilled' }, { reason: { name: 'AuditConfigError' } }]);
    expect(database.rows()).toEqual([]);
    await checkpoints.return();
  });

  test('throws an AuditConfigError once the next checkpoint is asked for, and changes nothing', async () => {
    const { database, checkpoints, checkpoint } = await first();
    const saved = database.saved();
    await checkpoints.next();
    await expect(checkpoint.commitTo(database.store)).rejects.toThrow(AuditConfigError);
    expect(database.saved()).toBe(saved);
    await checkpoints.return();
  });

  test('throws an AuditConfigError once the iteration has ended', async () => {
    const { database, checkpoints, checkpoint } = await first();
    await checkpoints.return();
    await expect(checkpoint.commitTo(database.store)).rejects.toThrow(AuditConfigError);
  });

  test.each([
    ['nothing', undefined],
    ['a client', { query: async () => {} }],
    ['a store without compareAndSet', new Map<string, string>()],
  ])('throws an AuditConfigError for %s in place of a store, and can then be called with a store', async (_, wrong) => {
    const { database, checkpoints, checkpoint } = await first();
    const error = await failure(checkpoint.commitTo(wrong as unknown as AtomicCursorStore)); // As JavaScript may.
    expect(error).toBeInstanceOf(AuditConfigError);
    expect(String(error)).toContain('compareAndSet');
    await commit(database, checkpoint);
    await commitAll(database, checkpoints);
    expect(database.rows()).toEqual(all);
  });

  test("throws a CursorStoreError for a store that holds nothing, because it is not the poller's", async () => {
    const { database, checkpoints, checkpoint } = await first();
    await expect(checkpoint.commitTo(memoryCursorStore())).rejects.toThrow(/over another database or table/);
    await commitAll(database, checkpoints);
    expect(database.rows()).toEqual(all);
  });

  test('names a store over another table as a possible cause, if it holds another state', async () => {
    const { database, checkpoints, checkpoint } = await first();
    const other = openDatabase();
    await commitAll(other, start(other).checkpoints());
    await expect(checkpoint.commitTo(other.store)).rejects.toThrow(/over another database or table/);
    await commitAll(database, checkpoints);
    expect(database.rows()).toEqual(all);
  });

  test('throws a CursorStoreError with its cause if the store fails, and the events come again', async () => {
    const { database, checkpoints, checkpoint } = await first();
    const cause = new Error('Connection terminated unexpectedly');
    const store: AtomicCursorStore = { ...database.store, compareAndSet: () => Promise.reject(cause) };
    const error = await failure(checkpoint.commitTo(store));
    expect(error).toBeInstanceOf(CursorStoreError);
    expect(error).toMatchObject({ retryable: true, cause });
    await commitAll(database, checkpoints);
    expect(database.rows()).toEqual(all);
  });
});
