import {
  AuditConfigError,
  type CursorStore,
  memoryCursorStore,
  type PollerOptions,
  type PollNotice,
  poller,
} from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { collect, credentials, failure, numbered } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';

const key = 'planetscale-audit:acme';
const ids = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id);

beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-11-02T00:00:00Z') }));
afterEach(() => void vi.useRealTimers());

const events = numbered(250);
const fakeWith = (count: number) => fakePlanetScale({ ...credentials, events: events.slice(0, count) });

const drain = (store: CursorStore, options: Partial<PollerOptions> = {}) =>
  poller(sourceOf(fakeWith(250)), { store, startFrom: 'oldest', drain: true, onNotice: async () => {}, ...options });

/** Takes so many events of a poller that runs on, while its waits take no time. */
const take = async (count: number, running: AsyncIterable<{ readonly id: string }>): Promise<string[]> => {
  const taken: string[] = [];
  const run = (async () => {
    for await (const { id } of running) if (taken.push(id) === count) break;
  })();
  run.catch(() => {}); // Awaited below.
  await vi.waitFor(
    async () => {
      await vi.advanceTimersByTimeAsync(60_000);
      expect(taken).toHaveLength(count);
    },
    { timeout: 20_000 },
  );
  await run;
  return taken;
};

test('new Map() is a store', async () => {
  const store = new Map<string, string>();
  expect(await collect(drain(store))).toHaveLength(250);
  expect(await collect(drain(store))).toEqual([]);
});

test('a store whose set takes its time is waited for, and a set that fails is noticed', async () => {
  const values = new Map<string, string>();
  let isAway = false;
  const store: CursorStore = {
    get: (name) => values.get(name),
    set: async (name, value) => {
      await Promise.resolve();
      if (isAway) throw new Error('disk full');
      values.set(name, value);
    },
  };
  const running = drain(store).batches();
  expect((await running.next()).value).toHaveLength(50);
  const first = values.get(key);
  expect(first).toBeDefined();
  isAway = true;
  await expect(running.next()).rejects.toMatchObject({ name: 'CursorStoreError', retryable: true });
  expect(values.get(key)).toBe(first);
});

test('two pollers with two keys each get every event', async () => {
  const store = memoryCursorStore();
  expect(await collect(drain(store, { key: 'siem' }))).toHaveLength(250);
  expect(await collect(drain(store, { key: 'archive' }))).toHaveLength(250);
});

