import { AuditConfigError, type CursorStore, memoryCursorStore, type PollerOptions, poller } from 'planetscale-audit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { dayMs, ids, defaultKey as key, noticeCollector, startMs } from '../support/polling.ts';
import { collect, credentials, failure, numbered } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';
import { fakeWith } from './support.ts';

beforeEach(() => void vi.useFakeTimers({ now: startMs + dayMs }));
afterEach(() => void vi.useRealTimers());

const events = numbered(250);

const drain = (store: CursorStore, options: Partial<PollerOptions> = {}) =>
  poller(sourceOf(fakeWith(250)), { store, startFrom: 'oldest', drain: true, onNotice: async () => {}, ...options });

/** Takes `count` events from a poller that runs on. Its waits take no real time. */
const take = async (count: number, running: AsyncIterable<{ readonly id: string }>): Promise<string[]> => {
  const delivered: string[] = [];
  const run = (async () => {
    for await (const { id } of running) if (delivered.push(id) === count) break;
  })();
  run.catch(() => {}); // Awaited below.
  await vi.waitFor(
    async () => {
      await vi.advanceTimersByTimeAsync(60_000);
      expect(delivered).toHaveLength(count);
    },
    { timeout: 20_000 },
  );
  await run;
  return delivered;
};

test('a poller accepts a new Map() as its store', async () => {
  const store = new Map<string, string>();
  expect(await collect(drain(store))).toHaveLength(250);
  expect(await collect(drain(store))).toEqual([]);
});

test('a poller waits for the set of its store, and reports a set that fails', async () => {
  const values = new Map<string, string>();
  let isDown = false;
  const store: CursorStore = {
    get: (name) => values.get(name),
    set: async (name, value) => {
      await Promise.resolve();
      if (isDown) throw new Error('disk full');
      values.set(name, value);
    },
  };
  const running = drain(store).batches();
  expect((await running.next()).value).toHaveLength(50);
  const first = values.get(key);
  expect(first).toBeDefined();
  isDown = true;
  await expect(running.next()).rejects.toMatchObject({ name: 'CursorStoreError', retryable: true });
  expect(values.get(key)).toBe(first);
});

test('two pollers with different keys each deliver every event', async () => {
  const store = memoryCursorStore();
  expect(await collect(drain(store, { key: 'siem' }))).toHaveLength(250);
  expect(await collect(drain(store, { key: 'archive' }))).toHaveLength(250);
});

