import { getEventListeners } from 'node:events';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  AuditApiError,
  AuditConfigError,
  AuditConnectionError,
  type AuditSource,
  type CursorStore,
  memoryCursorStore,
  PlanetScaleAuditClient,
  type PollerOptions,
  poller,
} from 'planetscale-audit';
import { type FakePlanetScale, fakePlanetScale } from 'planetscale-audit/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { decodeState } from '../../src/poller/state.ts';
import { ids, runOn } from '../support/polling.ts';
import { collect, credentials, numbered } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const startMs = Date.parse('2026-11-02T00:00:00Z');

beforeEach(() => void vi.useFakeTimers({ now: startMs }));
afterEach(() => void vi.useRealTimers());

const start = (fake: FakePlanetScale, options: Partial<PollerOptions> = {}, source: AuditSource = sourceOf(fake)) =>
  runOn(source, options);

const fakeWith = (count: number) => fakePlanetScale({ ...credentials, events: numbered(count) });

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');
const heapBytes = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed;
};

describe('a poller that runs on', () => {
  test('gives what comes while it runs, and asks once an interval, give or take a tenth', async () => {
    const fake = fakeWith(3);
    const { given, controller, ended } = start(fake);
    await vi.advanceTimersByTimeAsync(1);
    expect(given).toHaveLength(3);
    fake.add({ id: 'newcomer0000' });
    await vi.advanceTimersByTimeAsync(66_001);
    expect(given.at(-1)).toBe('newcomer0000');
    await vi.advanceTimersByTimeAsync(100 * minuteMs);
    const waits = fake.requests.slice(1).map(({ at }, index) => at - (fake.requests[index]?.at ?? 0));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(54_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(66_000);
    expect(new Set(waits).size).toBeGreaterThan(10);
    controller.abort();
    await ended;
  });

  test('with nothing new for a day asks once an interval, writes once an hour, and holds no more memory', async () => {
    const store = memoryCursorStore();
    const compareAndSet = vi.fn(store.compareAndSet);
    const fake = fakeWith(99);
    const { controller, ended } = start(fake, { store: { ...store, compareAndSet } });
    await vi.advanceTimersByTimeAsync(hourMs);
    compareAndSet.mockClear();
    const asked = fake.requests.length;
    const heapBefore = heapBytes();
    await vi.advanceTimersByTimeAsync(24 * hourMs);
    expect(heapBytes() - heapBefore).toBeLessThan(4 * 2 ** 20); // With a page left by each poll it would be 30 MiB.
    expect(compareAndSet.mock.calls.length).toBeLessThanOrEqual(24);
    expect(compareAndSet.mock.calls.length).toBeGreaterThanOrEqual(22);
    expect(fake.requests.length - asked).toBeLessThanOrEqual(24 * 60 * 1.1);
    expect(fake.requests.length - asked).toBeGreaterThanOrEqual(24 * 60 * 0.9);
    controller.abort();
    await ended;
  });

  test('ends quietly when its signal is aborted, and leaves no timer and no listener', async () => {
    const fake = fakeWith(3);
    const { controller, ended, running } = start(fake);
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    controller.abort();
    await ended;
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    const asked = fake.requests.length;
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    expect(fake.requests).toHaveLength(asked);
    expect(running.health().state).toBe('stopped');
  });

  test('aborted while an event is in hand gives no more, and has that event done when it is asked for the next', async () => {
    const fake = fakeWith(5);
    const store = memoryCursorStore();
    const controller = new AbortController();
    const source = sourceOf(fake);
    const seen: string[] = [];
    for await (const { id } of poller(source, { store, startFrom: 'oldest', signal: controller.signal })) {
      seen.push(id);
      if (seen.length === 2) controller.abort();
    }
    expect(seen).toEqual(['event0000000', 'event0000001']);
    const rest = await collect(poller(source, { store, drain: true }));
    expect(rest.map(({ id }) => id)).toEqual(['event0000002', 'event0000003', 'event0000004']);
  });

  test('whose signal is aborted already asks for nothing', async () => {
    const fake = fakeWith(5);
    expect(await collect(poller(sourceOf(fake), { store: new Map(), signal: AbortSignal.abort() }))).toEqual([]);
    expect(fake.requests).toHaveLength(0);
  });
});

describe('an error', () => {
  test('that may pass is waited out, with a notice for each attempt', async () => {
    const fake = fakeWith(3);
    fake.failNext(...Array.from({ length: 50 }, () => ({ status: 502 })));
    const { given, notices, running, controller, ended } = start(fake);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(running.health()).toMatchObject({ state: 'retrying' });
    expect(running.health().consecutiveFailures).toBeGreaterThan(2);
    await vi.advanceTimersByTimeAsync(6 * hourMs);
    expect(given).toHaveLength(3);
    expect(notices).toHaveLength(50);
    expect(notices[49]).toMatchObject({ type: 'retrying', attempt: 50 });
    expect(running.health()).toMatchObject({ state: 'idle', consecutiveFailures: 0 });
    controller.abort();
    await ended;
  });

  test('never makes a hot loop: fifty in a row take minutes', async () => {
    const fake = fakeWith(3);
    fake.failNext(...Array.from({ length: 50 }, () => ({ status: 502 })));
    const { controller, ended } = start(fake);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(fake.requests.length).toBeLessThan(15);
    controller.abort();
    await ended;
  });

  test('in a list that never holds together is waited out with growing waits, and no hot loop either', async () => {
    const fake = fakeWith(150);
    const inner = sourceOf(fake);
    let isBroken = true;
    const source: AuditSource = {
      organization: 'acme',
      page: async (query) => {
        if (fake.requests.length === 1000) throw new Error('a hot loop'); // It would leave no time to a test either.
        if (isBroken && query?.startingAfter) throw new AuditApiError('no such cursor', { status: 404 });
        return inner.page(query);
      },
    };
    const { given, notices, controller, ended } = start(fake, {}, source);
    await vi.advanceTimersByTimeAsync(hourMs);
    expect(given).toEqual([]);
    expect(fake.requests.length).toBeGreaterThan(10);
    expect(fake.requests.length).toBeLessThan(60); // Half of 5 minutes a wait, once they have grown.
    const attempts = notices.map((notice) => notice.type === 'retrying' && notice.attempt);
    expect(attempts).toEqual(notices.map((_, index) => index + 1));
    isBroken = false;
    await vi.advanceTimersByTimeAsync(5 * minuteMs);
    expect(given).toEqual(ids(numbered(150)));
    controller.abort();
    await ended;
  });

  test('with a Retry-After is not tried again earlier, however long that is', async () => {
    const fake = fakeWith(3);
    const inner = sourceOf(fake);
    let asked = 0;
    const thirtyDaysMs = 30 * 24 * hourMs; // More than one timer can hold.
    const source = {
      organization: 'acme',
      page: async (query: Parameters<typeof inner.page>[0]) => {
        if (++asked === 1) throw new AuditApiError('slow down', { status: 429, retryAfterMs: thirtyDaysMs });
        return inner.page(query);
      },
    };
    const { given, controller, ended } = start(fake, {}, source);
    await vi.advanceTimersByTimeAsync(thirtyDaysMs - 1);
    expect(asked).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(given).toHaveLength(3);
    controller.abort();
    await ended;
  });

  test('waited out for a day makes the look-back no longer', async () => {
    const fake = fakeWith(0);
    const inner = sourceOf(fake);
    const dayMs = 24 * hourMs;
    let asked = 0;
    const source = {
      organization: 'acme',
      page: async (query: Parameters<typeof inner.page>[0]) => {
        if (++asked === 2) throw new AuditApiError('away', { status: 503, retryAfterMs: dayMs });
        return inner.page(query);
      },
    };
    const seen: (number | undefined)[] = [];
    const store = new Map<string, string>();
    const noting: CursorStore = {
      get: (key) => store.get(key),
      set: (key, value) => {
        seen.push(decodeState(value)?.seen.length);
        store.set(key, value);
      },
    };
    const { given, controller, ended } = start(fake, { store: noting, intervalMs: hourMs }, source);
    await vi.advanceTimersByTimeAsync(2 * hourMs);
    for (let left = 20; left > 0; left--) {
      fake.add({ audit_action: 'database.created' });
      await vi.advanceTimersByTimeAsync(hourMs);
    }
    await vi.advanceTimersByTimeAsync(6 * hourMs);
    controller.abort();
    await ended;
    expect(given).toHaveLength(20);
    expect(new Set(seen)).toEqual(new Set([0]));
  });

  test('that asks for a wait of NaN, as a source may, is tried again after a wait all the same', async () => {
    let asked = 0;
    const source = {
      organization: 'acme',
      page: async () => {
        if (++asked === 1000) throw new Error('a hot loop would never end');
        throw new AuditApiError('slow down', { status: 429, retryAfterMs: Number.NaN });
      },
    };
    const { controller, ended } = start(fakeWith(0), {}, source);
    await vi.advanceTimersByTimeAsync(hourMs);
    expect(asked).toBeLessThan(50);
    controller.abort();
    await ended;
  });

  test('with a Retry-After beyond a minute is handed on by the client, whose retries would be too early, and waited out', async () => {
    const fake = fakeWith(3);
    fake.failNext({ status: 429, headers: { 'retry-after': '3600' } });
    const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, retries: 4, fetch: fake.fetch });
    const { given, notices, controller, ended } = start(fake, {}, client);
    await vi.advanceTimersByTimeAsync(hourMs - 1);
    expect(fake.requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(given).toHaveLength(3);
    expect(notices).toMatchObject([
      { type: 'retrying', delayMs: hourMs, error: { status: 429, retryAfterMs: hourMs } },
    ]);
    controller.abort();
    await ended;
  });

  test.each([401, 403, 404])('%s ends it after one attempt', async (status) => {
    const fake = fakeWith(3);
    fake.failNext({ status });
    const { ended } = start(fake);
    await expect(ended).rejects.toMatchObject({ name: 'AuditApiError', status });
    expect(fake.requests).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('with drain is thrown at once, after what is done has been committed', async () => {
    const fake = fakePlanetScale({ ...credentials, events: numbered(200), pageSize: 2 });
    const store = memoryCursorStore();
    const inner = sourceOf(fake);
    let asked = 0;
    const source = {
      organization: 'acme',
      page: async (query: Parameters<typeof inner.page>[0]) => {
        // 100 requests down, then up again: the 49 pages between those that are held.
        if (++asked === 110) throw new AuditConnectionError('reset');
        return inner.page(query);
      },
    };
    const given: string[] = [];
    const run = async () => {
      for await (const { id } of poller(source, { store, startFrom: 'oldest', drain: true })) given.push(id);
    };
    await expect(run()).rejects.toMatchObject({ name: 'AuditConnectionError' });
    expect(given.length).toBeGreaterThan(100);
    const rest = await collect(poller(inner, { store, drain: true }));
    expect([...given, ...rest.map(({ id }) => id)]).toEqual(numbered(200).map(({ id }) => id));
  });

  test('that is none of ours is thrown on', async () => {
    const source = { organization: 'acme', page: () => Promise.reject(new TypeError('a bug in a wrapper')) };
    await expect(collect(poller(source, { store: new Map() }))).rejects.toThrow(new TypeError('a bug in a wrapper'));
  });

  test('thrown by onNotice ends the poller', async () => {
    const fake = fakeWith(3);
    fake.failNext({ status: 500 });
    const { ended } = start(fake, { onNotice: () => Promise.reject(new Error('pager is down')) });
    await expect(ended).rejects.toThrow('pager is down');
  });
});

describe('health', () => {
  test('tells what is going on, from before the start to after the end', async () => {
    const fake = fakeWith(3);
    const controller = new AbortController();
    const running = poller(sourceOf(fake), { store: new Map(), startFrom: 'oldest', signal: controller.signal });
    const states = [running.health().state];
    for await (const { id } of running) {
      states.push(running.health().state);
      if (id === 'event0000002') controller.abort();
    }
    states.push(running.health().state);
    expect(states).toEqual(['not-started', 'polling', 'polling', 'polling', 'stopped']);
    expect(running.health()).toMatchObject({ processed: 3, lastEventAt: new Date('2026-11-01T00:00:02Z') });
  });

  test('counts each event when it is done, and not first at the end of its batch', async () => {
    const running = poller(sourceOf(fakeWith(3)), { store: new Map(), startFrom: 'oldest', drain: true });
    const counts: number[] = [];
    for await (const _ of running) counts.push(running.health().processed);
    expect(counts).toEqual([0, 1, 2]);
    expect(running.health()).toMatchObject({ processed: 3, consecutiveFailures: 0 });
  });

  test('reads failed after the error that ended the poller, and counts it', async () => {
    const fake = fakeWith(3);
    fake.failNext({ status: 403 });
    const { running, ended } = start(fake);
    await expect(ended).rejects.toThrow();
    expect(running.health()).toMatchObject({ state: 'failed', consecutiveFailures: 1 });
  });

  test('reads failed, not stopped, if the last save after an abort fails', async () => {
    const inner = memoryCursorStore();
    let isBroken = false;
    const breaking: CursorStore = {
      get: inner.get,
      set: (key, value) => (isBroken ? Promise.reject(new Error('disk is gone')) : inner.set(key, value)),
    };
    const controller = new AbortController();
    const running = poller(sourceOf(fakeWith(3)), { store: breaking, startFrom: 'oldest', signal: controller.signal });
    const consumed = (async () => {
      for await (const { id } of running) {
        if (id !== 'event0000001') continue;
        isBroken = true;
        controller.abort();
      }
    })();
    await expect(consumed).rejects.toThrow('The cursor store failed to write');
    expect(running.health()).toMatchObject({ state: 'failed', consecutiveFailures: 1 });
  });

  test('turns stale after five intervals without a completed scan', async () => {
    const fake = fakeWith(3);
    const { running, controller, ended } = start(fake);
    await vi.advanceTimersByTimeAsync(2 * minuteMs);
    expect(running.health()).toMatchObject({ state: 'idle' });
    fake.failNext(...Array.from({ length: 1000 }, () => ({ status: 500 })));
    await vi.advanceTimersByTimeAsync(7 * minuteMs);
    expect(running.health()).toMatchObject({ state: 'stale' });
    controller.abort();
    await ended;
  });

  test('does not call a poller stale whose consumer takes its time, then or after', async () => {
    const inner = memoryCursorStore();
    let saves = 0;
    const slow: CursorStore = {
      ...inner,
      async compareAndSet(key, expected, next) {
        if (++saves > 1) await new Promise((resolve) => setTimeout(resolve, 4 * minuteMs));
        return inner.compareAndSet(key, expected, next);
      },
    };
    const running = poller(sourceOf(fakeWith(1)), { store: slow, startFrom: 'oldest', drain: true });
    const states: string[] = [];
    const consumed = (async () => {
      for await (const _ of running) {
        await new Promise((resolve) => setTimeout(resolve, hourMs));
        states.push(running.health().state);
      }
    })();
    await vi.advanceTimersByTimeAsync(hourMs + 3 * minuteMs); // In the middle of the save.
    expect(saves).toBe(2);
    states.push(running.health().state);
    expect(states).toEqual(['polling', 'polling']);
    await vi.advanceTimersByTimeAsync(minuteMs);
    await consumed;
  });

  test('tells the time of the newest event, also where an older one is done after it', async () => {
    const events = [{ created_at: '2026-11-01T00:00:02Z' }, { created_at: '2026-11-01T00:00:01Z' }];
    const fake = fakePlanetScale({ ...credentials, order: 'added', events });
    const running = poller(sourceOf(fake), { store: new Map(), startFrom: 'oldest', drain: true });
    expect(await collect(running)).toHaveLength(2);
    expect(running.health().lastEventAt).toEqual(new Date('2026-11-01T00:00:02Z'));
  });
});

describe('options', () => {
  test.each([
    [{ store: undefined }, /store: must have the methods get and set/],
    [{ intervalMs: 0 }, /intervalMs: must be a number of milliseconds/],
    [{ intervalMs: Number.NaN }, /intervalMs: must be a number of milliseconds/],
    [{ lookbackMs: -1 }, /lookbackMs: must be a number of milliseconds/],
    [{ startFrom: { newest: -1 } }, /startFrom.newest: must be a whole number of events/],
    [{ startFrom: 'newest' }, /startFrom: must be 'oldest', 'now'/],
    [{ startFrom: { since: new Date('x') } }, /startFrom: must be 'oldest', 'now'/],
    [{ actions: [] }, /actions: must name an action, or be left out/],
    [{ key: '' }, /key: must not be empty/],
  ])('%j are an AuditConfigError that says what to do', (wrong, message) => {
    const options = { store: new Map(), ...wrong } as unknown as PollerOptions; // Wrong on purpose.
    expect(() => poller(sourceOf(fakeWith(0)), options)).toThrow(AuditConfigError);
    expect(() => poller(sourceOf(fakeWith(0)), options)).toThrow(message);
  });

  test.each([undefined, null, {}, { organization: 'acme' }, { page: () => {} }])(
    'a source that is %j is an AuditConfigError that says what to do',
    (wrong) => {
      const source = wrong as unknown as AuditSource; // Wrong on purpose.
      expect(() => poller(source, { store: new Map() })).toThrow(AuditConfigError);
      expect(() => poller(source, { store: new Map() })).toThrow(/must be a PlanetScaleAuditClient/);
    },
  );

  test('a second iteration beside the first is an AuditConfigError', async () => {
    const running = poller(sourceOf(fakeWith(3)), { store: new Map(), startFrom: 'oldest' });
    for await (const _ of running) {
      await expect(running.batches().next()).rejects.toThrow(AuditConfigError);
      break;
    }
    expect(await collect(poller(sourceOf(fakeWith(3)), { store: new Map(), drain: true }))).toHaveLength(3);
  });

  test('an iteration that begins while the one before is still saving its place is an AuditConfigError', async () => {
    const store = memoryCursorStore();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let saves = 0;
    const slow: CursorStore = {
      ...store,
      async compareAndSet(key, expected, next) {
        if (++saves > 1) await held;
        return store.compareAndSet(key, expected, next);
      },
    };
    const running = poller(sourceOf(fakeWith(5)), { store: slow, startFrom: 'oldest' });
    const first = running[Symbol.asyncIterator]();
    await first.next();
    await first.next();
    const ending = first.return();
    await vi.advanceTimersByTimeAsync(1);
    await expect(running.batches().next()).rejects.toThrow(AuditConfigError);
    release();
    await ending;
    expect((await running.batches().next()).value).toHaveLength(4);
  });

  test('without onNotice what wants attention is warned of, and the rest is not', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const fake = fakeWith(3);
    const store = memoryCursorStore();
    const options = { store, drain: true, startFrom: 'oldest' } as const;
    await collect(poller(sourceOf(fake), options));
    expect(warn).not.toHaveBeenCalled();
    for (const { id } of numbered(3)) fake.remove(id);
    vi.setSystemTime(startMs + 30 * 24 * hourMs);
    await collect(poller(sourceOf(fake), options));
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      'planetscale-audit: possible-gap',
      expect.objectContaining({ lastSeenId: 'event0000002' }),
    );
  });

  test('a poller shows nothing of the credentials', () => {
    const running = poller(sourceOf(fakeWith(0)), { store: new Map() });
    expect(inspect(running, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toContain(
      credentials.serviceToken,
    );
  });
});
