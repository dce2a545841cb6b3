import { getEventListeners } from 'node:events';
import { PlanetScaleAuditClient, poller } from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { credentials, failure, numbered } from '../support/served.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const setUp = (options = {}) => {
  const fake = fakePlanetScale({ ...credentials, events: numbered(3) });
  const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, fetch: fake.fetch, ...options });
  return { fake, client };
};

const gaps = (requests: readonly { readonly at: number }[]): number[] =>
  requests.slice(1).map(({ at }, index) => at - (requests[index]?.at ?? 0));

test.each([
  [0, [0, 0, 0, 0, 0, 0, 0, 0]],
  [0.5, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]],
  [0.999, [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]],
])('a client waits a random part, here %d, of a limit that doubles up to 20 s', async (part, waits) => {
  vi.spyOn(Math, 'random').mockReturnValue(part);
  const { fake, client } = setUp({ retries: waits.length });
  fake.failNext(...waits.map(() => ({ status: 500 })));
  const page = client.page();
  await vi.advanceTimersByTimeAsync(120_000);
  await page;
  const seen = gaps(fake.requests);
  expect(seen).toHaveLength(waits.length);
  for (const [index, wait] of waits.entries()) {
    expect(seen[index]).toBeLessThanOrEqual(wait + 1); // ky adds a timer of its own, of a millisecond.
    expect(seen[index]).toBeGreaterThanOrEqual(Math.floor(wait * 0.99));
  }
});

test('a client waits for a Retry-After of a minute', async () => {
  const { fake, client } = setUp();
  fake.failNext({ status: 429, headers: { 'retry-after': '60' } });
  const page = client.page();
  await vi.advanceTimersByTimeAsync(60_000);
  expect((await page).events).toHaveLength(3);
  expect(gaps(fake.requests)).toEqual([60_000]);
});

test('a client rejects at once for a Retry-After of more than a minute, with an error that carries it', async () => {
  const { fake, client } = setUp();
  fake.failNext({ status: 429, headers: { 'retry-after': '60.1' } });
  expect(await failure(client.page())).toMatchObject({ status: 429, retryAfterMs: 60_100 });
  expect(fake.requests).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('a Retry-After pauses all requests of a client', async () => {
  const { fake, client } = setUp({ retries: 0 });
  fake.failNext({ status: 429, headers: { 'retry-after': '30' } });
  expect(await failure(client.page())).toMatchObject({ retryAfterMs: 30_000 });
  const controller = new AbortController();
  const others = [client.page(), client.verifyAccess()];
  const aborted = failure(client.page({ signal: controller.signal }));
  await vi.advanceTimersByTimeAsync(29_999);
  expect(fake.requests).toHaveLength(1);
  controller.abort('too long');
  expect(await aborted).toBe('too long');
  await vi.advanceTimersByTimeAsync(1);
  await Promise.all(others);
  expect(fake.requests).toHaveLength(3);
});

test('waits for the rate limit and for Retry-After leave no listener on the signal', async () => {
  const { fake, client } = setUp({ requestsPerMinute: 1 });
  const { signal } = new AbortController();
  for (let round = 0; round < 20; round++) {
    fake.failNext({ status: 429, headers: { 'retry-after': '50' } });
    const page = client.page({ signal });
    await vi.advanceTimersByTimeAsync(120_000);
    await page;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  }
});

test('a poller has at most one listener on its signal, however long it polls', async () => {
  const { client } = setUp();
  const controller = new AbortController();
  const { signal } = controller;
  const batches = poller(client, { store: new Map(), signal }).batches();
  expect((await batches.next()).value).toHaveLength(3);
  const next = batches.next();
  for (let poll = 0; poll < 20; poll++) {
    await vi.advanceTimersByTimeAsync(66_000);
    expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1);
  }
  controller.abort();
  expect(await next).toMatchObject({ done: true });
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  expect(vi.getTimerCount()).toBe(0);
});
