import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { AuditApiError, AuditConnectionError, AuditResponseError, PlanetScaleAuditClient } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { collect, credentials, failure, listOf, numbered, serve, serveRaw } from '../support/served.ts';

interface Samples {
  readonly errors: readonly { readonly status: number; readonly body: unknown; readonly source: string }[];
}
const samples: Samples = JSON.parse(readFileSync(new URL('../support/samples.json', import.meta.url), 'utf8'));

const clientOf = (baseUrl: string, options = {}) =>
  new PlanetScaleAuditClient({ organization: 'acme', ...credentials, baseUrl, retries: 0, ...options });

describe('an error status of PlanetScale', () => {
  test.each(samples.errors)(
    'becomes an AuditApiError with its status and code: $status $body',
    async ({ status, body }) => {
      const { fake, client } = await serve();
      fake.failNext({ status, body });
      const error = await failure(client().page());
      const { code, error: oauthCode } = body as { code?: string; error?: string }; // Samples are objects.
      expect(error).toBeInstanceOf(AuditApiError);
      expect(error).toMatchObject({ status, code: code ?? oauthCode, retryable: status >= 500 });
      expect(error).toHaveProperty('message', expect.stringContaining(`PlanetScale answered ${status}`));
      expect(error).toHaveProperty('message', expect.stringContaining('GET /organizations/acme/audit-log'));
    },
  );

  test.each([
    ['nothing', undefined],
    ['HTML', '<html><body>502 Bad Gateway</body></html>'],
    ['truncated JSON', '{"code":"not_fo'],
    ['an array', [1, 2]],
    ['odd types', { code: 7, message: { text: 'x' } }],
  ])('becomes an AuditApiError with that status if its body is %s', async (_, body) => {
    const { fake, client } = await serve();
    fake.failNext({ status: 502, body });
    expect(await failure(client().page())).toMatchObject({
      name: 'AuditApiError',
      status: 502,
      code: undefined,
      retryable: true,
    });
  });

  test('becomes an error that names its three causes, and the method that tells them apart, if it is 404', async () => {
    const { client } = await serve({ missingPermissionStatus: 404 });
    await expect(client().page()).rejects.toThrow(
      'PlanetScale answered 404 (not_found) to GET /organizations/acme/audit-log. PlanetScale answers 404 for an unknown organization, an invalid or expired token, and a token without read_audit_logs. Call client.verifyAccess() to find out which.',
    );
  });

  test.each([401, 403])(
    'becomes an error that names the permission, and the place to grant it, if it is %s',
    async (status) => {
      const { fake, client } = await serve();
      fake.failNext({ status });
      await expect(client().page()).rejects.toThrow(/read_audit_logs.*Settings > Service tokens/);
    },
  );
});

describe('page() without a complete response', () => {
  test.each(['refused', 'reset', 'truncated'] as const)(
    'rejects with a retryable AuditConnectionError after the network failure %s',
    async (network) => {
      const { fake, client } = await serve({ events: numbered(50) });
      fake.failNext({ network });
      expect(await failure(client().page())).toMatchObject({ name: 'AuditConnectionError', retryable: true });
    },
  );

  test('rejects with a retryable AuditConnectionError after timeoutMs', async () => {
    const { fake, client } = await serve();
    fake.failNext({ network: 'hang' });
    const error = await failure(client({ timeoutMs: 50 }).page());
    expect(error).toMatchObject({ name: 'AuditConnectionError', retryable: true });
    expect(error).toHaveProperty(
      'message',
      expect.stringContaining('within 50 ms. If PlanetScale needs longer, raise timeoutMs.'),
    );
  });

  test('rejects with the reason of the signal when it is aborted, and closes the connection', async () => {
    let hangUp = () => {};
    const hungUp = new Promise<void>((resolve) => {
      hangUp = resolve;
    });
    const controller = new AbortController();
    const url = await serveRaw((request) => {
      request.socket.once('close', hangUp);
      controller.abort('no more');
    });
    expect(await failure(clientOf(url, { retries: 5 }).page({ signal: controller.signal }))).toBe('no more');
    await hungUp;
  });

  test('times out during the body as well', async () => {
    const url = await serveRaw((_, response) => void response.writeHead(200).write('{"data":'));
    const error = await failure(clientOf(url, { timeoutMs: 100 }).page());
    expect(error).toHaveProperty('message', expect.stringContaining('within 100 ms.'));
  });

  test('does not follow a redirect, and sends the credentials to no other host', async () => {
    const visitors: unknown[] = [];
    const elsewhere = await serveRaw((request, response) => {
      visitors.push(request.headers.authorization);
      response.end('{}');
    });
    const url = await serveRaw((_, response) => void response.writeHead(302, { location: elsewhere }).end());
    const error = await failure(clientOf(url, { retries: 2 }).page());
    expect(error).toBeInstanceOf(AuditConnectionError);
    expect(error).toMatchObject({ retryable: false });
    expect(visitors).toEqual([]);
  });
});