test('what is saved is one text that stores leave alone, and holds no credential', async () => {
  const store = new Map<string, string>();
  await collect(drain(store));
  expect([...store.keys()]).toEqual([key]);
  expect(store.get(key)).toMatch(/^v1:\{/);
  expect(store.get(key)).not.toContain(credentials.serviceToken);
});

describe('a store that holds something else', () => {
  test.each(['', 'v1:', 'v1:{}', 'v1:{"anchors":[]}', 'v2:{}', '\0\0\0\0', '{"cursor":"event0000001"}'])(
    '%j is a CursorStoreError that is not retryable, and no first run',
    async (spoilt) => {
      const run = collect(drain(new Map([[key, spoilt]])));
      await expect(run).rejects.toMatchObject({ name: 'CursorStoreError', retryable: false, key });
    },
  );

  test('the state of a newer version asks for that version, and not for its deletion', async () => {
    const run = collect(drain(new Map([[key, 'v2:{"for":"acme"}']])));
    await expect(run).rejects.toThrow(/newer version/);
    await expect(run).rejects.not.toThrow(/delete/);
  });

  test('cut short is a CursorStoreError', async () => {
    const store = new Map<string, string>();
    await collect(drain(store));
    store.set(key, (store.get(key) ?? '').slice(0, -10));
    await expect(collect(drain(store))).rejects.toMatchObject({ name: 'CursorStoreError', retryable: false });
  });

  test.each([7, {}, []])('%j, which is no text, is a CursorStoreError', async (value) => {
    // A store written in JavaScript may give back anything.
    const store = { get: () => value as unknown as string, set: () => {} };
    await expect(collect(drain(store))).rejects.toMatchObject({ name: 'CursorStoreError', retryable: false });
  });

  test.each([{ actions: ['database.deleted'] }, { actions: undefined }])(
    'the state of another choice of events is an AuditConfigError that names the key (%j)',
    async ({ actions }) => {
      const store = memoryCursorStore();
      await collect(drain(store, { actions: ['database_branch.created'] }));
      const run = collect(drain(store, { actions }));
      await expect(run).rejects.toThrow(AuditConfigError);
      await expect(run).rejects.toThrow(key);
    },
  );

  test('the same actions in another order, with doubles, are the same choice', async () => {
    const store = memoryCursorStore();
    await collect(drain(store, { actions: ['database_branch.created', 'database.deleted'] }));
    expect(
      await collect(drain(store, { actions: ['database.deleted', 'database_branch.created', 'database.deleted'] })),
    ).toEqual([]);
  });
});

describe('a store that fails', () => {
  /** Fails for so many calls of one method. */
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
  ] as const)('for a while (%s, %s its effect) is waited out: every event once', async (method, effect) => {
    const notices: PollNotice[] = [];
    const store = failing(method, 3, effect);
    const running = poller(sourceOf(fakeWith(250)), {
      store,
      startFrom: 'oldest',
      onNotice: async (notice) => void notices.push(notice),
    });
    expect(await take(250, running)).toEqual(ids(events));
    expect(notices).toMatchObject([
      { type: 'retrying', attempt: 1, error: { name: 'CursorStoreError', retryable: true, key } },
      { type: 'retrying', attempt: effect === 'after' ? 1 : 2 },
      { type: 'retrying', attempt: effect === 'after' ? 1 : 3 },
    ]);
  });

  test('ends a run with drain at once, with what it threw as the cause', async () => {
    await expect(collect(drain(failing('get', 1)))).rejects.toMatchObject({
      name: 'CursorStoreError',
      retryable: true,
      cause: new Error('connect ECONNREFUSED 127.0.0.1:6379'),
    });
  });

  test('is asked but once more when the iteration ends, and what could not be saved is thrown', async () => {
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
    await running.next(); // The first event is done.
    await expect(running.return()).rejects.toMatchObject({ name: 'CursorStoreError', retryable: true, key });
    expect(saves).toBe(2);
  });

  test('by hiding its errors, so that it looks empty, delivers nothing', async () => {
    const dead = { get: () => undefined, set: () => {} };
    const given: string[] = [];
    const run = async () => {
      for await (const { id } of drain(dead)) given.push(id);
    };
    await expect(run()).rejects.toMatchObject({ name: 'CursorStoreError', retryable: false });
    expect(given).toEqual([]);
  });
});

describe('what was saved, and under a running poller', () => {
  /** The error of a poller whose state is replaced while it has its first batch in hand. */
  const withState = async (replacement: string | undefined) => {
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

  test('is gone is a CursorStoreError that is not retryable: no other poller goes on', async () => {
    expect(await withState(undefined)).toMatchObject({
      name: 'CursorStoreError',
      retryable: false,
      key,
      message: expect.stringContaining('has lost'),
    });
  });

  test('is spoilt is one too', async () => {
    expect(await withState('rubbish')).toMatchObject({
      name: 'CursorStoreError',
      retryable: false,
      key,
      message: expect.stringContaining('not the state of a poller'),
    });
  });
});

describe('two pollers on one key', () => {
  test('one of them stops with a CursorConflictError, and no event is lost', async () => {
    const store = memoryCursorStore();
    const fake = fakeWith(250);
    const source = sourceOf(fake);
    const options = { store, startFrom: 'oldest', drain: true } as const;
    const slow = poller(source, options).batches();
    const first = await slow.next();
    const others = await collect(poller(source, options));
    await expect(slow.next()).rejects.toMatchObject({ name: 'CursorConflictError', retryable: false, key });
    expect(ids(others)).toEqual(ids(events));
    expect(first.value).toHaveLength(50);
    expect(await collect(poller(source, options))).toEqual([]);
  });

  test('that both find nothing begin once', async () => {
    const store = memoryCursorStore();
    const runs = await Promise.allSettled([collect(drain(store)), collect(drain(store))]);
    expect(runs.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(runs.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { name: 'CursorConflictError' } });
  });
});
