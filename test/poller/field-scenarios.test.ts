// Failures of other pollers, each with the thread that reported it. The scenarios 13 to 15, 22 and 26 are about the file store: see
// test/stores/file-cursor-store*.test.ts.
import {
  AuditConnectionError,
  type AuditSource,
  type CursorStore,
  memoryCursorStore,
  PlanetScaleAuditClient,
  poller,
} from 'planetscale-audit';
import { type FakeFailure, type FakePlanetScale, fakePlanetScale } from 'planetscale-audit/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { decodeState } from '../../src/poller/state.ts';
import {
  changingBefore,
  dayMs,
  defaultKey,
  drain,
  drainWithNotices,
  hourMs,
  ids,
  minuteMs,
  pollInBackground,
  savedState,
  serveAt,
  startMs,
} from '../support/polling.ts';
import { collect, credentials, listOf, numbered } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';

/** Iterates until the poller ends or fails, or has delivered `upTo` events. */
const iterate = async (events: AsyncIterable<{ readonly id: string }>, upTo = Number.POSITIVE_INFINITY) => {
  const delivered: string[] = [];
  let error: unknown;
  try {
    for await (const { id } of events) if (delivered.push(id) === upTo) break;
  } catch (thrown) {
    error = thrown;
  }
  return { delivered, error };
};

afterEach(() => void vi.useRealTimers());

const clientOf = (fake: FakePlanetScale, retries = 0) =>
  new PlanetScaleAuditClient({ organization: 'acme', ...credentials, retries, fetch: fake.fetch });

// 1: https://github.com/elastic/integrations/issues/4796
test('a poller delivers every event, oldest first, after a crash on page 3 of 5', async () => {
  const events = numbered(50);
  const served = await serveAt({ events, pageSize: 10 });
  const store = memoryCursorStore();
  const crashing = changingBefore(2, served.client(), () => served.fake.failNext({ network: 'reset' }));
  const first = await iterate(poller(crashing, { store, startFrom: 'oldest', drain: true }));
  expect(first).toMatchObject({ delivered: [], error: { name: 'AuditConnectionError' } });
  const second = await iterate(drain(served, { store, startFrom: 'oldest' }), 23);
  const third = await iterate(drain(served, { store }));
  expect([...second.delivered.slice(0, -1), ...third.delivered]).toEqual(ids(events));
});

// 2: https://github.com/zed-industries/zed/issues/19343
test.each([101, 250, 10_000])('a poller delivers all %i events between two polls, oldest first', async (count) => {
  const served = await serveAt();
  const store = memoryCursorStore();
  await collect(drain(served, { store, startFrom: 'now' }));
  const events = served.fake.add(...numbered(count, served.clock.ms));
  expect(ids(await collect(drain(served, { store })))).toEqual(ids(events));
});

// 3: https://github.com/elastic/beats/issues/52996
test.each<[string, FakeFailure]>([
  ['a 502', { status: 502 }],
  ['a timeout', { network: 'hang' }],
  ['a reset', { network: 'reset' }],
  ['truncated JSON', { network: 'truncated' }],
  ['the HTML page of a proxy', { status: 200, body: '<html>Bad gateway</html>' }],
])('a poller skips no event after %s in the middle of the pages', async (_, failure) => {
  const events = numbered(50);
  const served = await serveAt({ events, pageSize: 10 });
  const store = memoryCursorStore();
  const source = changingBefore(3, served.client({ timeoutMs: 2000 }), () => served.fake.failNext(failure));
  const options = { store, startFrom: 'oldest', drain: true } as const;
  expect(await iterate(poller(source, options))).toMatchObject({ delivered: [], error: { retryable: true } });
  expect((await iterate(poller(source, options))).delivered).toEqual(ids(events));
});

// 4: https://github.com/airbytehq/airbyte/issues/15427
test('a poller misses none of 300 events of one second after a stop among them, and keeps their times as text', async () => {
  const created_at = '2026-11-01T00:00:00.123456Z';
  const served = await serveAt({ events: numbered(300).map((event) => ({ ...event, created_at })) });
  const store = memoryCursorStore();
  const first = await iterate(drain(served, { store, startFrom: 'oldest' }), 150);
  const second = await iterate(drain(served, { store }));
  expect([...first.delivered.slice(0, -1), ...second.delivered]).toEqual(ids(numbered(300)));
  expect((await savedState(store))?.anchors[0]?.[1]).toBe(created_at);
});

