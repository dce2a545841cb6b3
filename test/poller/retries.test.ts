import {
  AuditApiError,
  AuditConnectionError,
  type AuditSource,
  type CursorStore,
  memoryCursorStore,
  PlanetScaleAuditClient,
  poller,
} from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { decodeState } from '../../src/poller/state.ts';
import { dayMs, hourMs, ids, minuteMs, pollInBackground, startMs } from '../support/polling.ts';
import { collect, credentials, numbered } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';
import { fakeWith } from './support.ts';

beforeEach(() => void vi.useFakeTimers({ now: startMs + dayMs }));
afterEach(() => void vi.useRealTimers());

describe('an error while polling', () => {
  test('is waited out if it is retryable, with a notice for each attempt', async () => {
    const fake = fakeWith(3);
    fake.failNext(...Array.from({ length: 50 }, () => ({ status: 502 })));
    const { delivered, notices, running, controller, ended } = pollInBackground(sourceOf(fake));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(running.health()).toMatchObject({ state: 'retrying' });
    expect(running.health().consecutiveFailures).toBeGreaterThan(2);
    await vi.advanceTimersByTimeAsync(6 * hourMs);
    expect(delivered).toHaveLength(3);
    expect(notices).toHaveLength(50);
    expect(notices[49]).toMatchObject({ type: 'retrying', attempt: 50 });
    expect(running.health()).toMatchObject({ state: 'idle', consecutiveFailures: 0 });
    controller.abort();
    await ended;
  });

  test('never causes a hot loop: fifty in a row take minutes', async () => {
    const fake = fakeWith(3);
    fake.failNext(...Array.from({ length: 50 }, () => ({ status: 502 })));
    const { controller, ended } = pollInBackground(sourceOf(fake));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(fake.requests.length).toBeLessThan(15);
    controller.abort();
    await ended;
  });

  test('is retried after growing waits if the list stays inconsistent, and not in a hot loop', async () => {
    const fake = fakeWith(150);
    const inner = sourceOf(fake);
    let isBroken = true;
    const source: AuditSource = {
      organization: 'acme',
      page: async (query) => {
        if (fake.requests.length === 1000) throw new Error('a hot loop'); // Without this, a hot loop would hang the test.
        if (isBroken && query?.startingAfter) throw new AuditApiError('no such cursor', { status: 404 });
        return inner.page(query);
      },
    };
    const { delivered, notices, controller, ended } = pollInBackground(source);
    await vi.advanceTimersByTimeAsync(hourMs);
    expect(delivered).toEqual([]);
    expect(fake.requests.length).toBeGreaterThan(10);
    expect(fake.requests.length).toBeLessThan(60); // The waits grow to 2.5 minutes on average.
    const retries = notices.filter(({ type }) => type === 'retrying');
    expect(retries).toMatchObject(retries.map((_, index) => ({ attempt: index + 1 })));
    const others = notices.filter(({ type }) => type !== 'retrying');
    expect(others).toEqual([{ type: 'inconsistent-list', message: expect.stringContaining('cursors with 404') }]);
    isBroken = false;
    await vi.advanceTimersByTimeAsync(5 * minuteMs);
    expect(delivered).toEqual(ids(numbered(150)));
    controller.abort();
    await ended;
  });

  test('reports an inconsistent list after three failures for one reason, even if the first failure had another', async () => {
    const inner = sourceOf(fakeWith(150));
    let failures = 0;
    const source: AuditSource = {
      organization: 'acme',
      page: async (query) => {
        if (!query?.startingAfter) return inner.page(query);
        throw new AuditApiError('no such cursor', { status: ++failures === 1 ? 410 : 404 });
      },
    };
    const { notices, controller, ended } = pollInBackground(source);
    await vi.advanceTimersByTimeAsync(hourMs);
    controller.abort();
    await ended;
    const reports = notices.filter(({ type }) => type === 'inconsistent-list');
    expect(reports).toEqual([{ type: 'inconsistent-list', message: expect.stringContaining('404') }]);
    expect(notices.findIndex(({ type }) => type === 'inconsistent-list')).toBe(3); // After the notices of three retries.
  });

  test('that onNotice throws ends the poller, even if it looks like a failed request', async () => {
    const inner = sourceOf(fakeWith(150));
    const source: AuditSource = {
      organization: 'acme',
      page: async (query) => ({ ...(await inner.page(query)), ...(query?.startingAfter && { servedAt: new Date(0) }) }),
    };
    const error = new AuditApiError('the pager is down', { status: 404 });
    const { ended } = pollInBackground(source, {
      onNotice: ({ type }) => {
        if (type === 'clock-skew') throw error;
      },
    });
    await expect(ended).rejects.toBe(error);
  });

  test('is not retried before its Retry-After, but at the latest after an hour', async () => {
    const fake = fakeWith(3);
    const inner = sourceOf(fake);
    let requests = 0;
    const source = {
      organization: 'acme',
      page: async (query: Parameters<typeof inner.page>[0]) => {
        if (++requests === 1) throw new AuditApiError('slow down', { status: 429, retryAfterMs: 30 * dayMs });
        return inner.page(query);
      },
    };
    const { delivered, notices, controller, ended } = pollInBackground(source);
    await vi.advanceTimersByTimeAsync(hourMs - 1);
    expect(requests).toBe(1);
    expect(notices).toMatchObject([{ type: 'retrying', delayMs: hourMs, error: { retryAfterMs: 30 * dayMs } }]);
    await vi.advanceTimersByTimeAsync(1);
    expect(delivered).toHaveLength(3);
    controller.abort();
    await ended;
  });

  test('does not lengthen the look-back if its Retry-After is an hour', async () => {
    const fake = fakeWith(1);
    const inner = sourceOf(fake);
    let requests = 0;
    const source = {
      organization: 'acme',
      page: async (query: Parameters<typeof inner.page>[0]) => {
        if (++requests === 2) throw new AuditApiError('away', { status: 503, retryAfterMs: hourMs });
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
    const { delivered, controller, ended } = pollInBackground(source, { store: noting, intervalMs: hourMs });
    await vi.advanceTimersByTimeAsync(1.2 * hourMs);
    for (let left = 20; left > 0; left--) {
      fake.add({ audit_action: 'database.created' });
      await vi.advanceTimersByTimeAsync(minuteMs);
    }
    await vi.advanceTimersByTimeAsync(hourMs);
    controller.abort();
    await ended;
    expect(delivered).toHaveLength(21);
    expect(new Set(seen)).toEqual(new Set([0]));
  });

  test('is retried after a wait if a custom source gives it a Retry-After of NaN', async () => {
    let requests = 0;
    const source = {
      organization: 'acme',
      page: async () => {
        if (++requests === 1000) throw new Error('a hot loop');
        throw new AuditApiError('slow down', { status: 429, retryAfterMs: Number.NaN });
      },
    };
    const { controller, ended } = pollInBackground(source);
    await vi.advanceTimersByTimeAsync(hourMs);
    expect(requests).toBeLessThan(50);
    controller.abort();
    await ended;
  });

  test('is not retried by the client if its Retry-After is more than a minute, and the poller waits it out', async () => {
    const fake = fakeWith(3);
    fake.failNext({ status: 429, headers: { 'retry-after': '3600' } });
    const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, retries: 4, fetch: fake.fetch });
    const { delivered, notices, controller, ended } = pollInBackground(client);
    await vi.advanceTimersByTimeAsync(hourMs - 1);
    expect(fake.requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(delivered).toHaveLength(3);
    expect(notices).toMatchObject([
      { type: 'retrying', delayMs: hourMs, error: { status: 429, retryAfterMs: hourMs } },
    ]);
    controller.abort();
    await ended;
  });

  test.each([401, 403, 404])('ends the poller after one attempt if its status is %s', async (status) => {
    const fake = fakeWith(3);
    fake.failNext({ status });
    const { ended } = pollInBackground(sourceOf(fake));
    await expect(ended).rejects.toMatchObject({ name: 'AuditApiError', status });
    expect(fake.requests).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is thrown at once with drain, after the acknowledged events have been committed', async () => {
    const fake = fakePlanetScale({ ...credentials, events: numbered(200), pageSize: 2 });
    const store = memoryCursorStore();
    const inner = sourceOf(fake);
    let requests = 0;
    const source = {
      organization: 'acme',
      page: async (query: Parameters<typeof inner.page>[0]) => {
        // 100 requests for the scan; then the poller refetches the 49 pages that it does not buffer.
        if (++requests === 110) throw new AuditConnectionError('reset');
        return inner.page(query);
      },
    };
    const delivered: string[] = [];
    const run = async () => {
      for await (const { id } of poller(source, { store, startFrom: 'oldest', drain: true })) delivered.push(id);
    };
    await expect(run()).rejects.toMatchObject({ name: 'AuditConnectionError' });
    expect(delivered.length).toBeGreaterThan(100);
    const rest = await collect(poller(inner, { store, drain: true }));
    expect([...delivered, ...rest.map(({ id }) => id)]).toEqual(numbered(200).map(({ id }) => id));
  });

  test('is thrown as it is if its class is not one of the library', async () => {
    const source = { organization: 'acme', page: () => Promise.reject(new TypeError('a bug in a wrapper')) };
    await expect(collect(poller(source, { store: new Map() }))).rejects.toThrow(new TypeError('a bug in a wrapper'));
  });

  test('ends the poller if onNotice throws it', async () => {
    const fake = fakeWith(3);
    fake.failNext({ status: 500 });
    const { ended } = pollInBackground(sourceOf(fake), { onNotice: () => Promise.reject(new Error('pager is down')) });
    await expect(ended).rejects.toThrow('pager is down');
  });
});