describe('page() after an unexpected answer', () => {
  test('rejects with a retryable AuditResponseError if a proxy has answered with HTML', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 200, body: '<html>Sign in to the hotel Wi-Fi</html>' });
    expect(await failure(client().page())).toMatchObject({ name: 'AuditResponseError', retryable: true });
  });

  test.each([
    ['JSON without an envelope', { hello: 'world' }],
    ['the envelope of 2021', { type: 'list', next_page: null, prev_page: null, data: [] }],
    ['an envelope whose data is not a list', { has_next: false, cursor_end: null, data: {} }],
    ['null', null],
  ])('rejects with an AuditResponseError that names the problem of %s', async (_, body) => {
    const { fake, client } = await serve();
    fake.failNext({ status: 200, body });
    const error = await failure(client().page());
    expect(error).toBeInstanceOf(AuditResponseError);
    expect(error).toMatchObject({
      retryable: false,
      issues: expect.arrayContaining([expect.objectContaining({ message: expect.any(String) })]),
    });
  });

  test('keeps the status of an error whose body is larger than maxResponseBytes', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 403, body: { code: 'forbidden', message: 'x'.repeat(100_000) } });
    const error = await failure(client({ maxResponseBytes: 10_000 }).page());
    expect(error).toMatchObject({ name: 'AuditApiError', status: 403, code: undefined });
  });

  test('rejects if the answer is larger than maxResponseBytes after decompression', async () => {
    const url = await serveRaw((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50_000_000, ' ')));
    });
    const error = await failure(clientOf(url, { maxResponseBytes: 1_000_000 }).page());
    expect(error).toHaveProperty('message', expect.stringContaining('maxResponseBytes'));
  });

  test('rejects with an AuditResponseError if the answer is larger than maxResponseBytes, and closes the connection', async () => {
    let isGone: (() => void) | undefined;
    const clientHungUp = new Promise<void>((resolve) => {
      isGone = resolve;
    });
    const url = await serveRaw((_, response) => {
      const timer = setInterval(() => response.write('x'.repeat(10_000)), 1);
      response.on('close', () => {
        clearInterval(timer);
        isGone?.();
      });
    });
    const error = await failure(clientOf(url, { maxResponseBytes: 100_000 }).page());
    expect(error).toMatchObject({ name: 'AuditResponseError', retryable: false });
    expect(error).toHaveProperty('message', expect.stringContaining('100000 bytes (maxResponseBytes)'));
    await clientHungUp;
  });
});

test.each(['text/html', 'application/octet-stream', 'text/plain; charset=latin1', undefined])(
  'a client reads a page with the content type %s',
  async (contentType) => {
    const body = JSON.stringify(listOf([{ id: 'a', audit_action: 'b', created_at: 'c', location: 'Zürich' }]).body);
    const url = await serveRaw((_, response) => {
      response.writeHead(200, contentType === undefined ? {} : { 'content-type': contentType }).end(body);
    });
    expect((await clientOf(url).page()).events).toMatchObject([{ id: 'a', location: 'Zürich' }]);
  },
);

describe('retries of a client', () => {
  test.each([
    ['a lost connection', { network: 'reset' as const }],
    ['a body cut short', { network: 'truncated' as const }],
    ['408', { status: 408 }],
    ['429', { status: 429 }],
    ['503', { status: 503 }],
    ['an answer that is not JSON', { status: 200, body: 'oops' }],
  ])('recover from %s', async (_, fault) => {
    const { fake, client } = await serve({ events: numbered(3) });
    fake.failNext(fault);
    expect(await collect(client({ retries: 1 }).events())).toHaveLength(3);
    expect(fake.requests).toHaveLength(2);
  });

  test('end after the given number of attempts, with the last error', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 500 }, { status: 500 }, { status: 503 });
    expect(await failure(client({ retries: 2 }).page())).toMatchObject({ status: 503 });
    expect(fake.requests).toHaveLength(3);
  });

  test.each([400, 401, 403, 404, 422])('do not repeat a request after a %s', async (status) => {
    const { fake, client } = await serve();
    fake.failNext({ status });
    expect(await failure(client({ retries: 3 }).page())).toMatchObject({ status, retryable: false });
    expect(fake.requests).toHaveLength(1);
  });

  test('wait at least as long as Retry-After asks', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 429, headers: { 'retry-after': '0.3' } });
    await client({ retries: 1 }).page();
    const [first, second] = fake.requests;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(295); // Timers and Date use different clocks.
  });

  test('end when Retry-After asks for more than a minute, with an error that carries it', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 429, headers: { 'retry-after': '3600' } });
    expect(await failure(client({ retries: 3 }).page())).toMatchObject({ status: 429, retryAfterMs: 3_600_000 });
    expect(fake.requests).toHaveLength(1);
  });

  test('end with the reason of the signal when it is aborted', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 503, headers: { 'retry-after': '50' } });
    const controller = new AbortController();
    const page = failure(client({ retries: 3 }).page({ signal: controller.signal }));
    await expect.poll(() => fake.requests.length).toBe(1);
    controller.abort('stop it');
    expect(await page).toBe('stop it');
  });
});
