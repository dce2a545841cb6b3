import { inspect } from 'node:util';
import { runRevealWebhook } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { escaped, leaks } from '../support/leaks.ts';
import {
  numberedEvents,
  recordingWebhook,
  webhookToken as token,
  type WebhookAnswer,
  webhookSecret,
  withoutBackoff,
} from '../support/recording-webhook.ts';
import { failure } from '../support/served.ts';

/** Ids of several shapes. Some of them are spelled differently inside JSON or a URL. */
const ids = [webhookSecret, 'a"b\\c/d-5pYq0Zk3', 'é😀-5pYq0Zk3vLw9-é', '50%25off~(x)[y]*$^!', 'x'.repeat(500)];

describe.each(ids)('the secret %j in the URL', (id) => {
  /** Every part of a response that can reach an error, each with a server that echoes the secret. */
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
    ['a reset', () => 'reset'],
  ];

  test.each(echoes)('is in no error after %s that echoes it, and neither is the token', async (_, echo) => {
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

  test("is in no error if the user's fetch throws an error that shows its request", async () => {
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

  test('is not in the output of inspecting the send function', () => {
    const send = runRevealWebhook({ url: `https://api.runreveal.com/sources/hook/${encodeURIComponent(id)}`, token });
    for (const hidden of [id, encodeURIComponent(id), token]) expect(leaks(send, hidden)).toBe(false);
    expect(inspect(send)).toMatch(/^\[AsyncFunction/);
  });
});

test('a secret that the server echoes in another case is in no error either', async () => {
  const webhook = await recordingWebhook();
  webhook.answer({ status: 400, body: `{"message":"no ${token.toUpperCase()} for ${webhookSecret.toLowerCase()}"}` });
  const error = await failure(runRevealWebhook({ url: webhook.url, token })(numberedEvents(1)));
  expect(error).toHaveProperty('message', expect.stringContaining('no [redacted] for [redacted]'));
});

test("the public parts of the URL stay readable in RunReveal's message, in any case", async () => {
  const webhook = await recordingWebhook(`/Sources/Hook/${webhookSecret}`);
  webhook.answer({ status: 400, body: '{"message":"this hook / source is paused"}' });
  await expect(runRevealWebhook({ url: webhook.url })(numberedEvents(1))).rejects.toThrow(
    'this hook / source is paused',
  );
});