test('a poller saves one text that no store reformats, and no credential in it', async () => {
  const store = new Map<string, string>();
  await collect(drain(store));
  expect([...store.keys()]).toEqual([key]);
  expect(store.get(key)).toMatch(/^v1:\{/);
  expect(store.get(key)).not.toContain(credentials.serviceToken);
});

describe('a saved value', () => {
  test.each(['', 'v1:', 'v1:{}', 'v1:{"anchors":[]}', 'v2:{}', '\0\0\0\0', '{"cursor":"event0000001"}'])(
    'ends the poller with a CursorStoreError that is not retryable, and causes no first run, if it is %j',
    async (corrupt) => {
      const run = collect(drain(new Map([[key, corrupt]])));
      await expect(run).rejects.toMatchObject({ name: 'CursorStoreError', retryable: false, key });
    },
  );

  test('ends the poller with an error that asks for a newer version, and not for a deletion, if that version wrote it', async () => {
    const run = collect(drain(new Map([[key, 'v2:{"for":"acme"}']])));
    await expect(run).rejects.toThrow(/newer version/);
    await expect(run).rejects.not.toThrow(/delete/);
  });

  test('ends the poller with a CursorStoreError if it is truncated', async () => {
    const store = new Map<string, string>();
    await collect(drain(store));
    store.set(key, (store.get(key) ?? '').slice(0, -10));
    await expect(collect(drain(store))).rejects.toMatchObject({ name: 'CursorStoreError', retryable: false });
  });

  test.each([7, {}, []])('ends the poller with a CursorStoreError if it is %j, which is not text', async (value) => {
    // A store that is written in JavaScript may return anything.
    const store = { get: () => value as unknown as string, set: () => {} };
    await expect(collect(drain(store))).rejects.toMatchObject({ name: 'CursorStoreError', retryable: false });
  });

  test.each([{ actions: ['database.deleted'] }, { actions: undefined }])(
    'ends a poller with other actions with an AuditConfigError that names the key (%j)',
    async ({ actions }) => {
      const store = memoryCursorStore();
      await collect(drain(store, { actions: ['database_branch.created'] }));
      const run = collect(drain(store, { actions }));
      await expect(run).rejects.toThrow(AuditConfigError);
      await expect(run).rejects.toThrow(key);
    },
  );

  test('is accepted by a poller with the same actions in another order, with duplicates', async () => {
    const store = memoryCursorStore();
    await collect(drain(store, { actions: ['database_branch.created', 'database.deleted'] }));
    expect(
      await collect(drain(store, { actions: ['database.deleted', 'database_branch.created', 'database.deleted'] })),
    ).toEqual([]);
  });
});

describe('a failing store', () => {
  /** A store of which one method fails for the first `times` calls, before or after its effect. */
  const failing = (method: 'get' | 'compareAndSet', times: number, effect: 'before' | 'after' = 'before') => {
    const store = memoryCursorStore();
    let left = times;
    const fail = () => {
      if (left-- > 0) throw new Error('connect ECONNREFUSED 127.0.0.1:6379');
    };
    return {
      ...store,
      get: (name: string) => {
        if (method === 'get') fail();
        return store.get(name);
      },
      compareAndSet: async (...save: Parameters<typeof store.compareAndSet>) => {
        if (method === 'compareAndSet' && effect === 'before') fail();
        const isSaved = await store.compareAndSet(...save);
        if (method === 'compareAndSet' && effect === 'after') fail();
        return isSaved;
      },
    };
  };

  test.each([
    ['get', 'before'],
    ['compareAndSet', 'before'],
    ['compareAndSet', 'after'],
  ] as const)(
    'is called again after a wait, and every event is delivered once (%s fails %s its effect)',
    async (method, effect) => {
      const { notices, onNotice } = noticeCollector();
      const store = failing(method, 3, effect);
      const running = poller(sourceOf(fakeWith(250)), {
        store,
        startFrom: 'oldest',
        onNotice,
      });
      expect(await take(250, running)).toEqual(ids(events));
      expect(notices).toMatchObject([
        { type: 'retrying', attempt: 1, error: { name: 'CursorStoreError', retryable: true, key } },
        { type: 'retrying', attempt: effect === 'after' ? 1 : 2 },
        { type: 'retrying', attempt: effect === 'after' ? 1 : 3 },
      ]);
    },
  );

  test('ends a run with drain at once, and the thrown error is the cause', async () => {
    await expect(collect(drain(failing('get', 1)))).rejects.toMatchObject({
      name: 'CursorStoreError',
      retryable: true,
      cause: new Error('connect ECONNREFUSED 127.0.0.1:6379'),
    });
  });

  test('is called only once more when the iteration ends, and its error is thrown', async () => {
    const store = memoryCursorStore();
    let saves = 0;
    const running = poller(sourceOf(fakeWith(250)), {
      store: {
        ...store,
        compareAndSet: async (...save) => {
          if (++saves > 1) throw new Error('connect ECONNREFUSED 127.0.0.1:6379');
          return store.compareAndSet(...save);
        },
      },
      startFrom: 'oldest',
      onNotice: async () => {},
    })[Symbol.asyncIterator]();
    await running.next();
    await running.next(); // This acknowledges the first event.
    await expect(running.return()).rejects.toMatchObject({ name: 'CursorStoreError', retryable: true, key });
    expect(saves).toBe(2);
  });

  test('causes no delivery if it hides its errors and so looks empty', async () => {
    const dead = { get: () => undefined, set: () => {} };
    const delivered: string[] = [];
    const run = async () => {
      for await (const { id } of drain(dead)) delivered.push(id);
    };
    await expect(run()).rejects.toMatchObject({ name: 'CursorStoreError', retryable: false });
    expect(delivered).toEqual([]);
  });
});

test('a poller whose first save cannot be read back writes no second time over the state of another poller', async () => {
  const writes: string[] = [];
  let reads = 0;
  const stale: CursorStore = {
    // The second read is the one after the first save. By the time of a third, another poller has saved its state.
    get: () => (++reads < 3 ? null : 'the state of another poller'),
    set: (_, value) => void writes.push(value),
  };
  await expect(collect(drain(stale))).rejects.toMatchObject({ name: 'CursorStoreError', retryable: false });
  expect(writes).toHaveLength(1);
});

describe('a state that changes under a running poller', () => {
  /** The error of a poller whose state is replaced while its first batch is in flight. */
  const errorAfterReplacement = async (replacement: string | undefined) => {
    const store = memoryCursorStore();
    const running = drain({
      ...store,
      get: (name) => (isReplaced ? replacement : store.get(name)),
      compareAndSet: (...save) => !isReplaced && store.compareAndSet(...save),
    }).batches();
    let isReplaced = false;
    await running.next();
    isReplaced = true;
    return failure(running.next());
  };

  test('ends the poller with a CursorStoreError that is not retryable if the state is lost', async () => {
    expect(await errorAfterReplacement(undefined)).toMatchObject({
      name: 'CursorStoreError',
      retryable: false,
      key,
      message: expect.stringContaining('has lost'),
    });
  });

  test('ends the poller with a CursorStoreError that is not retryable if the state is corrupt', async () => {
    expect(await errorAfterReplacement('corrupt')).toMatchObject({
      name: 'CursorStoreError',
      retryable: false,
      key,
      message: expect.stringContaining('not the state of a poller'),
    });
  });
});

describe('two pollers on one key', () => {
  test('lose no event, and one of them ends with a CursorConflictError', async () => {
    const store = memoryCursorStore();
    const fake = fakeWith(250);
    const source = sourceOf(fake);
    const options = { store, startFrom: 'oldest', drain: true } as const;
    const slow = poller(source, options).batches();
    const first = await slow.next();
    const delivered = await collect(poller(source, options));
    await expect(slow.next()).rejects.toMatchObject({ name: 'CursorConflictError', retryable: false, key });
    expect(ids(delivered)).toEqual(ids(events));
    expect(first.value).toHaveLength(50);
    expect(await collect(poller(source, options))).toEqual([]);
  });

  test('begin only one first run if both find an empty store', async () => {
    const store = memoryCursorStore();
    const runs = await Promise.allSettled([collect(drain(store)), collect(drain(store))]);
    expect(runs.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(runs.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { name: 'CursorConflictError' } });
  });
});
