import {
  AuditConfigError,
  AuditConnectionError,
  createRateLimiter,
  PlanetScaleAuditClient,
  type PlanetScaleAuditClientOptions,
  type RateLimiter,
} from 'planetscale-audit';
import { type FakePlanetScale, fakePlanetScale } from 'planetscale-audit/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
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

describe('a rateLimiter', () => {
  const clientWith = (
    fake: FakePlanetScale,
    rateLimiter: RateLimiter,
    options: Partial<PlanetScaleAuditClientOptions> = {},
  ) => new PlanetScaleAuditClient({ organization: 'acme', ...credentials, fetch: fake.fetch, rateLimiter, ...options });
  const fakeOf = (pages: number) => fakePlanetScale({ ...credentials, events: numbered(pages), pageSize: 1 });

  test('is one budget for all clients that have it', async () => {
    const rateLimiter = createRateLimiter({ requestsPerMinute: 10 });
    const fakes = [fakeOf(8), fakeOf(8)];
    const events = Promise.all(fakes.map((fake) => collect(clientWith(fake, rateLimiter).events())));
    await vi.advanceTimersByTimeAsync(0);
    expect(fakes.flatMap(({ requests }) => requests)).toHaveLength(10);
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect((await events).flat()).toHaveLength(16);
  });

  test('is asked before each attempt, and paused after a 429 and after a Retry-After', async () => {
    const calls: unknown[] = [];
    const rateLimiter = {
      acquire: async () => void calls.push('acquire'),
      pauseFor: (ms: number) => void calls.push(ms),
    };
    const fake = fakeOf(1);
    fake.failNext({ status: 429 }, { status: 503, headers: { 'retry-after': '7' } }, { status: 500 });
    const page = clientWith(fake, rateLimiter).page();
    await vi.advanceTimersByTimeAsync(minuteMs);
    await page;
    expect(calls).toEqual(['acquire', 1000, 'acquire', 7000, 'acquire', 'acquire']);
  });

  test('may do without pauseFor', async () => {
    const fake = fakeOf(1);
    fake.failNext({ status: 429 });
    const page = clientWith(fake, { acquire: async () => {} }).page();
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect((await page).events).toHaveLength(1);
  });

  test('makes the request reject with a retryable error if it fails, without secrets', async () => {
    const rateLimiter = { acquire: () => Promise.reject(new Error(`no budget for ${credentials.serviceToken}`)) };
    const fake = fakeOf(1);
    const error = await failure(clientWith(fake, rateLimiter, { retries: 0 }).page());
    expect(error).toBeInstanceOf(AuditConnectionError);
    expect(error).toMatchObject({
      retryable: true,
      message: expect.stringMatching(/^The rateLimiter failed before GET/),
    });
    expect(error).toHaveProperty('message', expect.not.stringContaining(credentials.serviceToken));
    expect(fake.requests).toHaveLength(0);
  });

  test('that never resolves ends with an abort, and its wait counts for no timeout', async () => {
    const controller = new AbortController();
    const client = clientWith(fakeOf(1), { acquire: () => new Promise(() => {}) }, { timeoutMs: 10 });
    const page = failure(client.page({ signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(minuteMs);
    controller.abort('stopped');
    expect(await page).toBe('stopped');
  });

  test('beside requestsPerMinute is refused, and so is one without acquire', () => {
    const rateLimiter = createRateLimiter({ requestsPerMinute: 1 });
    expect(() => clientWith(fakeOf(1), rateLimiter, { requestsPerMinute: 5 })).toThrow(
      new AuditConfigError('PlanetScaleAuditClient got both requestsPerMinute and rateLimiter. Give one of them.'),
    );
    // A program in JavaScript has no compiler that refuses this.
    expect(() => clientWith(fakeOf(1), {} as RateLimiter)).toThrow('must have the method acquire');
  });
});

test.each([0, 1.5, -1, Number.NaN])('createRateLimiter refuses %s requests a minute', (requestsPerMinute) => {
  expect(() => createRateLimiter({ requestsPerMinute })).toThrow(AuditConfigError);
});
