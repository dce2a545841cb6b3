import { inspect } from 'node:util';
import {
  type AuditEvent,
  PlanetScaleAuditClient,
  PlanetScaleAuditError,
  type PollNotice,
  poller,
} from 'planetscale-audit';
import { type FakeFailure, fakePlanetScale } from 'planetscale-audit/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { escaped, leaks } from '../support/leaks.ts';
import { collect, credentials, failure, listOf, serve } from '../support/served.ts';

/** Tokens of several shapes. JSON or a URL must escape some of them. */
const tokens = [
  'pscale_tkn_5pYq0Zk3vLw9',
  'pscale_tkn_a"b\\c/d',
  'pscale_tkn_50%+off&more=1',
  'a.b(c)[d]*$^',
  'x'.repeat(500),
];

const redirected: FakeFailure = { status: 302, headers: { location: 'https://example.com/' } };

/** Every way from an answer into an error, each with an answer that echoes the token. */
const paths: readonly [string, (token: string) => FakeFailure][] = [
  ['a message', (token) => ({ status: 400, body: { code: 'bad_request', message: `unknown token ${token}` } })],
  ['a message full of escapes', (token) => ({ status: 400, body: `{"message":"unknown token ${escaped(token)}"}` })],
  ['a long message', (token) => ({ status: 400, body: { message: `${'-'.repeat(180)}${token}` } })],
  [
    'a message that cuts the token off',
    (token) => ({ status: 400, body: { message: `unknown: ${token.slice(0, -2)}… (cut)` } }),
  ],
  [
    'a message that the quote cuts in the token',
    (token) => ({ status: 400, body: { message: `${'-'.repeat(185)}${token}` } }),
  ],
  ['a message with many tokens', (token) => ({ status: 400, body: { message: `${token} `.repeat(20) } })],
  ['a code', (token) => ({ status: 401, body: { code: token, message: 'no' } })],
  ['an OAuth error', (token) => ({ status: 401, body: { error: token, error_description: `${token} expired` } })],
  ['a list of errors', (token) => ({ status: 422, body: { errors: [{ name: token }] } })],
  ['a URL', (token) => ({ status: 500, body: { message: `GET /?token=${encodeURIComponent(token)}` } })],
  ['HTML', (token) => ({ status: 502, body: `<p>${token}</p>` })],
  ['a body that is not JSON', (token) => ({ status: 200, body: `<p>${token}</p>` })],
  ['JSON of another shape', (token) => ({ status: 200, body: { [token]: token, data: token } })],
  ['an event without an id', (token) => listOf([{ note: token }])],
  [
    'an event with escapes in it',
    (token) => ({ status: 200, body: `{"has_next":false,"cursor_end":null,"data":[{"note":"${escaped(token)}"}]}` }),
  ],
  ['an event whose id is the token', (token) => listOf([{ id: token, audit_action: 7 }])],
  ['a cursor', (token) => listOf([], { has_next: true, cursor_end: token })],
  ['a redirect', () => redirected],
  ['no answer', () => ({ network: 'reset' })],
  ['half an answer', () => ({ network: 'truncated' })],
];

describe.each(tokens)('the token %j', (serviceToken) => {
  test.each(paths)('is in no error after %s', async (_, echo) => {
    const { fake, client } = await serve({ serviceToken });
    const answer = echo(serviceToken);
    fake.failNext(answer, answer, answer);
    const iterate = async () => {
      for await (const _event of client({ serviceToken }).events())
        expect.unreachable('no answer here holds a valid event');
    };
    const error = await failure(iterate());
    expect(error).toBeInstanceOf(PlanetScaleAuditError);
    expect(leaks(error, serviceToken)).toBe(false);
  });

  test('is neither in a notice of a poller nor in an inspected poller', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const fake = fakePlanetScale({ serviceTokenId: 'id', serviceToken });
    const retryable = paths
      .map(([, echo]) => echo(serviceToken))
      .filter((answer) => 'network' in answer || answer.status >= 500);
    fake.failNext(...retryable, { status: 401 });
    const client = new PlanetScaleAuditClient({
      organization: 'acme',
      serviceTokenId: 'id',
      serviceToken,
      retries: 0,
      fetch: fake.fetch,
    });
    const notices: PollNotice[] = [];
    const running = poller(client, { store: new Map(), onNotice: (notice) => void notices.push(notice) });
    const failed = failure(running.batches().next());
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(await failed).toBeInstanceOf(PlanetScaleAuditError);
    expect(notices.length).toBeGreaterThan(2);
    for (const shown of [await failed, notices, running]) expect(leaks(shown, serviceToken)).toBe(false);
  });

  test('is neither in an inspected client nor in its access report', async () => {
    const { fake, client } = await serve({ serviceToken });
    const reading = client({ serviceToken });
    fake.failNext({ status: 404 }, { status: 200, body: { data: [{ name: serviceToken }], next_page: null } });
    const report = await reading.verifyAccess();
    expect(report).toMatchObject({ reason: 'unknown-organization' });
    for (const shown of [reading, report]) expect(leaks(shown, serviceToken)).toBe(false);
  });

  test('is in no error about invalid options', () => {
    const wrong = [
      { serviceTokenId: 'id:x', serviceToken },
      { serviceToken: `${serviceToken} ` },
      { serviceTokenId: 'id', serviceToken, accessToken: serviceToken },
      { accessToken: `${serviceToken}:` },
      { accessToken: serviceToken, timeoutMs: -1 },
    ];
    for (const options of wrong) {
      try {
        new PlanetScaleAuditClient({ organization: 'acme', ...options });
        expect.unreachable('these options are invalid');
      } catch (error) {
        expect(error).toBeInstanceOf(PlanetScaleAuditError);
        expect(leaks(error, serviceToken)).toBe(false);
      }
    }
  });

  test('is in no error after a custom fetch whose error quotes the request', async () => {
    const client = new PlanetScaleAuditClient({
      organization: 'acme',
      serviceTokenId: 'id',
      serviceToken,
      retries: 0,
      fetch: async (input, init) => {
        const { headers } = new Request(input, init);
        throw Object.assign(new Error(`failed: ${headers.get('authorization')}`), { headers: [...headers] });
      },
    });
    expect(leaks(await failure(client.page()), serviceToken)).toBe(false);
  });
});

