import { PlanetScaleAuditClient } from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { collect, credentials, failure, numbered } from '../support/served.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const minuteMs = 60_000;

const setUp = (requestsPerMinute: number, pages: number) => {
  const fake = fakePlanetScale({ ...credentials, events: numbered(pages), pageSize: 1 });
  const client = new PlanetScaleAuditClient({
    organization: 'acme',
    ...credentials,
    fetch: fake.fetch,
    requestsPerMinute,
  });
  return { fake, client };
};

/** The maximum number of requests within any 60 seconds. */
const maxRequestsInAMinute = (requests: readonly { readonly at: number }[]): number =>
  Math.max(
    ...requests.map(({ at: start }) => requests.filter(({ at }) => at >= start && at < start + minuteMs).length),
  );

test('an export starts requestsPerMinute requests at once, and no more in any minute', async () => {
  const { fake, client } = setUp(10, 35);
  const events = collect(client.events());
  await vi.advanceTimersByTimeAsync(0);
  expect(fake.requests).toHaveLength(10);
  await vi.advanceTimersByTimeAsync(3 * minuteMs);
  expect(await events).toHaveLength(35);
  expect(maxRequestsInAMinute(fake.requests)).toBe(10);
});

test('iterations, retries and verifyAccess of one client share its rate limit', async () => {
  const { fake, client } = setUp(5, 6);
  fake.failNext({ status: 503 }, { status: 503 });
  const all = Promise.all([collect(client.events()), client.verifyAccess(), collect(client.events()), client.page()]);
  await vi.advanceTimersByTimeAsync(10 * minuteMs);
  await all;
  expect(fake.requests).toHaveLength(6 + 1 + 6 + 1 + 2);
  expect(maxRequestsInAMinute(fake.requests)).toBeLessThanOrEqual(5);
});

test('two clients do not share a rate limit', async () => {
  const first = setUp(1, 1);
  const second = setUp(1, 1);
  await Promise.all([first.client.page(), second.client.page()]);
});

test('a request that waits for the rate limit rejects at once after an abort, with its reason', async () => {
  const { fake, client } = setUp(1, 3);
  await client.page();
  const controller = new AbortController();
  const waiting = failure(client.page({ signal: controller.signal }));
  const behind = client.page();
  await vi.advanceTimersByTimeAsync(1000);
  controller.abort('too slow');
  expect(await waiting).toBe('too slow');
  expect(fake.requests).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(minuteMs - 1000);
  await behind;
});

test('a wait for the rate limit does not count towards the timeout', async () => {
  const { client } = setUp(1, 3);
  await client.page();
  const second = client.page();
  await vi.advanceTimersByTimeAsync(minuteMs);
  expect((await second).events).toHaveLength(1);
});

test('a client starts at most 600 requests a minute by default', async () => {
  const fake = fakePlanetScale({ ...credentials, events: numbered(700), pageSize: 1 });
  const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, fetch: fake.fetch });
  const events = collect(client.events());
  await vi.advanceTimersByTimeAsync(0);
  expect(fake.requests).toHaveLength(600);
  await vi.advanceTimersByTimeAsync(minuteMs);
  await events;
});
