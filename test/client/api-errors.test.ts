import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import {
  AuditApiError,
  AuditConfigError,
  AuditConnectionError,
  AuditResponseError,
  PlanetScaleAuditClient,
} from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { collect, credentials, failure, listOf, numbered, serve, serveRaw } from '../support/served.ts';

interface Samples {
  readonly events: readonly Record<string, unknown>[];
  readonly errors: readonly { readonly status: number; readonly body: unknown; readonly source: string }[];
}
const samples: Samples = JSON.parse(readFileSync(new URL('../support/samples.json', import.meta.url), 'utf8'));

const clientOf = (baseUrl: string, options = {}) =>
  new PlanetScaleAuditClient({ organization: 'acme', ...credentials, baseUrl, retries: 0, ...options });

describe('an answer that PlanetScale is known to give', () => {
  test.each(samples.errors)('$status $body is an AuditApiError with its status and code', async ({ status, body }) => {
    const { fake, client } = await serve();
    fake.failNext({ status, body });
    const error = await failure(client().page());
    const { code, error: oauthCode } = body as { code?: string; error?: string }; // Samples are objects.
    expect(error).toBeInstanceOf(AuditApiError);
    expect(error).toMatchObject({ status, code: code ?? oauthCode, retryable: status >= 500 });
    expect(error).toHaveProperty('message', expect.stringContaining(`PlanetScale answered ${status}`));
    expect(error).toHaveProperty('message', expect.stringContaining('GET /organizations/acme/audit-log'));
  });

  test.each([
    ['an empty body', undefined],
    ['HTML', '<html><body>502 Bad Gateway</body></html>'],
    ['truncated JSON', '{"code":"not_fo'],
    ['an array', [1, 2]],
    ['odd types', { code: 7, message: { text: 'x' } }],
  ])('an error with %s as its body is an AuditApiError by its status', async (_, body) => {
    const { fake, client } = await serve();
    fake.failNext({ status: 502, body });
    expect(await failure(client().page())).toMatchObject({
      name: 'AuditApiError',
      status: 502,
      code: undefined,
      retryable: true,
    });
  });

  test('the message of a 404 names its three causes, and what tells them apart', async () => {
    const { client } = await serve({ missingPermissionStatus: 404 });
    await expect(client().page()).rejects.toThrow(
      'PlanetScale answered 404 (not_found) to GET /organizations/acme/audit-log. It answers so for a wrong organization, a wrong or expired token, and a token without read_audit_logs: `client.verifyAccess()` tells which.',
    );
  });

  test.each([401, 403])('the message of a %s names the permission and where to grant it', async (status) => {
    const { fake, client } = await serve();
    fake.failNext({ status });
    await expect(client().page()).rejects.toThrow(/read_audit_logs.*Settings > Service tokens/);
  });
});

describe('verifyAccess', () => {
  test('says ok, with one request, where all is well', async () => {
    const { fake, client } = await serve();
    expect(await client().verifyAccess()).toEqual({ ok: true });
    expect(fake.requests).toHaveLength(1);
  });

  test.each([403, 404] as const)('tells a missing permission, answered with %s', async (missingPermissionStatus) => {
    const { client } = await serve({ missingPermissionStatus });
    expect(await client().verifyAccess()).toMatchObject({ ok: false, reason: 'missing-permission' });
  });

  test('tells a wrong organization, and names those that the token belongs to', async () => {
    const { client } = await serve();
    const report = await client({ organization: 'acne' }).verifyAccess();
    expect(report).toMatchObject({
      ok: false,
      reason: 'unknown-organization',
      message: expect.stringContaining('acme'),
    });
  });

  test('tells a wrong token', async () => {
    const { client } = await serve();
    const report = await client({ serviceToken: 'pscale_tkn_wrong' }).verifyAccess();
    expect(report).toMatchObject({ ok: false, reason: 'invalid-credentials' });
  });

  test('tells a wrong path in baseUrl as a possible cause, where everything is a 404', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 404 }, { status: 404 });
    expect(await client().verifyAccess()).toMatchObject({
      reason: 'invalid-credentials',
      message: expect.stringContaining('baseUrl'),
    });
  });

  test.each([{ hello: 1 }, [], null, 'ok'])('takes no other answer for a page: %j', async (body) => {
    const { fake, client } = await serve();
    fake.failNext({ status: 200, body });
    expect(await client().verifyAccess()).toMatchObject({ ok: false, reason: 'unreachable' });
  });

  test('is well where an event cannot be read, and reports none', async () => {
    const { fake, client } = await serve();
    fake.failNext(listOf([{ id: 'broken' }]));
    const onInvalidEvent = () => expect.unreachable('it asks for access alone');
    expect(await client({ onInvalidEvent }).verifyAccess()).toEqual({ ok: true });
  });

  const organizations = (names: readonly string[], next_page: unknown) => ({
    status: 200,
    body: { type: 'list', current_page: 1, next_page, data: names.map((name) => ({ id: name, name })) },
  });

  test('finds an organization on the second page of those that the token can see', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 404 }, organizations(['other'], 2), organizations(['acme'], 3));
    expect(await client().verifyAccess()).toMatchObject({ reason: 'missing-permission' });
    expect(fake.requests.map(({ url }) => new URL(url).searchParams.get('page'))).toEqual([null, '1', '2']);
  });

  test('ends where the list of organizations does not move on', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 404 }, organizations(['other'], 2), organizations(['another'], 2));
    expect(await client().verifyAccess()).toMatchObject({
      reason: 'unknown-organization',
      message: expect.stringContaining('It belongs to: other, another.'),
    });
    expect(fake.requests).toHaveLength(3);
  });

  test('ends where the list of organizations has no end, and names some of them', async () => {
    let requests = 0;
    const url = await serveRaw((request, response) => {
      requests++;
      const page = Number(new URL(request.url ?? '', 'http://localhost').searchParams.get('page'));
      if (page === 0) response.writeHead(404).end();
      else response.end(JSON.stringify(organizations([`org${page}`], page + 1).body));
    });
    const report = await clientOf(url).verifyAccess();
    expect(report).toMatchObject({ message: expect.stringMatching(/org1, org2, .*, org20, and 80 more\.$/) });
    expect(requests).toBe(101);
  });

  test.each([null, 7, { signal: 'x' }])('with the options %j rejects with an AuditConfigError', async (options) => {
    const { fake, client } = await serve();
    const report = client().verifyAccess(options as { signal?: AbortSignal }); // Wrong on purpose.
    await expect(report).rejects.toThrow(AuditConfigError);
    expect(fake.requests).toHaveLength(0);
  });

  test('tells an API that cannot be reached', async () => {
    const { fake, client } = await serve();
    fake.failNext({ network: 'reset' });
    expect(await client().verifyAccess()).toMatchObject({ ok: false, reason: 'unreachable' });
  });
});

