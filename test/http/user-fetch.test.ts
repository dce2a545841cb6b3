import { PassThrough } from 'node:stream';
import { PlanetScaleAuditClient } from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { describe, expect, test } from 'vitest';
import { credentials, failure, idsOf, listOf, numbered, serve, serveRaw } from '../support/served.ts';

type Fetch = typeof globalThis.fetch;

const clientOf = (fetch: Fetch, baseUrl = 'https://example.com/v1') =>
  new PlanetScaleAuditClient({ organization: 'acme', ...credentials, baseUrl, retries: 0, fetch });

describe("the user's fetch", () => {
  test('receives the URL as text, and everything else in its second argument', async () => {
    const received: Parameters<Fetch>[] = [];
    const fake = fakePlanetScale(credentials);
    await clientOf((...args) => {
      received.push(args);
      return fake.fetch(...args);
    }).page();
    expect(received).toEqual([
      [
        'https://example.com/v1/organizations/acme/audit-log?limit=100',
        {
          method: 'GET',
          headers: {
            authorization: `${credentials.serviceTokenId}:${credentials.serviceToken}`,
            accept: 'application/json',
          },
          signal: expect.any(AbortSignal),
          redirect: 'manual',
          cache: 'no-store',
        },
      ],
    ]);
  });

  const wrappers: readonly [string, (fetch: Fetch) => Fetch][] = [
    [
      'spreads init.headers and adds one',
      (fetch) => (url, init) => fetch(url, { ...init, headers: { ...Object(init?.headers), 'x-trace': '1' } }),
    ],
    ['reads new URL(url)', (fetch) => (url, init) => fetch(new URL(String(url)), init)],
    ['concatenates the URL', (fetch) => (url, init) => fetch(`${url}&via=gateway`, init)],
    ['makes a Request', (fetch) => (url, init) => fetch(new Request(url, init))],
    ['changes the headers that it received', (fetch) => (url, init) => fetch(url, changeHeaders(init))],
  ];

  const changeHeaders = (init: RequestInit | undefined): RequestInit | undefined => {
    Object.assign(Object(init?.headers), { 'x-attempt': '1' });
    return init;
  };

  test.each(wrappers)('may be a wrapper that %s', async (_, wrap) => {
    const { client, fake } = await serve({ events: numbered(3) });
    const reading = client({ fetch: wrap(fetch) });
    expect((await reading.page()).events).toHaveLength(3);
    expect(await reading.verifyAccess()).toEqual({ ok: true });
    fake.failNext({ status: 404 });
    expect(await reading.verifyAccess()).toMatchObject({ reason: 'missing-permission' });
  });

  test('that caches GETs unless they say no-store, as that of Next.js 14 does, gives fresh events', async () => {
    const cached = new Map<string, Response>();
    const caching: Fetch = async (url, init) => {
      const key = String(url);
      if (init?.cache === 'no-store') return fetch(url, init);
      const response = cached.get(key) ?? (await fetch(url, init));
      cached.set(key, response.clone());
      return response;
    };
    const { client, fake } = await serve({ events: numbered(1) });
    const reading = client({ fetch: caching });
    expect((await reading.page()).events).toHaveLength(1);
    fake.add({ id: 'newernewer00' });
    expect(idsOf((await reading.page()).events)).toEqual(['newernewer00', 'event0000000']);
  });

  const withoutBody = (text: string, status = 200): Response =>
    Object.assign(Object.create(null), {
      status,
      headers: new Headers(),
      redirected: false,
      type: 'default',
      text: async () => text,
    });

  test('whose responses have no body but the method text, as in React Native, gives pages and errors', async () => {
    const page = JSON.stringify(listOf(numbered(2)).body);
    const responses = [withoutBody(page), withoutBody('{"code":"unprocessable"}', 422), withoutBody('', 302)];
    const reading = clientOf(async () => responses.shift() ?? withoutBody(page));
    expect(idsOf((await reading.page()).events)).toEqual(idsOf(numbered(2)));
    expect(await failure(reading.page())).toMatchObject({ name: 'AuditApiError', code: 'unprocessable' });
    expect(await failure(reading.page())).toMatchObject({ name: 'AuditConnectionError', retryable: false });
  });

  test('whose responses have no body but the method text is held to maxResponseBytes', async () => {
    const fetch = async () => withoutBody('ä'.repeat(60));
    const options = { organization: 'acme', ...credentials, maxResponseBytes: 100, fetch };
    expect(await failure(new PlanetScaleAuditClient(options).page())).toHaveProperty(
      'message',
      expect.stringContaining('more than 100 bytes'),
    );
  });

  test('that reports the timeout as an abort of its own, as node-fetch 2 does, is said to have run out of time', async () => {
    const fetch: Fetch = (_, init) =>
      new Promise((_, reject) => {
        const { signal } = init ?? {};
        const error = Object.assign(new Error('The user aborted a request.'), { name: 'AbortError' });
        signal?.addEventListener('abort', () => reject(error));
      });
    const options = { organization: 'acme', ...credentials, timeoutMs: 20, retries: 0, fetch };
    expect(await failure(new PlanetScaleAuditClient(options).page())).toHaveProperty(
      'message',
      expect.stringMatching(/gave no complete response to GET .* within 20 ms/),
    );
  });

  test('whose body is a stream of Node has its redirect body destroyed', async () => {
    const body = new PassThrough();
    const response = new Response(null, { status: 302 });
    Object.defineProperty(response, 'body', { value: body });
    expect(await failure(clientOf(async () => response).page())).toMatchObject({ retryable: false });
    expect(body.destroyed).toBe(true);
  });

  test('whose body is a stream of Node is left as soon as it exceeds maxResponseBytes', async () => {
    const body = new PassThrough();
    const response = new Response();
    Object.defineProperty(response, 'body', { value: body });
    body.write('x'.repeat(1000));
    const reading = new PlanetScaleAuditClient({
      organization: 'acme',
      ...credentials,
      maxResponseBytes: 100,
      retries: 0,
      fetch: async () => response,
    });
    expect(await failure(reading.page())).toMatchObject({ name: 'AuditResponseError' });
    expect(body.destroyed).toBe(true);
  });
});

