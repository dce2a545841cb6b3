import { AuditApiError, AuditConnectionError, runRevealWebhook } from 'planetscale-audit';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  numberedEvents,
  recordingWebhook,
  webhookToken as token,
  type WebhookAnswer,
  withoutBackoff,
} from '../support/recording-webhook.ts';
import { failure } from '../support/served.ts';

describe('a temporary failure', () => {
  const temporary: readonly [string, WebhookAnswer | 'reset'][] = [
    ['408', { status: 408 }],
    ['429', { status: 429 }],
    ['500', { status: 500 }],
    ['503', { status: 503 }],
    ['a reset', 'reset'],
  ];
  test.each(temporary)('is retried until RunReveal accepts the events: %s', async (_, answer) => {
    withoutBackoff();
    const webhook = await recordingWebhook();
    webhook.answer(answer, answer);
    await runRevealWebhook({ url: webhook.url, token })(numberedEvents(2));
    expect(webhook.received).toHaveLength(3);
    expect(new Set(webhook.received.map(({ body }) => body)).size).toBe(1);
    expect(webhook.received.every(({ headers }) => headers.authorization === `Bearer ${token}`)).toBe(true);
    expect(webhook.accepted).toHaveLength(2);
  });

  test('is not retried before the time in Retry-After', async () => {
    withoutBackoff();
    const webhook = await recordingWebhook();
    webhook.answer({ status: 429, headers: { 'retry-after': '0.3' } });
    const startedAt = performance.now();
    await runRevealWebhook({ url: webhook.url })(numberedEvents(1));
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(290);
  });

  test('is thrown with retryAfterMs if Retry-After is more than a minute', async () => {
    const webhook = await recordingWebhook();
    webhook.answer({ status: 503, headers: { 'retry-after': '90' } });
    const error = await failure(runRevealWebhook({ url: webhook.url })(numberedEvents(1)));
    expect(error).toMatchObject({ name: 'AuditApiError', status: 503, retryable: true, retryAfterMs: 90_000 });
    expect(webhook.received).toHaveLength(1);
  });

  test('is thrown after the fifth attempt, and its message names RunReveal and the request', async () => {
    withoutBackoff();
    const webhook = await recordingWebhook();
    webhook.answer(...Array.from({ length: 9 }, () => ({ status: 502, body: '<p>Bad Gateway</p>' })));
    const error = await failure(runRevealWebhook({ url: webhook.url })(numberedEvents(1)));
    expect(error).toMatchObject({ name: 'AuditApiError', status: 502, retryable: true });
    expect(error).toHaveProperty('message', 'RunReveal answered 502 to a POST of 1 event(s).');
    expect(webhook.received).toHaveLength(5);
  });

  test('is thrown as a retryable AuditConnectionError if the connection fails', async () => {
    withoutBackoff();
    const send = runRevealWebhook({
      url: 'http://127.0.0.1:9/sources/hook/x',
      fetch: () => Promise.reject(new TypeError('fetch failed')),
    });
    const error = await failure(send(numberedEvents(1)));
    expect(error).toBeInstanceOf(AuditConnectionError);
    expect(error).toMatchObject({
      retryable: true,
      message: expect.stringContaining('RunReveal gave no complete response'),
    });
  });

  test('is thrown as a retryable AuditConnectionError if no response arrives for 30 seconds', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    withoutBackoff();
    let attempts = 0;
    const hang: typeof fetch = (_, init) =>
      new Promise((_, reject) => {
        attempts++;
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason));
      });
    const failed = failure(runRevealWebhook({ url: 'https://hook.example.com/x', fetch: hang })(numberedEvents(1)));
    await vi.advanceTimersByTimeAsync(5 * 30_000 + 1000);
    expect(await failed).toMatchObject({ name: 'AuditConnectionError', retryable: true });
    expect(await failed).toHaveProperty(
      'message',
      expect.stringContaining('RunReveal gave no complete response to a POST of 1 event(s) within 30000 ms'),
    );
    expect(attempts).toBe(5);
  });
});

describe('a permanent failure', () => {
  test.each([
    [400, 'format'],
    [401, 'token'],
    [403, 'token'],
    [404, 'Check the URL'],
    [409, 'RunReveal answered 409'],
    [410, 'Check the URL'],
    [413, 'onTooLarge'],
    [422, 'format'],
    [418, 'RunReveal answered 418'],
    [425, 'RunReveal answered 425'],
  ])('is thrown as an AuditApiError without a retry: the message for %i contains %j', async (status, hint) => {
    const webhook = await recordingWebhook();
    webhook.answer({ status, body: '{"error":"no"}' });
    const error = await failure(runRevealWebhook({ url: webhook.url })(numberedEvents(1)));
    expect(error).toBeInstanceOf(AuditApiError);
    expect(error).toMatchObject({ status, retryable: false, message: expect.stringContaining(hint) });
    expect(webhook.received).toHaveLength(1);
  });

  test('prevents the requests after it', async () => {
    const webhook = await recordingWebhook();
    webhook.answer({ status: 202 }, { status: 400 });
    await expect(runRevealWebhook({ url: webhook.url })(numberedEvents(300))).rejects.toThrow('RunReveal answered 400');
    expect(webhook.received).toHaveLength(2);
    expect(webhook.accepted).toHaveLength(100);
  });

  test('includes a redirect, so that neither the events nor the token reach another host', async () => {
    const elsewhere = await recordingWebhook();
    const webhook = await recordingWebhook();
    webhook.answer({ status: 307, headers: { location: elsewhere.url } });
    const error = await failure(runRevealWebhook({ url: webhook.url, token })(numberedEvents(1)));
    expect(error).toBeInstanceOf(AuditConnectionError);
    expect(error).toMatchObject({ retryable: false });
    expect(elsewhere.received).toEqual([]);
  });

  test("includes a redirect that the user's fetch has followed", async () => {
    const elsewhere = await recordingWebhook();
    const webhook = await recordingWebhook();
    webhook.answer({ status: 307, headers: { location: elsewhere.url } });
    const following: typeof fetch = (input, init) => fetch(input, { ...init, redirect: 'follow' });
    const error = await failure(runRevealWebhook({ url: webhook.url, fetch: following })(numberedEvents(1)));
    expect(error).toMatchObject({ name: 'AuditConnectionError', retryable: false });
  });
});