describe('no whole answer', () => {
  test.each(['refused', 'reset', 'truncated'] as const)('%s is a retryable AuditConnectionError', async (network) => {
    const { fake, client } = await serve({ events: numbered(50) });
    fake.failNext({ network });
    expect(await failure(client().page())).toMatchObject({ name: 'AuditConnectionError', retryable: true });
  });

  test('an answer that does not come within timeoutMs is a retryable AuditConnectionError', async () => {
    const { fake, client } = await serve();
    fake.failNext({ network: 'hang' });
    const error = await failure(client({ timeoutMs: 50 }).page());
    expect(error).toMatchObject({ name: 'AuditConnectionError', retryable: true });
    expect(error).toHaveProperty(
      'message',
      expect.stringContaining('within 50 ms. Where it needs longer, raise timeoutMs.'),
    );
  });

  test('an abort while the server is silent rejects with the reason of the signal, and hangs up', async () => {
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

  test('the timeout covers the body too', async () => {
    const url = await serveRaw((_, response) => void response.writeHead(200).write('{"data":'));
    const error = await failure(clientOf(url, { timeoutMs: 100 }).page());
    expect(error).toHaveProperty('message', expect.stringContaining('within 100 ms.'));
  });

  test('a redirect is refused, and the credentials go nowhere else', async () => {
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

describe('a whole answer that is not what it should be', () => {
  test('a page of a proxy is a retryable AuditResponseError', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 200, body: '<html>Sign in to the hotel Wi-Fi</html>' });
    expect(await failure(client().page())).toMatchObject({ name: 'AuditResponseError', retryable: true });
  });

  test.each([
    ['no envelope', { hello: 'world' }],
    ['the envelope of 2021', { type: 'list', next_page: null, prev_page: null, data: [] }],
    ['a data that is no list', { has_next: false, cursor_end: null, data: {} }],
    ['null', null],
  ])('%s is an AuditResponseError that says what was expected', async (_, body) => {
    const { fake, client } = await serve();
    fake.failNext({ status: 200, body });
    const error = await failure(client().page());
    expect(error).toBeInstanceOf(AuditResponseError);
    expect(error).toMatchObject({
      retryable: false,
      issues: expect.arrayContaining([expect.objectContaining({ message: expect.any(String) })]),
    });
  });

  test('the body of an error is read no further than maxResponseBytes either, and the status still told', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 403, body: { code: 'forbidden', message: 'x'.repeat(100_000) } });
    const error = await failure(client({ maxResponseBytes: 10_000 }).page());
    expect(error).toMatchObject({ name: 'AuditApiError', status: 403, code: undefined });
  });

  test('maxResponseBytes counts what a compressed answer becomes', async () => {
    const url = await serveRaw((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50_000_000, ' ')));
    });
    const error = await failure(clientOf(url, { maxResponseBytes: 1_000_000 }).page());
    expect(error).toHaveProperty('message', expect.stringContaining('maxResponseBytes'));
  });

  test('an answer larger than maxResponseBytes is an AuditResponseError, and is not read to its end', async () => {
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
  'a page is read whatever its content type: %s',
  async (contentType) => {
    const body = JSON.stringify(listOf([{ id: 'a', audit_action: 'b', created_at: 'c', location: 'Zürich' }]).body);
    const url = await serveRaw((_, response) => {
      response.writeHead(200, contentType === undefined ? {} : { 'content-type': contentType }).end(body);
    });
    expect((await clientOf(url).page()).events).toMatchObject([{ id: 'a', location: 'Zürich' }]);
  },
);

describe('retries', () => {
  test.each([
    ['a lost connection', { network: 'reset' as const }],
    ['a body cut short', { network: 'truncated' as const }],
    ['408', { status: 408 }],
    ['429', { status: 429 }],
    ['503', { status: 503 }],
    ['an answer that is not JSON', { status: 200, body: 'oops' }],
  ])('cure %s', async (_, fault) => {
    const { fake, client } = await serve({ events: numbered(3) });
    fake.failNext(fault);
    expect(await collect(client({ retries: 1 }).events())).toHaveLength(3);
    expect(fake.requests).toHaveLength(2);
  });

  test('are as many as asked for, and the last error is thrown', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 500 }, { status: 500 }, { status: 503 });
    expect(await failure(client({ retries: 2 }).page())).toMatchObject({ status: 503 });
    expect(fake.requests).toHaveLength(3);
  });

  test.each([400, 401, 403, 404, 422])('do not follow a %s', async (status) => {
    const { fake, client } = await serve();
    fake.failNext({ status });
    expect(await failure(client({ retries: 3 }).page())).toMatchObject({ status, retryable: false });
    expect(fake.requests).toHaveLength(1);
  });

  test('never come earlier than Retry-After says', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 429, headers: { 'retry-after': '0.3' } });
    await client({ retries: 1 }).page();
    const [first, second] = fake.requests;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(295); // Two clocks, to the millisecond.
  });

  test('are given up where Retry-After asks for more than a minute, which the error carries', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 429, headers: { 'retry-after': '3600' } });
    expect(await failure(client({ retries: 3 }).page())).toMatchObject({ status: 429, retryAfterMs: 3_600_000 });
    expect(fake.requests).toHaveLength(1);
  });

  test('end with an abort, and its reason is thrown', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 503, headers: { 'retry-after': '50' } });
    const controller = new AbortController();
    const page = failure(client({ retries: 3 }).page({ signal: controller.signal }));
    await expect.poll(() => fake.requests.length).toBe(1);
    controller.abort('stop it');
    expect(await page).toBe('stop it');
  });
});