test.each([
  ['a message', (token: string) => ({ status: 400, body: { message: `use ${token}, not yours` } })],
  ['an event', (token: string) => listOf([{ note: token, kept: 'yes' }])],
])('another PlanetScale token is in no error after %s, while the error quotes the rest', async (_, echo) => {
  const { fake, client } = await serve();
  const another = 'pscale_pw_Ab3-Zk9_wLq7xT2v';
  fake.failNext(echo(another));
  const error = await failure(client().page());
  expect(leaks(error, another)).toBe(false);
  expect(inspect(error, { depth: null })).toMatch(/not yours|kept/);
});

test.each([
  ['that the quote would cut', (token: string) => `${'-'.repeat(195)}${token}`],
  ['that the server has cut', (token: string) => `unknown: ${token.slice(0, -1)}`],
])('an error quotes no part of a token %s', async (_, say) => {
  const serviceToken = 'Zq8wLx3vNk5tRb7yHc2mJd9f';
  const { fake, client } = await serve({ serviceToken });
  fake.failNext({ status: 400, body: { message: say(serviceToken) } });
  const error = await failure(client({ serviceToken }).page());
  for (let at = 0; at + 4 < serviceToken.length; at++) {
    expect(String(error)).not.toContain(serviceToken.slice(at, at + 4));
  }
});

test('an error quotes a list of errors without its tokens', async () => {
  const { fake, client } = await serve();
  fake.failNext({
    status: 422,
    body: { errors: [{ limit: 'is too large' }, credentials.serviceToken, 'x'.repeat(500)] },
  });
  const error = await failure(client().page());
  expect(error).toHaveProperty('message', expect.stringContaining(': [{"limit":"is too large"},"[redacted]","xxx'));
  expect(String(error).length).toBeLessThan(400);
});

test('a client redacts an echo of two million characters that resemble a token without delay', async () => {
  const serviceToken = `${'ab'.repeat(250)}c`;
  const { fake, client } = await serve({ serviceToken });
  fake.failNext({ status: 400, body: { message: 'ab'.repeat(1_000_000) } }, listOf([{ note: 'ab'.repeat(1_000_000) }]));
  const reading = client({ serviceToken });
  for (const name of ['AuditApiError', 'AuditResponseError']) {
    const error = await failure(reading.page());
    expect(error).toMatchObject({ name });
    expect(JSON.stringify(error)).not.toContain('abababababab');
  }
});

test('a poller without onNotice logs no token', async () => {
  vi.useFakeTimers({ now: Date.parse('2026-11-01T00:00:00Z') });
  onTestFinished(() => void vi.useRealTimers());
  const lines: unknown[][] = [];
  for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
    vi.spyOn(console, method).mockImplementation((...line) => void lines.push(line));
  }
  const { serviceTokenId, serviceToken } = credentials;
  const fake = fakePlanetScale(credentials);
  fake.add({ id: 'firstfirst00' });
  const client = new PlanetScaleAuditClient({
    organization: 'acme',
    serviceTokenId,
    serviceToken,
    retries: 0,
    fetch: fake.fetch,
  });
  const controller = new AbortController();
  const polling = collect(poller(client, { store: new Map(), signal: controller.signal }));
  await vi.advanceTimersByTimeAsync(3_600_000);
  fake.failNext(
    ...paths.map(([, echo]) => echo(serviceToken)).filter((answer) => 'status' in answer && answer.status >= 500),
  );
  fake.remove('firstfirst00');
  fake.add({ id: 'olderolder00', created_at: '2026-10-31T23:59:59Z' });
  await vi.advanceTimersByTimeAsync(3_600_000);
  controller.abort();
  await polling;
  expect(lines.length).toBeGreaterThan(0);
  expect(leaks(lines, serviceToken)).toBe(false);
});

test('an access token is in no error', async () => {
  const accessToken = 'login-5pYq0Zk3vLw9';
  const { fake, client } = await serve();
  const reading = client({ serviceTokenId: undefined, serviceToken: undefined, accessToken });
  fake.failNext({ status: 403, body: { message: `Bearer ${accessToken} lacks a scope` } });
  const error = await failure(reading.page());
  expect(error).toMatchObject({ status: 403 });
  expect(leaks(error, accessToken)).toBe(false);
});

test('an event keeps a token that the log holds', async () => {
  const token = tokens[0] ?? '';
  const { client } = await serve({
    serviceToken: token,
    events: [{ metadata: { leaked: token } } satisfies Partial<AuditEvent>],
  });
  const [event] = (await client({ serviceToken: token }).page()).events;
  expect(event?.metadata).toEqual({ leaked: token });
});