// 5: https://github.com/wazuh/wazuh/issues/13529, https://github.com/obelisk/plaid/issues/76
test('a poller delivers a late event within the look-back, and reports the event as late', async () => {
  const served = await serveAt({ events: numbered(20, startMs + dayMs - 5 * minuteMs) });
  const store = memoryCursorStore();
  await collect(drain(served, { store, startFrom: 'oldest' }));
  served.fake.add({ id: 'latelatelate', created_at: new Date(served.clock.ms - 5 * minuteMs + 500).toISOString() });
  expect(await drainWithNotices(served, { store })).toEqual({
    delivered: ['latelatelate'],
    notices: [{ type: 'late-events', ids: ['latelatelate'] }],
  });
});

// 6: https://github.com/grafana/loki/issues/6931
test('a poller reports a possible gap once after retention has deleted all anchors, and resumes within one scan', async () => {
  const served = await serveAt({ events: numbered(20) });
  const store = memoryCursorStore();
  await collect(drain(served, { store, startFrom: 'oldest' }));
  for (const { id } of numbered(20)) served.fake.remove(id);
  served.clock.ms += 20 * dayMs;
  const events = served.fake.add(
    ...numbered(5, served.clock.ms).map((event, index) => ({ ...event, id: `new${index}` })),
  );
  expect(await drainWithNotices(served, { store })).toMatchObject({
    delivered: ids(events),
    notices: [{ type: 'possible-gap' }],
  });
  expect(await drainWithNotices(served, { store })).toEqual({ delivered: [], notices: [] });
});

// 7: https://github.com/demisto/content/issues/31135
test.each([400, 404, 410, 422])(
  'a poller scans again if PlanetScale answers a cursor with %i, and does not end the scan there',
  async (status) => {
    vi.useFakeTimers({ now: startMs + dayMs });
    const events = numbered(50);
    const fake = fakePlanetScale({ ...credentials, events, pageSize: 10 });
    const source = changingBefore(2, clientOf(fake), () => fake.failNext({ status }));
    const { delivered, notices, controller, ended } = pollInBackground(source);
    await vi.advanceTimersByTimeAsync(2000);
    expect(delivered).toEqual(ids(events));
    expect(notices).toMatchObject([{ type: 'retrying', attempt: 1 }]);
    controller.abort();
    await ended;
  },
);

// 8: https://github.com/vercel/workflow/issues/2179
test.each(['not-found', 'empty', 'first-page'] as const)(
  'a poller neither loops nor stalls if PlanetScale no longer knows a cursor and answers it with %s',
  async (unknownCursor) => {
    vi.useFakeTimers({ now: startMs + dayMs });
    const fake = fakePlanetScale({ ...credentials, events: numbered(50), pageSize: 10, unknownCursor });
    const source = changingBefore(2, clientOf(fake), () => fake.remove('event0000030'));
    const { delivered, controller, ended } = pollInBackground(source);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(delivered).toEqual(ids(numbered(50)).filter((id) => id !== 'event0000030'));
    expect(fake.requests.length).toBeLessThanOrEqual(2 * 6 + 2);
    controller.abort();
    await ended;
  },
);

// 9: https://github.com/gravitational/teleport/issues/58365
test('a poller turns stale after five intervals without a completed scan, even without an error', async () => {
  vi.useFakeTimers({ now: startMs });
  const { running, controller, ended } = pollInBackground({
    organization: 'acme',
    page: ({ signal } = {}) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true })),
  });
  await vi.advanceTimersByTimeAsync(5 * minuteMs);
  expect(running.health().state).toBe('polling');
  await vi.advanceTimersByTimeAsync(1);
  expect(running.health().state).toBe('stale');
  controller.abort();
  await ended;
});

// 10: https://github.com/grafana/loki/issues/5157
test('a poller recovers by itself from fifty connection resets in a row', async () => {
  vi.useFakeTimers({ now: startMs });
  const fake = fakePlanetScale({ ...credentials, events: numbered(3) });
  fake.failNext(...Array.from({ length: 50 }, () => ({ network: 'reset' }) as const));
  const { running, delivered, controller, ended } = pollInBackground(clientOf(fake));
  await vi.advanceTimersByTimeAsync(6 * hourMs);
  expect(delivered).toEqual(ids(numbered(3)));
  expect(running.health()).toMatchObject({ state: 'idle', consecutiveFailures: 0 });
  controller.abort();
  await ended;
});

// 11: https://github.com/elastic/beats/issues/33999
test('a poller fails after one attempt on a 403, and makes no hot loop', async () => {
  vi.useFakeTimers({ now: startMs });
  const fake = fakePlanetScale({ ...credentials, events: numbered(3), missingPermissionStatus: 403 });
  const { ended } = pollInBackground(clientOf(fake, 4));
  await vi.advanceTimersByTimeAsync(hourMs);
  await expect(ended).rejects.toMatchObject({ name: 'AuditApiError', status: 403 });
  expect(fake.requests).toHaveLength(1);
});