describe('events that cannot be read', () => {
  const good = { id: 'goodgoodgood', audit_action: 'database.created', created_at: '2026-11-01T00:00:00Z' };
  const bad = [{ ...good, id: undefined }, { ...good, audit_action: 7 }, { ...good, created_at: null }, 'rubbish'];

  test('stop the iteration by default, with the raw JSON and the issues of each', async () => {
    const { fake, client } = await serve();
    fake.failNext(listOf([good, ...bad]));
    const error = await failure(client().page());
    expect(error).toBeInstanceOf(AuditResponseError);
    expect(error).toMatchObject({
      retryable: false,
      invalidEvents: [
        { id: undefined, rawJson: JSON.stringify(bad[0]), issues: [{ path: 'id' }] },
        { id: good.id, rawJson: JSON.stringify(bad[1]), issues: [{ path: 'audit_action' }] },
        { id: good.id, rawJson: JSON.stringify(bad[2]), issues: [{ path: 'created_at' }] },
        { id: undefined, rawJson: '"rubbish"', issues: [{ path: '' }] },
      ],
    });
  });

  test('go to onInvalidEvent where that is a function, once each, and the others go on', async () => {
    const { fake, client } = await serve();
    fake.failNext(listOf([good, ...bad]), listOf([good, ...bad]));
    const parked: string[] = [];
    const parking = client({ onInvalidEvent: async ({ rawJson }) => void parked.push(rawJson) });
    expect((await parking.page()).events).toHaveLength(1);
    expect((await parking.page()).events).toHaveLength(1);
    expect(parked).toEqual(bad.map((event) => JSON.stringify(event)));
  });

  test('are reported again where onInvalidEvent has thrown', async () => {
    const { fake, client } = await serve();
    fake.failNext(listOf([bad[0]]), listOf([bad[0]]));
    let calls = 0;
    const parking = client({
      onInvalidEvent: () => {
        if (++calls === 1) throw new Error('the dead letter queue is down');
      },
    });
    await expect(parking.page()).rejects.toThrow('the dead letter queue is down');
    await parking.page();
    expect(calls).toBe(2);
  });

  test.each(samples.events)(
    'the public sample $audit_action is read, or refused for nothing but what it lacks',
    async (sample) => {
      const { fake, client } = await serve();
      fake.failNext(listOf([{ id: 'madeupid0000', created_at: '2026-11-01T00:00:00Z', ...sample }]));
      const [event] = (await client().page()).events;
      expect(event).toMatchObject(sample);
    },
  );
});
