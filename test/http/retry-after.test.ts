import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { parseRetryAfter } from '../../src/http/retry-after.ts';
import { failure, serve } from '../support/served.ts';

const headers = (retryAfter: string, date?: string) =>
  new Headers({ 'retry-after': retryAfter, ...(date && { date }) });

describe('Retry-After', () => {
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
  ])('in seconds: %j is %d ms', (value, ms) => expect(parseRetryAfter(headers(value))).toBe(ms));

  test.each([
    'Sun, 22 Nov 2026 12:00:30 GMT',
    'Sunday, 22-Nov-26 12:00:30 GMT',
    'Sun Nov 22 12:00:30 2026',
    '2026-11-22T12:00:30Z',
  ])('as a date, by the clock of the server: %s', (value) => {
    expect(parseRetryAfter(headers(value, 'Sun, 22 Nov 2026 12:00:00 GMT'))).toBe(30_000);
  });

  test('as a date, by our own clock where the server does not tell its own', () => {
    vi.useFakeTimers({ now: Date.parse('2026-11-22T12:00:00Z') });
    expect(parseRetryAfter(headers('Sun, 22 Nov 2026 12:00:30 GMT'))).toBe(30_000);
    vi.useRealTimers();
  });

  test('as a date is in UTC, wherever the client is', () => {
    vi.stubEnv('TZ', 'Asia/Tokyo');
    expect(new Date('2026-11-22T12:00:00').getUTCHours()).toBe(3);
    const date = 'Sun, 22 Nov 2026 12:00:00 GMT';
    expect(parseRetryAfter(headers('Sun Nov 22 12:00:30 2026', date))).toBe(30_000);
    expect(parseRetryAfter(headers('Sun Nov  1 08:49:37 2026', 'Sun Nov  1 08:49:07 2026'))).toBe(30_000);
    vi.unstubAllEnvs();
  });

  test('as a date whose year has two digits is past where it would be more than 50 years ahead', () => {
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
  ])('more than once: the longest of %j is %d ms', (value, ms) => {
    expect(parseRetryAfter(headers(value, 'Sun, 22 Nov 2026 12:00:00 GMT'))).toBe(ms);
  });

  test('as a date that is past asks for no wait', () => {
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
  ])('that makes no sense counts as none: %j', (value) => {
    expect(parseRetryAfter(headers(value))).toBeUndefined();
  });

  test.each(['1', '2026', 'yesterday', 'Sun, 22 Nov 2026 12:00:00'])(
    'is measured by our own clock where the Date header is %j',
    (date) => {
      vi.useFakeTimers({ now: Date.parse('2026-11-22T12:00:00Z') });
      expect(parseRetryAfter(headers('Sun, 22 Nov 2026 12:00:30 GMT', date))).toBe(30_000);
      vi.useRealTimers();
    },
  );

  test('gives a number that can be waited for, or nothing, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.stringMatching(/^[\x21-\x7e][ -~]{0,30}$/), fc.double().map(String)), (value) => {
        const ms = parseRetryAfter(headers(value)) ?? 0;
        expect(ms).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
  });
});

test.each(['-1', 'soon'])('an answer with the Retry-After %j is tried again as one without', async (retryAfter) => {
  const { fake, client } = await serve();
  fake.failNext({ status: 429, headers: { 'retry-after': retryAfter } });
  await client({ retries: 1 }).page();
  expect(fake.requests).toHaveLength(2);
});

test.each(['61', '30, 90', '1000000000', '1e999', 'Fri, 31 Dec 9999 23:59:59 GMT'])(
  'an answer with the Retry-After %j is not waited for, and the error tells how long',
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