describe('an answer with an Age header', () => {
  const answeredWith = (headers: Record<string, string | string[]>) =>
    serveRaw((_, response) => {
      response.writeHead(200, headers).end('{"data":[],"has_next":false,"cursor_end":null}');
    });

  test.each(['61', '86400', '99999999999999999999999', '3600, 5'])(
    'above 60 s is a retryable AuditResponseError that names the cache: %s',
    async (age) => {
      const url = await answeredWith({ age, via: '1.1 squid\u0085' });
      const error = await failure(clientOf(fetch, url).page());
      expect(error).toMatchObject({ name: 'AuditResponseError', retryable: true });
      expect(error).toHaveProperty(
        'message',
        expect.stringMatching(/^A cache \(Via: 1\.1 squid\\u0085\) answered GET .* \d+ seconds old/),
      );
      expect(String(error)).not.toMatch(/\d{11}|Infinity|e\+/);
    },
  );

  test('above 60 s is an error without the Via header if that holds nothing but white space', async () => {
    const fetch = async () => new Response('{}', { headers: { age: '61', via: '\u00a0' } });
    const error = await failure(clientOf(fetch).page());
    expect(error).toHaveProperty('message', expect.stringMatching(/^A cache answered GET /));
  });

  test('above 60 s is an error without the Via header if that is longer than a thousand characters', async () => {
    const url = await answeredWith({ age: '61', via: `1.1 ${'x'.repeat(1000)}` });
    const error = await failure(clientOf(fetch, url).page());
    expect(error).toHaveProperty('message', expect.stringMatching(/^A cache answered GET /));
  });

  test('above 60 s makes verifyAccess report unreachable', async () => {
    const url = await answeredWith({ age: '61' });
    expect(await clientOf(fetch, url).verifyAccess()).toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining('A cache answered'),
    });
  });

  test.each(['0', '60', '', '-100', '61.5', '1e9', '0x1000', 'Infinity', 'old', '5, 3600', ' '])(
    'of at most 60 s, or that is no number of seconds, is accepted: %j',
    async (age) => {
      const url = await answeredWith({ age });
      expect((await clientOf(fetch, url).page()).events).toEqual([]);
    },
  );

  test('above 60 s closes the connection, although its body has no end', async () => {
    let hangUp = () => {};
    const hungUp = new Promise<void>((resolve) => {
      hangUp = resolve;
    });
    const url = await serveRaw((_, response) => {
      response.on('close', hangUp).writeHead(200, { age: '61' }).write('{"data":[');
    });
    await failure(clientOf(fetch, url).page());
    await hungUp;
  });

  test('above 60 s is retried', async () => {
    let requests = 0;
    const url = await serveRaw((_, response) => {
      requests++;
      if (requests === 1) response.setHeader('age', '600');
      response.end('{"data":[],"has_next":false,"cursor_end":null}');
    });
    const reading = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, baseUrl: url, retries: 1 });
    expect((await reading.page()).events).toEqual([]);
    expect(requests).toBe(2);
  });
});
