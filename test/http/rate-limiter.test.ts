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

/** The most requests that came within any 60 seconds. */
const busiestMinute = (requests: readonly { readonly at: number }[]): number =>
  Math.max(
    ...requests.map(({ at: start }) => requests.filter(({ at }) => at >= start && at < start + minuteMs).length),
  );

test('an export begins at once with as many requests as a minute may have, and never has more in any minute', async () => {
  const { fake, client } = setUp(10, 35);
  const events = collect(client.events());
  await vi.advanceTimersByTimeAsync(0);
  expect(fake.requests).toHaveLength(10);
  await vi.advanceTimersByTimeAsync(3 * minuteMs);
  expect(await events).toHaveLength(35);
  expect(busiestMinute(fake.requests)).toBe(10);
});

test('the pace is shared by all that a client does: iterations side by side, retries, and the check of its access', async () => {
  const { fake, client } = setUp(5, 6);
  fake.failNext({ status: 503 }, { status: 503 });
  const all = Promise.all([collect(client.events()), client.verifyAccess(), collect(client.events()), client.page()]);
  await vi.advanceTimersByTimeAsync(10 * minuteMs);
  await all;
  expect(fake.requests).toHaveLength(6 + 1 + 6 + 1 + 2);
  expect(busiestMinute(fake.requests)).toBeLessThanOrEqual(5);
});

test('two clients have a pace each', async () => {
  const first = setUp(1, 1);
  const second = setUp(1, 1);
  await Promise.all([first.client.page(), second.client.page()]);
});

test('a request that waits for its turn ends with an abort, at once and with its reason', async () => {
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

test('waiting for a turn does not count towards the timeout', async () => {
  const { client } = setUp(1, 3);
  await client.page();
  const second = client.page();
  await vi.advanceTimersByTimeAsync(minuteMs);
  expect((await second).events).toHaveLength(1);
});

test('the documented limit of 600 is the default', async () => {
  const fake = fakePlanetScale({ ...credentials, events: numbered(700), pageSize: 1 });
  const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, fetch: fake.fetch });
  const events = collect(client.events());
  await vi.advanceTimersByTimeAsync(0);
  expect(fake.requests).toHaveLength(600);
  await vi.advanceTimersByTimeAsync(minuteMs);
  await events;
});
