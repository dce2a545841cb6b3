import { getEventListeners } from 'node:events';
import { inspect } from 'node:util';
import {
  AuditApiError,
  AuditConfigError,
  AuditConnectionError,
  type AuditEvent,
  runRevealWebhook,
  toRevealdEvent,
  toStructuredWebhook,
} from 'planetscale-audit';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { eventFromText, eventWith } from '../support/arbitrary-events.ts';
import { escaped, leaks } from '../support/leaks.ts';
import { recordingWebhook, type WebhookAnswer, webhookSecret } from '../support/recording-webhook.ts';
import { failure, serveRaw } from '../support/served.ts';

const token = 'rr_5pYq0Zk3vLw9bD4e';
const context = { receivedAt: new Date('2026-11-01T12:00:00Z') };
const numberedEvents = (count: number): AuditEvent[] =>
  Array.from({ length: count }, (_, index) => eventWith({ id: `event${index}`, actor_id: `actor${index}` }));

/** Makes retries come at once. */
const withoutBackoff = () => vi.spyOn(Math, 'random').mockReturnValue(0);

describe('a batch that RunReveal accepts', () => {
  test('arrives as one POST of a JSON array, with the token', async () => {
    const webhook = await recordingWebhook();
    const events = numberedEvents(3);
    await runRevealWebhook({ url: webhook.url, token, context })(events);
    expect(webhook.received).toHaveLength(1);
    expect(webhook.received[0]).toMatchObject({
      method: 'POST',
      path: `/sources/hook/${webhookSecret}`,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    });
    expect(webhook.accepted).toEqual(events.map((event) => toStructuredWebhook(event, context)));
  });

  test('goes without an Authorization header where there is no token', async () => {
    const webhook = await recordingWebhook();
    await runRevealWebhook({ url: new URL(webhook.url), format: 'reveald', context })(numberedEvents(1));
    expect(webhook.received[0]?.headers).not.toHaveProperty('authorization');
    expect(webhook.accepted).toEqual(numberedEvents(1).map((event) => toRevealdEvent(event, context)));
  });

  test('goes in parts of at most 100 events, one after the other and in order', async () => {
    const webhook = await recordingWebhook();
    const events = numberedEvents(250);
    await runRevealWebhook({ url: webhook.url })(events);
    expect(webhook.received.map(({ body }) => JSON.parse(body).length)).toEqual([100, 100, 50]);
    expect(webhook.accepted).toMatchObject(events.map(({ actor_id }) => ({ actor: { id: actor_id } })));
  });

  test('is no request where it is empty', async () => {
    const webhook = await recordingWebhook();
    await runRevealWebhook({ url: webhook.url })([]);
    expect(webhook.received).toEqual([]);
  });

  test('may be answered with any status below 300, whatever the body', async () => {
    const webhook = await recordingWebhook();
    webhook.answer({ status: 204 }, { status: 200, body: '<p>ok</p>' }, { status: 201, body: 'x'.repeat(1_000_000) });
    const send = runRevealWebhook({ url: webhook.url });
    for (const event of numberedEvents(3)) await send([event]);
    expect(webhook.accepted).toHaveLength(3);
  });

  test('is accepted by the status, though its body breaks off', async () => {
    let requests = 0;
    const url = await serveRaw((request, response) => {
      requests++;
      request.resume().on('end', () => {
        response.writeHead(202, { 'content-length': '100' }).write('{"ok":', () => response.destroy());
      });
    });
    await runRevealWebhook({ url })(numberedEvents(1));
    expect(requests).toBe(1);
  });

  test('is sent as it was handed over, though the caller empties it meanwhile', async () => {
    const webhook = await recordingWebhook();
    const events = numberedEvents(150);
    const sent = runRevealWebhook({ url: webhook.url })(events);
    events.length = 0;
    await sent;
    expect(webhook.accepted).toHaveLength(150);
  });
});