// 12: https://github.com/elastic/beats/issues/47423
describe('a Retry-After', () => {
  test.each([
    ['30', 30_000],
    ['1.5', 1500],
    ['Sun, 01 Nov 2026 00:00:20 GMT', 20_000],
    [undefined, 0],
    ['0', 0],
    ['-5', 0],
    ['3600', hourMs],
    ['1e9', hourMs],
    ['1793000000', hourMs],
    ['Fri, 31 Dec 9999 23:59:59 GMT', hourMs],
  ])('delays the next request once, by exactly its wait, up to an hour: %s', async (retryAfter, minWaitMs) => {
    vi.useFakeTimers({ now: startMs });
    const fake = fakePlanetScale({ ...credentials, events: numbered(3) });
    fake.failNext({ status: 429, headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter } });
    const { delivered, controller, ended } = pollInBackground(clientOf(fake, 4));
    await vi.advanceTimersByTimeAsync(Math.max(0, minWaitMs - 1));
    expect(fake.requests.length).toBe(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(delivered).toEqual(ids(numbered(3)));
    controller.abort();
    await ended;
  });
});

// 16: https://github.com/ConduitIO/conduit/issues/2677
test('a poller never moves its cursor ahead of a slow consumer that was killed, and redelivers the unfinished events', async () => {
  const served = await serveAt({ events: numbered(250) });
  const store = memoryCursorStore();
  const killed = drain(served, { store, startFrom: 'oldest' }).batches();
  const finished = (await killed.next()).value ?? [];
  const inFlight = (await killed.next()).value ?? [];
  // The process is gone: nothing requests another event, and nothing ends the iteration.
  const rest = await collect(drain(served, { store }));
  expect(ids(rest.slice(0, inFlight.length))).toEqual(ids(inFlight));
  expect(ids([...finished, ...rest])).toEqual(ids(numbered(250)));
});

// 17: https://github.com/snowplow/enrich/issues/649
test('one of two pollers on the same key stops, and neither moves the cursor back', async () => {
  const served = await serveAt({ events: numbered(250), pageSize: 50 });
  const inner = memoryCursorStore();
  const anchors: number[] = [];
  const store: CursorStore = {
    ...inner,
    compareAndSet: async (name, expected, next) => {
      const isSaved = await inner.compareAndSet(name, expected, next);
      const newest = decodeState(next)?.anchors[0]?.[0];
      if (isSaved && newest !== undefined) anchors.push(Number(newest.slice('event'.length)));
      return isSaved;
    },
  };
  const options = { store, startFrom: 'oldest' } as const;
  await collect(drain(served, { ...options, signal: AbortSignal.abort() }));
  const runs = await Promise.all([iterate(drain(served, options)), iterate(drain(served, options))]);
  const losers = runs.filter(({ error }) => error !== undefined);
  expect(losers).toMatchObject([{ error: { name: 'CursorConflictError', retryable: false } }]);
  expect(new Set(runs.flatMap(({ delivered }) => delivered))).toEqual(new Set(ids(numbered(250))));
  expect(anchors).toEqual(anchors.toSorted((a, b) => a - b));
  expect(await collect(drain(served, options))).toEqual([]);
});

// 18: https://github.com/tulios/kafkajs/issues/28
test('a poller commits every finished event when a signal ends it in the middle of a batch', async () => {
  const served = await serveAt({ events: numbered(100) });
  const store = memoryCursorStore();
  const terminate = new AbortController();
  const finished: string[] = [];
  for await (const { id } of drain(served, { store, startFrom: 'oldest', signal: terminate.signal })) {
    finished.push(id);
    if (finished.length === 37) terminate.abort();
  }
  const rest = ids(await collect(drain(served, { store })));
  expect([...finished, ...rest]).toEqual(ids(numbered(100)));
});

// 19: https://github.com/elastic/integrations/issues/8163
test.each([
  ['other actions', { actions: ['database.deleted'] }, 'acme'],
  ['another organization', {}, 'globex'],
])(
  'a poller with %s refuses to start on the saved state of another poller, and names the key',
  async (_, change, organization) => {
    const events = numbered(3);
    const store = memoryCursorStore();
    const options = { store, key: 'one key', startFrom: 'oldest', drain: true } as const;
    const source = sourceOf(fakePlanetScale({ ...credentials, events }));
    await collect(poller(source, options));
    const other = { organization, page: source.page };
    const { delivered, error } = await iterate(poller(other, { ...options, ...change }));
    expect(delivered).toEqual([]);
    expect(error).toMatchObject({ name: 'AuditConfigError', message: expect.stringContaining('"one key"') });
  },
);

