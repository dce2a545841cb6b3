import type { ServerResponse } from 'node:http';
import { PlanetScaleAuditClient } from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { describe, expect, test } from 'vitest';
import { credentials, failure, serveRaw } from '../support/served.ts';

const clientOf = (baseUrl: string, options = {}) =>
  new PlanetScaleAuditClient({ organization: 'acme', ...credentials, baseUrl, retries: 0, ...options });

const emptyPage = '{"data":[],"has_next":false,"cursor_end":null}';

const bodyEndings: readonly [string, (response: ServerResponse) => void][] = [
  ['stalls', (response) => void response.write('{"code":"rate_')],
  ['is cut', (response) => void response.write('{"code":"rate_', () => response.destroy())],
];

describe.each(bodyEndings)('an error whose body %s', (_, endBody) => {
  test('becomes an AuditApiError with its status and Retry-After', async () => {
    const url = await serveRaw((_, response) => endBody(response.writeHead(429, { 'retry-after': '3' })));
    expect(await failure(clientOf(url, { timeoutMs: 500 }).page())).toMatchObject({
      name: 'AuditApiError',
      status: 429,
      retryAfterMs: 3000,
      retryable: true,
    });
  });

  test('delays the next attempt by its Retry-After', async () => {
    const askedAt: number[] = [];
    const url = await serveRaw((_, response) => {
      askedAt.push(performance.now());
      if (askedAt.length > 1) response.end(emptyPage);
      else endBody(response.writeHead(429, { 'retry-after': '1' }));
    });
    await clientOf(url, { timeoutMs: 300, retries: 1 }).page();
    expect((askedAt[1] ?? 0) - (askedAt[0] ?? 0)).toBeGreaterThanOrEqual(1000);
  });

  test('is not retried if its status is not retryable', async () => {
    let requests = 0;
    const url = await serveRaw((_, response) => {
      requests++;
      endBody(response.writeHead(403));
    });
    const error = await failure(clientOf(url, { timeoutMs: 500, retries: 3 }).page());
    expect(error).toMatchObject({ name: 'AuditApiError', status: 403, retryable: false });
    expect(requests).toBe(1);
  });
});

test.each([
  ['an error', 500, {}, 'AuditApiError'],
  ['a redirect', 302, { location: 'https://example.com/' }, 'AuditConnectionError'],
])('a client rejects after %s with an endless body, and closes the connection', async (_, status, headers, name) => {
  let hangUp = () => {};
  const hungUp = new Promise<void>((resolve) => {
    hangUp = resolve;
  });
  const url = await serveRaw((_, response) => {
    response.writeHead(status, headers);
    const timer = setInterval(() => response.write('x'.repeat(10_000)), 1);
    response.on('close', () => {
      clearInterval(timer);
      hangUp();
    });
  });
  const asking = clientOf(url, { maxResponseBytes: 100_000, timeoutMs: 2 ** 31 - 1 });
  expect(await failure(asking.page())).toMatchObject({ name });
  await hungUp;
});

test('a client cancels the body of a redirect without waiting for it', async () => {
  let isCancelled = false;
  const cancel = () => {
    isCancelled = true;
    return new Promise<void>(() => {});
  };
  const fetch = async () => new Response(new ReadableStream({ cancel }), { status: 302 });
  expect(await failure(clientOf('https://example.com', { fetch }).page())).toMatchObject({ retryable: false });
  expect(isCancelled).toBe(true);
});

describe('a request with a custom fetch', () => {
  const deaf: readonly [string, typeof globalThis.fetch][] = [
    ['never answers', () => new Promise(() => {})],
    ['has a body that never ends', async () => new Response(new ReadableStream())],
  ];

  test.each(deaf)('times out after timeoutMs if the fetch ignores its signal and %s', async (_, fetch) => {
    const error = await failure(clientOf('https://example.com', { fetch, timeoutMs: 30 }).page());
    expect(error).toMatchObject({ name: 'AuditConnectionError', retryable: true });
    expect(error).toHaveProperty('message', expect.stringContaining('within 30 ms'));
  });

  test.each(deaf)('ends at once after an abort if the fetch ignores its signal and %s', async (_, fetch) => {
    const controller = new AbortController();
    const asking = clientOf('https://example.com', { fetch, timeoutMs: 2 ** 31 - 1 });
    const page = failure(asking.page({ signal: controller.signal }));
    await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort('no more');
    expect(await page).toBe('no more');
  });

  test('rejects if the fetch follows redirects', async () => {
    const url = await serveRaw((request, response) => {
      if (request.url?.startsWith('/elsewhere')) response.end(emptyPage);
      else response.writeHead(302, { location: '/elsewhere' }).end();
    });
    const following: typeof globalThis.fetch = (input, init) => fetch(input, { ...init, redirect: 'follow' });
    const error = await failure(clientOf(url, { fetch: following }).page());
    expect(error).toMatchObject({ name: 'AuditConnectionError', retryable: false });
  });

  test('rejects with a retryable AuditConnectionError if the error of the fetch has a circle of causes', async () => {
    const inner = new Error('inner');
    const outer = new Error('outer', { cause: inner });
    inner.cause = outer;
    const throwing = async () => {
      throw outer;
    };
    expect(await failure(clientOf('https://example.com', { fetch: throwing }).page())).toMatchObject({
      name: 'AuditConnectionError',
      retryable: true,
    });
  });

  test('gives the fetch a signal that aborts when the attempt times out', async () => {
    const signals: AbortSignal[] = [];
    const fake = fakePlanetScale(credentials);
    fake.failNext({ network: 'hang' });
    const recording: typeof globalThis.fetch = (input, init) => {
      if (init?.signal) signals.push(init.signal);
      return fake.fetch(input, init);
    };
    await clientOf('https://example.com', { fetch: recording, timeoutMs: 30, retries: 1 }).page();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });
});
