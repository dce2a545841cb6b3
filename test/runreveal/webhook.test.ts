import { getEventListeners } from 'node:events';
import {
  AuditConfigError,
  type AuditEvent,
  runRevealWebhook,
  toRevealdEvent,
  toStructuredWebhook,
} from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { eventFromText } from '../support/arbitrary-events.ts';
import { leaks } from '../support/leaks.ts';
import {
  numberedEvents,
  recordingWebhook,
  webhookToken as token,
  webhookSecret,
} from '../support/recording-webhook.ts';
import { failure, serveRaw } from '../support/served.ts';

const context = { receivedAt: new Date('2026-11-01T12:00:00Z') };

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

  test('has no Authorization header without a token', async () => {
    const webhook = await recordingWebhook();
    await runRevealWebhook({ url: new URL(webhook.url), format: 'reveald', context })(numberedEvents(1));
    expect(webhook.received[0]?.headers).not.toHaveProperty('authorization');
    expect(webhook.accepted).toEqual(numberedEvents(1).map((event) => toRevealdEvent(event, context)));
  });

  test('is sent in requests of at most 100 events, one after the other and in order', async () => {
    const webhook = await recordingWebhook();
    const events = numberedEvents(250);
    await runRevealWebhook({ url: webhook.url })(events);
    expect(webhook.received.map(({ body }) => JSON.parse(body).length)).toEqual([100, 100, 50]);
    expect(webhook.accepted).toMatchObject(events.map(({ actor_id }) => ({ actor: { id: actor_id } })));
  });

  test('causes no request if it is empty', async () => {
    const webhook = await recordingWebhook();
    await runRevealWebhook({ url: webhook.url })([]);
    expect(webhook.received).toEqual([]);
  });

  test('is accepted with any status below 300 and any body', async () => {
    const webhook = await recordingWebhook();
    webhook.answer({ status: 204 }, { status: 200, body: '<p>ok</p>' }, { status: 201, body: 'x'.repeat(1_000_000) });
    const send = runRevealWebhook({ url: webhook.url });
    for (const event of numberedEvents(3)) await send([event]);
    expect(webhook.accepted).toHaveLength(3);
  });

  test('is accepted by the status, even if the body of the response breaks off', async () => {
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

  test('is sent whole, even if the caller empties the array meanwhile', async () => {
    const webhook = await recordingWebhook();
    const events = numberedEvents(150);
    const sent = runRevealWebhook({ url: webhook.url })(events);
    events.length = 0;
    await sent;
    expect(webhook.accepted).toHaveLength(150);
  });
});

describe('rawLog in the reveald format', () => {
  test.each([
    ['integers beyond 2^53', '{"n":18446744073709551616,"m":1e400}'],
    ['keys in any order', '{"b":1,"10":2,"2":3}'],
    ['a duplicate key', '{"a":1,"a":2}'],
    ['escapes and white space', '{ "a" :\t"\\u00e9\\/\\ud83d\\ude00" }'],
    ['nesting of 20,000 levels', `{"deep":${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
    ['a megabyte', `{"long":"${'x'.repeat(1_000_000)}"}`],
  ])('arrives exactly as PlanetScale sent it, with %s', async (_, metadata) => {
    const webhook = await recordingWebhook();
    const raw = `{"id":"abc","audit_action":"database.created", "created_at":"2026-11-01T00:00:00Z","metadata":${metadata}}`;
    await runRevealWebhook({ url: webhook.url, format: 'reveald' })([eventFromText(raw), ...numberedEvents(1)]);
    expect(webhook.received[0]?.body).toContain(`"rawLog":${raw}}`);
    expect(webhook.accepted).toHaveLength(2);
  });
});

describe('a send with a signal', () => {
  test('makes no request if the signal has aborted before the call', async () => {
    const webhook = await recordingWebhook();
    const send = runRevealWebhook({ url: webhook.url });
    expect(await failure(send(numberedEvents(1), { signal: AbortSignal.abort('not now') }))).toBe('not now');
    expect(webhook.received).toEqual([]);
  });

  test('rejects an empty batch too if the signal has aborted before the call', async () => {
    const send = runRevealWebhook({ url: 'https://hook.example.com/x' });
    expect(await failure(send([], { signal: AbortSignal.abort('not now') }))).toBe('not now');
  });

  test('makes no second request after an abort between two requests', async () => {
    const webhook = await recordingWebhook();
    const stop = new AbortController();
    const actorEmail = ({ id }: AuditEvent) => void (id === 'event100' && stop.abort('enough'));
    const send = runRevealWebhook({ url: webhook.url, context: { actorEmail } });
    expect(await failure(send(numberedEvents(200), { signal: stop.signal }))).toBe('enough');
    expect(webhook.received).toHaveLength(1);
  });

  test('rejects with the reason of an abort while RunReveal does not respond, closes the connection and leaves no listener', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const closed = Promise.withResolvers<void>();
    const url = await serveRaw((request, response) => {
      response.on('close', closed.resolve);
      request.resume().on('end', () => stop.abort(reason));
    });
    expect(await failure(runRevealWebhook({ url })(numberedEvents(1), { signal: stop.signal }))).toBe(reason);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    await closed.promise;
  });

  test('rejects with the reason of an abort during the wait before a retry, and leaves no listener', async () => {
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

  test('leaves no listener if the signal never aborts, after any number of batches', async () => {
    const webhook = await recordingWebhook();
    const { signal } = new AbortController();
    const send = runRevealWebhook({ url: webhook.url });
    for (const event of numberedEvents(20)) await send([event], { signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('runRevealWebhook', () => {
  const url = `https://api.runreveal.com/sources/hook/${webhookSecret}`;
  test.each([
    ['an empty URL', { url: '' }, 'url: must be the absolute URL'],
    ['a text that is no URL', { url: `${webhookSecret} `, token }, 'url: must be the absolute URL'],
    ['a URL that is only a path', { url: `/sources/hook/${webhookSecret}` }, 'url: must be the absolute URL'],
    ['plain HTTP', { url: url.replace('https', 'http') }, 'url: must use https'],
    ['another protocol', { url: url.replace('https', 'ftp') }, 'url: must use https'],
    ['a user in the URL', { url: url.replace('//', `//${webhookSecret}@`) }, 'url: must not hold a user or a password'],
    ['a line feed at the end of the token', { url, token: `${token}\n` }, 'token: must be printable ASCII'],
    ['an empty token', { url, token: '' }, 'token: must not be empty'],
    ['a token for a source without one', { url, token, format: 'reveald' }, 'token: is for a structured webhook'],
    ['an unknown format', { url, format: token }, "format: must be 'structured' or 'reveald'"],
    ['a fetch that is no function', { url, fetch: url }, 'fetch: must be a function'],
  ])('rejects %s with an AuditConfigError before any request', (_, options, problem) => {
    // biome-ignore lint/suspicious/noExplicitAny: what a user without types can pass
    const make = () => runRevealWebhook(options as any);
    expect(make).toThrow(AuditConfigError);
    expect(make).toThrow(`runRevealWebhook: ${problem}`);
    try {
      make();
    } catch (error) {
      for (const secret of [webhookSecret, token]) expect(leaks(error, secret)).toBe(false);
    }
  });

  test('rejects a context with an invalid receivedAt before any request', async () => {
    const webhook = await recordingWebhook();
    const send = runRevealWebhook({ url: webhook.url, context: { receivedAt: new Date(Number.NaN) } });
    expect(await failure(send(numberedEvents(1)))).toBeInstanceOf(AuditConfigError);
    expect(webhook.received).toEqual([]);
  });
});