// 20: https://github.com/firezone/firezone/issues/14132
test('a poller never skips an invalid event, but stops at the event or gives it to onInvalidEvent', async () => {
  const unreadable = { id: 'unreadable00', created_at: '2026-11-01T00:00:30Z' };
  const [below, above] = numbered(2, startMs);
  const served = await serveAt();
  served.fake.failNext(listOf([above, unreadable, below]), listOf([above, unreadable, below]));
  const store = memoryCursorStore();
  const stopped = await iterate(drain(served, { store, startFrom: 'oldest' }));
  expect(stopped).toMatchObject({ delivered: [], error: { invalidEvents: [{ rawJson: JSON.stringify(unreadable) }] } });
  const parked: string[] = [];
  const client = served.client({ onInvalidEvent: ({ id }) => void parked.push(id ?? '') });
  const second = await iterate(poller(client, { store, startFrom: 'oldest', drain: true }));
  expect(second.delivered).toEqual([below?.id, above?.id]);
  expect(parked).toEqual(['unreadable00']);
});

// 21: https://github.com/jaredwray/keyv/issues/1472
describe('a store whose backend is down', () => {
  const working = async () => {
    const served = await serveAt({ events: numbered(20) });
    const store = new Map<string, string>();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    return { served, store };
  };

  test('causes no first run if it throws', async () => {
    const { served } = await working();
    const store = { get: () => Promise.reject(new Error('ECONNREFUSED')), set: () => {} };
    expect(await iterate(drain(served, { store, startFrom: 'oldest' }))).toMatchObject({
      delivered: [],
      error: { name: 'CursorStoreError', retryable: true },
    });
  });

  test('causes no first run if it hides the errors of its reads and writes', async () => {
    const { served } = await working();
    const store = { get: () => undefined, set: () => {} };
    expect(await iterate(drain(served, { store, startFrom: 'oldest' }))).toMatchObject({
      delivered: [],
      error: { name: 'CursorStoreError', retryable: false, message: expect.stringContaining('throwOnErrors') },
    });
  });
});

// 23
test("a poller with startFrom 'now' delivers the first event of an organization that was empty at the first poll", async () => {
  const served = await serveAt();
  const store = memoryCursorStore();
  expect(await collect(drain(served, { store, startFrom: 'now' }))).toEqual([]);
  const [event] = served.fake.add({ audit_action: 'database.created' });
  expect(ids(await collect(drain(served, { store, startFrom: 'now' })))).toEqual([event?.id]);
});

// 24: https://github.com/elastic/beats/issues/30693
test('a poll that finds nothing makes one request and no write', async () => {
  const served = await serveAt({ events: numbered(99) });
  const store = memoryCursorStore();
  await collect(drain(served, { store, startFrom: 'oldest' }));
  const [requestsBefore, stored] = [served.fake.requests.length, await store.get(defaultKey)];
  await collect(drain(served, { store }));
  expect(served.fake.requests.length - requestsBefore).toBe(1);
  expect(await store.get(defaultKey)).toBe(stored);
});

// 25
test('a poller delivers every event below a backdated event at the head of the list', async () => {
  const served = await serveAt({ events: numbered(20), order: 'added', pageSize: 10 });
  const store = memoryCursorStore();
  await collect(drain(served, { store, startFrom: 'oldest' }));
  const below = served.fake.add(
    ...numbered(35, served.clock.ms).map((event, index) => ({ ...event, id: `new${index}` })),
  );
  served.fake.add({ id: 'backdated000', created_at: '2020-01-01T00:00:00Z' });
  expect(ids(await collect(drain(served, { store })))).toEqual([...ids(below), 'backdated000']);
});

test('a poller waits out a network error of a custom source like one of the client', async () => {
  vi.useFakeTimers({ now: startMs });
  const inner = sourceOf(fakePlanetScale({ ...credentials, events: numbered(3) }));
  let failures = 3;
  const source: AuditSource = {
    organization: 'acme',
    page: async (query) => {
      if (failures-- > 0) throw new AuditConnectionError('reset');
      return inner.page(query);
    },
  };
  const { delivered, controller, ended } = pollInBackground(source);
  await vi.advanceTimersByTimeAsync(minuteMs);
  expect(delivered).toHaveLength(3);
  controller.abort();
  await ended;
});
