// What has gone wrong with other pollers, each with the thread where it was reported. The numbers that are not here are those of
// the file store: 13 to 15, 22 and 26 are in file-cursor-store*.test.ts.
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
test('a crash on page 3 of 5 skips nothing: all is given, oldest first', async () => {
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
test.each([101, 250, 10_000])('%i events between two polls are all given, oldest first', async (count) => {
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
  ['JSON cut short', { network: 'truncated' }],
  ['a proxy that answers with its own page', { status: 200, body: '<html>Bad gateway</html>' }],
])('%s in the middle of the pages skips nothing', async (_, failure) => {
  const events = numbered(50);
  const served = await serveAt({ events, pageSize: 10 });
  const store = memoryCursorStore();
  const source = changingBefore(3, served.client({ timeoutMs: 2000 }), () => served.fake.failNext(failure));
  const options = { store, startFrom: 'oldest', drain: true } as const;
  expect(await iterate(poller(source, options))).toMatchObject({ delivered: [], error: { retryable: true } });
  expect((await iterate(poller(source, options))).delivered).toEqual(ids(events));
});

// 4: https://github.com/airbytehq/airbyte/issues/15427
test('of 300 events in one second none is missing after a stop in the middle, and their times stay text', async () => {
  const created_at = '2026-11-01T00:00:00.123456Z';
  const served = await serveAt({ events: numbered(300).map((event) => ({ ...event, created_at })) });
  const store = memoryCursorStore();
  const first = await iterate(drain(served, { store, startFrom: 'oldest' }), 150);
  const second = await iterate(drain(served, { store }));
  expect([...first.delivered.slice(0, -1), ...second.delivered]).toEqual(ids(numbered(300)));
  expect((await savedState(store))?.anchors[0]?.[1]).toBe(created_at);
});

// 5: https://github.com/wazuh/wazuh/issues/13529, https://github.com/obelisk/plaid/issues/76
test('an event that becomes visible late, within the look-back, is given, and told of as late', async () => {
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
test('a place that retention has deleted is told of once, and the poller goes on within one scan', async () => {
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
  'a cursor that is answered with %i makes the scan begin again, and is no end',
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
  'a cursor that PlanetScale no longer knows, answered by %s, makes neither a loop nor a stall',
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
test('a poller whose scans do not come to their end is stale after five intervals, though it gives no error', async () => {
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
test('fifty resets in a row are lived through', async () => {
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
test('a 403 stops the poller after one attempt: no hot loop', async () => {
  vi.useFakeTimers({ now: startMs });
  const fake = fakePlanetScale({ ...credentials, events: numbered(3), missingPermissionStatus: 403 });
  const { ended } = pollInBackground(clientOf(fake, 4));
  await vi.advanceTimersByTimeAsync(hourMs);
  await expect(ended).rejects.toMatchObject({ name: 'AuditApiError', status: 403 });
  expect(fake.requests).toHaveLength(1);
});

// 12: https://github.com/elastic/beats/issues/47423
describe('a Retry-After is never cut short, and means one wait, not one of each layer', () => {
  test.each([
    ['30', 30_000],
    ['1.5', 1500],
    ['Sun, 01 Nov 2026 00:00:20 GMT', 20_000],
    [undefined, 0],
    ['0', 0],
    ['-5', 0],
    ['3600', hourMs],
    ['1e9', 1e12],
  ])('%s', async (retryAfter, toldMs) => {
    vi.useFakeTimers({ now: startMs });
    const fake = fakePlanetScale({ ...credentials, events: numbered(3) });
    fake.failNext({ status: 429, headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter } });
    const { delivered, controller, ended } = pollInBackground(clientOf(fake, 4));
    await vi.advanceTimersByTimeAsync(Math.max(0, toldMs - 1));
    expect(fake.requests.length).toBe(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(delivered).toEqual(ids(numbered(3)));
    controller.abort();
    await ended;
  });
});

// 16: https://github.com/ConduitIO/conduit/issues/2677
test('a slow consumer that is killed gets again what it has not finished: the cursor is never ahead of it', async () => {
  const served = await serveAt({ events: numbered(250) });
  const store = memoryCursorStore();
  const killed = drain(served, { store, startFrom: 'oldest' }).batches();
  const finished = (await killed.next()).value ?? [];
  const inHand = (await killed.next()).value ?? [];
  // Its process is gone: nobody asks it for more, and nobody ends it.
  const rest = await collect(drain(served, { store }));
  expect(ids(rest.slice(0, inHand.length))).toEqual(ids(inHand));
  expect(ids([...finished, ...rest])).toEqual(ids(numbered(250)));
});

// 17: https://github.com/snowplow/enrich/issues/649
test('of two pollers on one key the loser stops, and the cursor never goes back', async () => {
  const served = await serveAt({ events: numbered(250), pageSize: 50 });
  const inner = memoryCursorStore();
  const places: number[] = [];
  const store: CursorStore = {
    ...inner,
    compareAndSet: async (name, expected, next) => {
      const isSaved = await inner.compareAndSet(name, expected, next);
      const newest = decodeState(next)?.anchors[0]?.[0];
      if (isSaved && newest !== undefined) places.push(Number(newest.slice('event'.length)));
      return isSaved;
    },
  };
  const options = { store, startFrom: 'oldest' } as const;
  await collect(drain(served, { ...options, signal: AbortSignal.abort() }));
  const runs = await Promise.all([iterate(drain(served, options)), iterate(drain(served, options))]);
  const losers = runs.filter(({ error }) => error !== undefined);
  expect(losers).toMatchObject([{ error: { name: 'CursorConflictError', retryable: false } }]);
  expect(new Set(runs.flatMap(({ delivered }) => delivered))).toEqual(new Set(ids(numbered(250))));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(await collect(drain(served, options))).toEqual([]);
});

// 18: https://github.com/tulios/kafkajs/issues/28
test('a signal in the middle of a batch ends it with all committed that is finished', async () => {
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
])('a poller with %s refuses to start on the place of another, and says which key', async (_, change, organization) => {
  const events = numbered(3);
  const store = memoryCursorStore();
  const options = { store, key: 'one key', startFrom: 'oldest', drain: true } as const;
  const source = sourceOf(fakePlanetScale({ ...credentials, events }));
  await collect(poller(source, options));
  const other = { organization, page: source.page };
  const { delivered, error } = await iterate(poller(other, { ...options, ...change }));
  expect(delivered).toEqual([]);
  expect(error).toMatchObject({ name: 'AuditConfigError', message: expect.stringContaining('"one key"') });
});

// 20: https://github.com/firezone/firezone/issues/14132
test('an event that cannot be read stops the poller, or goes to onInvalidEvent: it is never skipped', async () => {
  const unreadable = { id: 'unreadable00', created_at: '2026-11-01T00:00:30Z' };
  const [below, above] = numbered(2, startMs);
  const served = await serveAt();
  served.fake.failNext(listOf([above, unreadable, below]), listOf([above, unreadable, below]));
  const store = memoryCursorStore();
  const stopped = await iterate(drain(served, { store, startFrom: 'oldest' }));
  expect(stopped).toMatchObject({ delivered: [], error: { invalidEvents: [{ rawJson: JSON.stringify(unreadable) }] } });
  const parked: string[] = [];
  const client = served.client({ onInvalidEvent: ({ id }) => void parked.push(id ?? '') });
  const went = await iterate(poller(client, { store, startFrom: 'oldest', drain: true }));
  expect(went.delivered).toEqual([below?.id, above?.id]);
  expect(parked).toEqual(['unreadable00']);
});

// 21: https://github.com/jaredwray/keyv/issues/1472
describe('a store whose backend is gone is never taken for an empty one', () => {
  const working = async () => {
    const served = await serveAt({ events: numbered(20) });
    const store = new Map<string, string>();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    return { served, store };
  };

  test('when it says so', async () => {
    const { served } = await working();
    const store = { get: () => Promise.reject(new Error('ECONNREFUSED')), set: () => {} };
    expect(await iterate(drain(served, { store, startFrom: 'oldest' }))).toMatchObject({
      delivered: [],
      error: { name: 'CursorStoreError', retryable: true },
    });
  });

  test('when it hides that, reading and writing', async () => {
    const { served } = await working();
    const store = { get: () => undefined, set: () => {} };
    expect(await iterate(drain(served, { store, startFrom: 'oldest' }))).toMatchObject({
      delivered: [],
      error: { name: 'CursorStoreError', retryable: false, message: expect.stringContaining('throwOnErrors') },
    });
  });
});

// 23
test("the first event of an organization that was empty at the first poll is given, with 'now' too", async () => {
  const served = await serveAt();
  const store = memoryCursorStore();
  expect(await collect(drain(served, { store, startFrom: 'now' }))).toEqual([]);
  const [event] = served.fake.add({ audit_action: 'database.created' });
  expect(ids(await collect(drain(served, { store, startFrom: 'now' })))).toEqual([event?.id]);
});

// 24: https://github.com/elastic/beats/issues/30693
test('a poll that finds nothing is one request, and no write', async () => {
  const served = await serveAt({ events: numbered(99) });
  const store = memoryCursorStore();
  await collect(drain(served, { store, startFrom: 'oldest' }));
  const [requestsBefore, stored] = [served.fake.requests.length, await store.get(defaultKey)];
  await collect(drain(served, { store }));
  expect(served.fake.requests.length - requestsBefore).toBe(1);
  expect(await store.get(defaultKey)).toBe(stored);
});

// 25
test('one backdated event at the head of the list hides nothing of what lies below it', async () => {
  const served = await serveAt({ events: numbered(20), order: 'added', pageSize: 10 });
  const store = memoryCursorStore();
  await collect(drain(served, { store, startFrom: 'oldest' }));
  const below = served.fake.add(
    ...numbered(35, served.clock.ms).map((event, index) => ({ ...event, id: `new${index}` })),
  );
  served.fake.add({ id: 'backdated000', created_at: '2020-01-01T00:00:00Z' });
  expect(ids(await collect(drain(served, { store })))).toEqual([...ids(below), 'backdated000']);
});

test('an error of the network that a source makes is waited out like one of the client', async () => {
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
