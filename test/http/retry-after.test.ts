import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { parseRetryAfter } from '../../src/http/retry-after.ts';
import { failure, serve } from '../support/served.ts';

const headers = (retryAfter: string, date?: string) =>
  new Headers({ 'retry-after': retryAfter, ...(date && { date }) });

describe('parseRetryAfter', () => {
  test.each([
    ['0', 0],
    ['1', 1000],
    ['120', 120_000],
    ['0.25', 250],
    ['.5', 500],
    ['5.', 5000],
    ['1.0001', 1001],
    [' 5 ', 5000],
    ['1000000000', 1e12],
    ['1e9', 1e12],
    ['1e-2', 10],
    ['1e999', Number.MAX_SAFE_INTEGER],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
  ])('reads %j seconds as %d ms', (value, ms) => expect(parseRetryAfter(headers(value))).toBe(ms));

  test.each([
    'Sun, 22 Nov 2026 12:00:30 GMT',
    'Sunday, 22-Nov-26 12:00:30 GMT',
    'Sun Nov 22 12:00:30 2026',
    '2026-11-22T12:00:30Z',
  ])('compares the date %s with the clock of the server', (value) => {
    expect(parseRetryAfter(headers(value, 'Sun, 22 Nov 2026 12:00:00 GMT'))).toBe(30_000);
  });

  test('compares a date with the local clock if the answer has no Date header', () => {
    vi.useFakeTimers({ now: Date.parse('2026-11-22T12:00:00Z') });
    expect(parseRetryAfter(headers('Sun, 22 Nov 2026 12:00:30 GMT'))).toBe(30_000);
    vi.useRealTimers();
  });

  test('reads a date in UTC, whatever the local time zone', () => {
    vi.stubEnv('TZ', 'Asia/Tokyo');
    expect(new Date('2026-11-22T12:00:00').getUTCHours()).toBe(3);
    const date = 'Sun, 22 Nov 2026 12:00:00 GMT';
    expect(parseRetryAfter(headers('Sun Nov 22 12:00:30 2026', date))).toBe(30_000);
    expect(parseRetryAfter(headers('Sun Nov  1 08:49:37 2026', 'Sun Nov  1 08:49:07 2026'))).toBe(30_000);
    vi.unstubAllEnvs();
  });

  test('reads a year of two digits that would be more than 50 years ahead as past', () => {
    vi.useFakeTimers({ now: Date.parse('2026-11-22T12:00:00Z') });
    expect(parseRetryAfter(headers('Sunday, 22-Nov-76 12:00:00 GMT'))).toBe(
      Date.UTC(2076, 10, 22) - Date.UTC(2026, 10, 22),
    );
    expect(parseRetryAfter(headers('Monday, 22-Nov-77 12:00:00 GMT'))).toBe(0);
    vi.useRealTimers();
  });

  test.each([
    ['30, 60', 60_000],
    ['60, 30', 60_000],
    ['Sun, 22 Nov 2026 12:00:30 GMT, 5', 30_000],
    ['5, Sunday, 22-Nov-26 12:00:30 GMT', 30_000],
    ['soon, 5', 5000],
  ])('gives the maximum of the waits %j as %d ms', (value, ms) => {
    expect(parseRetryAfter(headers(value, 'Sun, 22 Nov 2026 12:00:00 GMT'))).toBe(ms);
  });

  test('gives no wait for a date in the past', () => {
    expect(parseRetryAfter(headers('Sun, 22 Nov 2026 11:00:00 GMT', 'Sun, 22 Nov 2026 12:00:00 GMT'))).toBe(0);
  });

  test.each([
    '',
    '-1',
    '.',
    'soon',
    'NaN',
    'Infinity',
    '0x10',
    'Sun, rubbish',
    'Sun, 31 Feb 2027 12:00:00 GMT',
    'Sun, 22 Nov 2026 12:00:30 +0900',
    '5; comment',
    ',',
    '1'.repeat(1001),
    `5${','.repeat(1000)}`,
  ])('gives undefined for %j', (value) => {
    expect(parseRetryAfter(headers(value))).toBeUndefined();
  });

  test.each(['1', '2026', 'yesterday', 'Sun, 22 Nov 2026 12:00:00'])(
    'compares a date with the local clock if the Date header is %j',
    (date) => {
      vi.useFakeTimers({ now: Date.parse('2026-11-22T12:00:00Z') });
      expect(parseRetryAfter(headers('Sun, 22 Nov 2026 12:00:30 GMT', date))).toBe(30_000);
      vi.useRealTimers();
    },
  );

  test('gives undefined or a wait of at least 0 ms for any value', () => {
    fc.assert(
      fc.property(fc.oneof(fc.stringMatching(/^[\x21-\x7e][ -~]{0,30}$/), fc.double().map(String)), (value) => {
        const ms = parseRetryAfter(headers(value)) ?? 0;
        expect(ms).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
  });
});

test.each(['-1', 'soon'])('a client ignores the Retry-After %j and retries', async (retryAfter) => {
  const { fake, client } = await serve();
  fake.failNext({ status: 429, headers: { 'retry-after': retryAfter } });
  await client({ retries: 1 }).page();
  expect(fake.requests).toHaveLength(2);
});

test.each([
  ['1793000000', 1_793_000_000_000],
  ['Fri, 31 Dec 9999 23:59:59 GMT', Date.UTC(9999, 11, 31, 23, 59, 59) - Date.UTC(2026, 10, 22)],
  ['9999-12-31T23:59:59Z', Date.UTC(9999, 11, 31, 23, 59, 59) - Date.UTC(2026, 10, 22)],
])('a client never waits for the Retry-After %j, and its error carries exactly that wait', async (retryAfter, ms) => {
  const { fake, client } = await serve();
  fake.failNext({ status: 429, headers: { 'retry-after': retryAfter, date: 'Sun, 22 Nov 2026 00:00:00 GMT' } });
  const reading = client({ retries: 4 });
  expect(await failure(reading.page())).toMatchObject({ name: 'AuditApiError', status: 429, retryAfterMs: ms });
  expect(fake.requests).toHaveLength(1);
  await reading.page(); // The wait does not pause the other requests of the client either.
});

test.each(['61', '30, 90', '1000000000', '1e999', 'Fri, 31 Dec 9999 23:59:59 GMT'])(
  'a client rejects at once for the Retry-After %j, with an error that carries the wait',
  async (retryAfter) => {
    const { fake, client } = await serve();
    fake.failNext({ status: 503, headers: { 'retry-after': retryAfter } });
    const error = await failure(client({ retries: 4 }).page());
    expect(error).toMatchObject({ name: 'AuditApiError', status: 503 });
    expect(error).toHaveProperty(
      'retryAfterMs',
      expect.toSatisfy((ms: number) => ms > 60_000),
    );
    expect(fake.requests).toHaveLength(1);
  },
);