describe('the raw log of the reveald format', () => {
  test.each([
    ['integers beyond 2^53', '{"n":18446744073709551616,"m":1e400}'],
    ['the order of keys', '{"b":1,"10":2,"2":3}'],
    ['a key that stands there twice', '{"a":1,"a":2}'],
    ['escapes and white space', '{ "a" :\t"\\u00e9\\/\\ud83d\\ude00" }'],
    ['nesting of 20,000', `{"deep":${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
    ['a megabyte', `{"long":"${'x'.repeat(1_000_000)}"}`],
  ])('arrives as PlanetScale sent it: %s', async (_, metadata) => {
    const webhook = await recordingWebhook();
    const raw = `{"id":"abc","audit_action":"database.created", "created_at":"2026-11-01T00:00:00Z","metadata":${metadata}}`;
    await runRevealWebhook({ url: webhook.url, format: 'reveald' })([eventFromText(raw), ...numberedEvents(1)]);
    expect(webhook.received[0]?.body).toContain(`"rawLog":${raw}}`);
    expect(webhook.accepted).toHaveLength(2);
  });
});

describe('a failure that may pass', () => {
  const passing: readonly [string, WebhookAnswer | 'reset'][] = [
    ['408', { status: 408 }],
    ['429', { status: 429 }],
    ['500', { status: 500 }],
    ['503', { status: 503 }],
    ['a reset', 'reset'],
  ];
  test.each(passing)('%s is tried again until RunReveal accepts', async (_, answer) => {
    withoutBackoff();
    const webhook = await recordingWebhook();
    webhook.answer(answer, answer);
    await runRevealWebhook({ url: webhook.url, token })(numberedEvents(2));
    expect(webhook.received).toHaveLength(3);
    expect(new Set(webhook.received.map(({ body }) => body)).size).toBe(1);
    expect(webhook.received.every(({ headers }) => headers.authorization === `Bearer ${token}`)).toBe(true);
    expect(webhook.accepted).toHaveLength(2);
  });

  test('is never tried again before Retry-After says', async () => {
    withoutBackoff();
    const webhook = await recordingWebhook();
    webhook.answer({ status: 429, headers: { 'retry-after': '0.3' } });
    const startedAt = performance.now();
    await runRevealWebhook({ url: webhook.url })(numberedEvents(1));
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(290);
  });

  test('is thrown where Retry-After asks for more than a minute, with how long that is', async () => {
    const webhook = await recordingWebhook();
    webhook.answer({ status: 503, headers: { 'retry-after': '90' } });
    const error = await failure(runRevealWebhook({ url: webhook.url })(numberedEvents(1)));
    expect(error).toMatchObject({ name: 'AuditApiError', status: 503, retryable: true, retryAfterMs: 90_000 });
    expect(webhook.received).toHaveLength(1);
  });

  test('is thrown after the fifth attempt, and says who failed at what', async () => {
    withoutBackoff();
    const webhook = await recordingWebhook();
    webhook.answer(...Array.from({ length: 9 }, () => ({ status: 502, body: '<p>Bad Gateway</p>' })));
    const error = await failure(runRevealWebhook({ url: webhook.url })(numberedEvents(1)));
    expect(error).toMatchObject({ name: 'AuditApiError', status: 502, retryable: true });
    expect(error).toHaveProperty('message', 'RunReveal answered 502 to a POST of 1 event(s).');
    expect(webhook.received).toHaveLength(5);
  });

  test('stops the parts that come after it', async () => {
    const webhook = await recordingWebhook();
    webhook.answer({ status: 202 }, { status: 400 });
    await expect(runRevealWebhook({ url: webhook.url })(numberedEvents(300))).rejects.toThrow('RunReveal answered 400');
    expect(webhook.received).toHaveLength(2);
    expect(webhook.accepted).toHaveLength(100);
  });

  test('no connection at all is a retryable AuditConnectionError', async () => {
    withoutBackoff();
    const send = runRevealWebhook({
      url: 'http://127.0.0.1:9/sources/hook/x',
      fetch: () => Promise.reject(new TypeError('fetch failed')),
    });
    const error = await failure(send(numberedEvents(1)));
    expect(error).toBeInstanceOf(AuditConnectionError);
    expect(error).toMatchObject({
      retryable: true,
      message: expect.stringContaining('RunReveal gave no whole answer'),
    });
  });

  test('no answer within 30 seconds is one too', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    withoutBackoff();
    let attempts = 0;
    const hang: typeof fetch = (input) =>
      new Promise((_, reject) => {
        attempts++;
        const { signal } = new Request(input);
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    const failed = failure(runRevealWebhook({ url: 'https://hook.example.com/x', fetch: hang })(numberedEvents(1)));
    await vi.advanceTimersByTimeAsync(5 * 30_000 + 1000);
    expect(await failed).toMatchObject({ name: 'AuditConnectionError', retryable: true });
    expect(await failed).toHaveProperty(
      'message',
      expect.stringContaining('RunReveal gave no whole answer to a POST of 1 event(s) within 30000 ms'),
    );
    expect(attempts).toBe(5);
  });
});

describe('a failure that lasts', () => {
  test.each([
    [400, 'format'],
    [401, 'token'],
    [403, 'token'],
    [404, 'Check the URL'],
    [409, 'RunReveal answered 409'],
    [410, 'Check the URL'],
    [413, 'fewer'],
    [422, 'format'],
    [418, 'RunReveal answered 418'],
    [425, 'RunReveal answered 425'],
  ])('%i is an AuditApiError at once, and says what to do', async (status, hint) => {
    const webhook = await recordingWebhook();
    webhook.answer({ status, body: '{"error":"no"}' });
    const error = await failure(runRevealWebhook({ url: webhook.url })(numberedEvents(1)));
    expect(error).toBeInstanceOf(AuditApiError);
    expect(error).toMatchObject({ status, retryable: false, message: expect.stringContaining(hint) });
    expect(webhook.received).toHaveLength(1);
  });

  test('a redirect is refused: neither the events nor the token go anywhere else', async () => {
    const elsewhere = await recordingWebhook();
    const webhook = await recordingWebhook();
    webhook.answer({ status: 307, headers: { location: elsewhere.url } });
    const error = await failure(runRevealWebhook({ url: webhook.url, token })(numberedEvents(1)));
    expect(error).toBeInstanceOf(AuditConnectionError);
    expect(error).toMatchObject({ retryable: false });
    expect(elsewhere.received).toEqual([]);
  });

  test('so is one that a fetch of the user has followed', async () => {
    const elsewhere = await recordingWebhook();
    const webhook = await recordingWebhook();
    webhook.answer({ status: 307, headers: { location: elsewhere.url } });
    const following: typeof fetch = (input) => fetch(new Request(input, { redirect: 'follow' }));
    const error = await failure(runRevealWebhook({ url: webhook.url, fetch: following })(numberedEvents(1)));
    expect(error).toMatchObject({ name: 'AuditConnectionError', retryable: false });
  });
});

describe('an abort', () => {
  test('beforehand makes no request', async () => {
    const webhook = await recordingWebhook();
    const send = runRevealWebhook({ url: webhook.url });
    expect(await failure(send(numberedEvents(1), { signal: AbortSignal.abort('not now') }))).toBe('not now');
    expect(webhook.received).toEqual([]);
  });

  test('beforehand rejects an empty batch too', async () => {
    const send = runRevealWebhook({ url: 'https://hook.example.com/x' });
    expect(await failure(send([], { signal: AbortSignal.abort('not now') }))).toBe('not now');
  });

  test('between two parts keeps the second back', async () => {
    const webhook = await recordingWebhook();
    const stop = new AbortController();
    const actorEmail = ({ id }: AuditEvent) => void (id === 'event100' && stop.abort('enough'));
    const send = runRevealWebhook({ url: webhook.url, context: { actorEmail } });
    expect(await failure(send(numberedEvents(200), { signal: stop.signal }))).toBe('enough');
    expect(webhook.received).toHaveLength(1);
  });

  test('while RunReveal is silent rejects with its reason, hangs up and leaves no listener', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const hungUp = Promise.withResolvers<void>();
    const url = await serveRaw((request, response) => {
      response.on('close', hungUp.resolve);
      request.resume().on('end', () => stop.abort(reason));
    });
    expect(await failure(runRevealWebhook({ url })(numberedEvents(1), { signal: stop.signal }))).toBe(reason);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    await hungUp.promise;
  });

  test('while a retry is waited for rejects with its reason and leaves no listener', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const url = await serveRaw((request, response) => {
      response.writeHead(503, { 'retry-after': '50' }).end();
      setTimeout(() => stop.abort(reason), 20);
      request.resume();
    });
    expect(await failure(runRevealWebhook({ url })(numberedEvents(1), { signal: stop.signal }))).toBe(reason);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });

  test('that never comes leaves no listener either, however many batches there are', async () => {
    const webhook = await recordingWebhook();
    const { signal } = new AbortController();
    const send = runRevealWebhook({ url: webhook.url });
    for (const event of numberedEvents(20)) await send([event], { signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('an option that is wrong is an AuditConfigError before any request', () => {
  const url = `https://api.runreveal.com/sources/hook/${webhookSecret}`;
  test.each([
    ['no URL', { url: '' }, 'url: must be the absolute URL'],
    ['not a URL', { url: `${webhookSecret} `, token }, 'url: must be the absolute URL'],
    ['a path alone', { url: `/sources/hook/${webhookSecret}` }, 'url: must be the absolute URL'],
    ['plain HTTP', { url: url.replace('https', 'http') }, 'url: must be https:'],
    ['another protocol', { url: url.replace('https', 'ftp') }, 'url: must be https:'],
    ['a user', { url: url.replace('//', `//${webhookSecret}@`) }, 'url: must not hold a user or a password'],
    ['a line feed behind the token', { url, token: `${token}\n` }, 'token: must be printable ASCII'],
    ['an empty token', { url, token: '' }, 'token: must not be empty'],
    ['a token where the source has none', { url, token, format: 'reveald' }, 'token: is for a structured webhook'],
    ['an unknown format', { url, format: token }, "format: must be 'structured' or 'reveald'"],
    ['no function', { url, fetch: url }, 'fetch: must be a function'],
  ])('%s', (_, options, problem) => {
    // biome-ignore lint/suspicious/noExplicitAny: what a user without types can hand over
    const make = () => runRevealWebhook(options as any);
    expect(make).toThrow(AuditConfigError);
    expect(make).toThrow(`runRevealWebhook: ${problem}`);
    try {
      make();
    } catch (error) {
      for (const secret of [webhookSecret, token]) expect(leaks(error, secret)).toBe(false);
    }
  });

  test('a context that is wrong', async () => {
    const webhook = await recordingWebhook();
    const send = runRevealWebhook({ url: webhook.url, context: { receivedAt: new Date(Number.NaN) } });
    expect(await failure(send(numberedEvents(1)))).toBeInstanceOf(AuditConfigError);
    expect(webhook.received).toEqual([]);
  });
});

/** Ids of several shapes: some look otherwise inside JSON or a URL. */
const ids = [webhookSecret, 'a"b\\c/d-5pYq0Zk3', 'é😀-5pYq0Zk3vLw9-é', '50%25off~(x)[y]*$^!', 'x'.repeat(500)];

describe.each(ids)('the secret %j in the URL', (id) => {
  /** Every path on which something of the server's gets into an error, each with a server that echoes the secret. */
  const echoes: readonly [string, (secret: string) => WebhookAnswer | 'reset'][] = [
    ['a message', (secret) => ({ status: 400, body: JSON.stringify({ message: `no webhook ${secret}` }) })],
    ['a message full of escapes', (secret) => ({ status: 400, body: `{"message":"no ${escaped(secret)}"}` })],
    [
      'a long message',
      (secret) => ({ status: 404, body: JSON.stringify({ error: '', message: `${'-'.repeat(180)}${secret}` }) }),
    ],
    ['a code', (secret) => ({ status: 401, body: JSON.stringify({ code: secret }) })],
    [
      'a URL',
      (secret) => ({
        status: 500,
        body: JSON.stringify({ message: `POST /sources/hook/${encodeURIComponent(secret)}` }),
      }),
    ],
    ['HTML', (secret) => ({ status: 502, body: `<p>${secret}</p>` })],
    [
      'a redirect',
      (secret) => ({ status: 302, headers: { location: `https://example.com/${encodeURIComponent(secret)}` } }),
    ],
    ['no answer', () => 'reset'],
  ];

  test.each(echoes)('is in no error after %s, and neither is the token', async (_, echo) => {
    withoutBackoff();
    const webhook = await recordingWebhook(`/sources/hook/${encodeURIComponent(id)}?key=${encodeURIComponent(id)}`);
    const send = runRevealWebhook({ url: webhook.url, token });
    for (const secret of [id, token, webhook.url, new URL(webhook.url).host]) {
      const answer = echo(secret);
      webhook.answer(answer, answer, answer, answer, answer);
      const error = await failure(send(numberedEvents(1)));
      expect(error).toBeInstanceOf(Error);
      for (const hidden of [id, encodeURIComponent(id), token, webhook.url]) expect(leaks(error, hidden)).toBe(false);
    }
  });

  test('is not in an error of a fetch of the user that shows its request', async () => {
    withoutBackoff();
    const send = runRevealWebhook({
      url: `https://api.runreveal.com/sources/hook/${encodeURIComponent(id)}`,
      token,
      fetch: async (input) => {
        const { url, headers } = new Request(input);
        throw Object.assign(new Error(`failed: ${url} ${headers.get('authorization')}`), { url });
      },
    });
    const error = await failure(send(numberedEvents(1)));
    for (const hidden of [id, encodeURIComponent(id), token]) expect(leaks(error, hidden)).toBe(false);
  });

  test('is not in what the function shows of itself', () => {
    const send = runRevealWebhook({ url: `https://api.runreveal.com/sources/hook/${encodeURIComponent(id)}`, token });
    for (const hidden of [id, encodeURIComponent(id), token]) expect(leaks(send, hidden)).toBe(false);
    expect(inspect(send)).toMatch(/^\[AsyncFunction/);
  });
});

test('a secret that comes back in capitals is in no error either', async () => {
  const webhook = await recordingWebhook();
  webhook.answer({ status: 400, body: `{"message":"no ${token.toUpperCase()} for ${webhookSecret.toLowerCase()}"}` });
  const error = await failure(runRevealWebhook({ url: webhook.url, token })(numberedEvents(1)));
  expect(error).toHaveProperty('message', expect.stringContaining('no [redacted] for [redacted]'));
});

test('parts of the URL that everybody knows, in capitals too, stay readable in what RunReveal says', async () => {
  const webhook = await recordingWebhook(`/Sources/Hook/${webhookSecret}`);
  webhook.answer({ status: 400, body: '{"message":"this hook / source is paused"}' });
  await expect(runRevealWebhook({ url: webhook.url })(numberedEvents(1))).rejects.toThrow(
    'this hook / source is paused',
  );
});
