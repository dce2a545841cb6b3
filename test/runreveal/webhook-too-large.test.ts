import {
  AuditApiError,
  AuditConfigError,
  type AuditEvent,
  poller,
  runRevealWebhook,
  toStructuredWebhook,
} from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { eventWith } from '../support/arbitrary-events.ts';
import { leaks } from '../support/leaks.ts';
import {
  numberedEvents,
  type ReceivedRequest,
  recordingWebhook,
  webhookToken as token,
  webhookSecret,
} from '../support/recording-webhook.ts';
import { failure, numbered, serve } from '../support/served.ts';

const url = `https://api.runreveal.com/sources/hook/${webhookSecret}`;
const sizes = (received: readonly ReceivedRequest[]) => received.map(({ body }) => JSON.parse(body).length);
const byteLength = (text: string) => new TextEncoder().encode(text).length;
/** The structured format has no event id, so the tests recognize events by their actors. */
const actorOf = ({ actor_id }: AuditEvent) => ({ actor: { id: actor_id } });

describe('a request that RunReveal refuses with 413', () => {
  test('is halved until RunReveal accepts the halves, and the events keep their order', async () => {
    const webhook = await recordingWebhook();
    webhook.refuseIf((body) => JSON.parse(body).length > 30);
    const events = numberedEvents(130);
    await runRevealWebhook({ url: webhook.url })(events);
    expect(sizes(webhook.received)).toEqual([100, 50, 25, 25, 50, 25, 25, 30]);
    expect(webhook.accepted).toMatchObject(events.map(actorOf));
  });

  test('of an odd number of events is halved too, down to one event', async () => {
    const webhook = await recordingWebhook();
    webhook.refuseIf((body) => JSON.parse(body).length > 1);
    const events = numberedEvents(7);
    await runRevealWebhook({ url: webhook.url })(events);
    expect(sizes(webhook.received)).toEqual([7, 4, 2, 1, 1, 2, 1, 1, 3, 2, 1, 1, 1]);
    expect(webhook.accepted).toMatchObject(events.map(actorOf));
  });

  test('has its events converted once only', async () => {
    const webhook = await recordingWebhook();
    webhook.refuseIf((body) => JSON.parse(body).length > 2);
    const converted: string[] = [];
    const actorEmail = ({ id }: AuditEvent) => void converted.push(id);
    const events = numberedEvents(9);
    await runRevealWebhook({ url: webhook.url, context: { actorEmail } })(events);
    expect(converted).toEqual(events.map(({ id }) => id));
  });

  test('is not halved further after an abort', async () => {
    const webhook = await recordingWebhook();
    const stop = new AbortController();
    webhook.refuseIf(() => {
      stop.abort('enough');
      return true;
    });
    const send = runRevealWebhook({ url: webhook.url });
    expect(await failure(send(numberedEvents(4), { signal: stop.signal }))).toBe('enough');
    expect(webhook.received).toHaveLength(1);
  });
});

describe('a single event that RunReveal refuses with 413', () => {
  const poison = (webhook: Awaited<ReturnType<typeof recordingWebhook>>, ...ids: readonly string[]) =>
    webhook.refuseIf((body) => ids.some((id) => body.includes(`"${id}"`)));

  test('is thrown as an AuditApiError that names the event and says what to do', async () => {
    const webhook = await recordingWebhook();
    poison(webhook, 'actor57');
    const error = await failure(runRevealWebhook({ url: webhook.url, token })(numberedEvents(100)));
    expect(error).toBeInstanceOf(AuditApiError);
    expect(error).toMatchObject({ status: 413, retryable: false });
    expect(error).toHaveProperty('message', expect.stringMatching(/^RunReveal answered 413 .* event57 .*onTooLarge/));
    for (const secret of [webhookSecret, token]) expect(leaks(error, secret)).toBe(false);
    expect(webhook.accepted).toMatchObject(numberedEvents(57).map(actorOf));
  });

  test("is thrown as well with 'throw', and with the text that the server sent", async () => {
    const webhook = await recordingWebhook();
    webhook.answer({ status: 413, body: '{"message":"over 64 kB"}', headers: { 'retry-after': '7' } });
    const error = await failure(runRevealWebhook({ url: webhook.url, onTooLarge: 'throw' })(numberedEvents(1)));
    expect(error).toMatchObject({ status: 413, retryAfterMs: 7000, message: expect.stringContaining('over 64 kB') });
    expect(webhook.received).toHaveLength(1);
  });

  test('goes to onTooLarge, and the events after it are sent once that function has finished', async () => {
    const webhook = await recordingWebhook();
    poison(webhook, 'actor0', 'actor3', 'actor9');
    const refused: AuditEvent[] = [];
    const events = numberedEvents(10);
    await runRevealWebhook({
      url: webhook.url,
      onTooLarge: async (event) => {
        const requests = webhook.received.length;
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(webhook.received).toHaveLength(requests);
        refused.push(event);
      },
    })(events);
    expect(refused).toEqual([events[0], events[3], events[9]]);
    expect(refused[1]).toBe(events[3]);
    expect(webhook.accepted).toMatchObject(events.filter((event) => !refused.includes(event)).map(actorOf));
  });

  test('does not stop the batches after it, if onTooLarge is a function', async () => {
    const webhook = await recordingWebhook();
    poison(webhook, 'actor1');
    const send = runRevealWebhook({ url: webhook.url, format: 'reveald', onTooLarge: () => {} });
    for (const event of numberedEvents(3)) await send([event]);
    expect(webhook.accepted).toMatchObject([{ actor: { id: 'actor0' } }, { actor: { id: 'actor2' } }]);
  });

  test('blocks a poller at its batch by default, and no longer with onTooLarge', async () => {
    const webhook = await recordingWebhook();
    const { client } = await serve({
      events: numbered(5).map((event, index) => ({ ...event, actor_id: `actor${index}` })),
    });
    poison(webhook, 'actor2');
    const store = new Map<string, string>();
    const run = async (onTooLarge?: (event: AuditEvent) => void) => {
      const send = runRevealWebhook({ url: webhook.url, onTooLarge });
      for await (const batch of poller(client(), { store, startFrom: 'oldest', drain: true, onNotice }).batches()) {
        await send(batch);
      }
    };
    const onNotice = () => {};
    for (let runs = 0; runs < 3; runs++) await expect(run()).rejects.toThrow('The event event0000002 is too large');
    const refused: string[] = [];
    await run(({ id }) => void refused.push(id));
    expect(refused).toEqual(['event0000002']);
    expect(webhook.accepted.slice(-4)).toMatchObject([0, 1, 3, 4].map((index) => ({ actor: { id: `actor${index}` } })));
    await run(); // Nothing is left to send.
  });

  test('rejects with the error of onTooLarge, and no further request is made', async () => {
    const webhook = await recordingWebhook();
    poison(webhook, 'actor1');
    const onTooLarge = () => Promise.reject(new Error('the disk is full'));
    const error = await failure(runRevealWebhook({ url: webhook.url, onTooLarge })(numberedEvents(4)));
    expect(error).toHaveProperty('message', 'the disk is full');
    expect(sizes(webhook.received)).toEqual([4, 2, 1, 1]);
  });

  test('does not let the next request start if the signal aborts during onTooLarge', async () => {
    const webhook = await recordingWebhook();
    poison(webhook, 'actor0');
    const stop = new AbortController();
    const send = runRevealWebhook({ url: webhook.url, onTooLarge: () => stop.abort('enough') });
    expect(await failure(send(numberedEvents(2), { signal: stop.signal }))).toBe('enough');
    expect(sizes(webhook.received)).toEqual([2, 1]);
  });

  test('is named without its control characters and in a short form', async () => {
    const webhook = await recordingWebhook();
    webhook.refuseIf(() => true);
    const id = `a\u001b[2J\u202e\r\n${'x'.repeat(900)}`;
    const { message } = Object(await failure(runRevealWebhook({ url: webhook.url })([eventWith({ id })])));
    expect(message).toContain('a\\u001b[2J\\u202e\\u000d\\u000ax');
    expect(message.length).toBeLessThan(600);
  });
});

describe('maxBytes', () => {
  const send = async (events: readonly AuditEvent[], maxBytes?: number) => {
    const webhook = await recordingWebhook();
    await runRevealWebhook({ url: webhook.url, maxBytes })(events);
    expect(webhook.accepted).toEqual(events.map((event) => toStructuredWebhook(event)));
    return webhook.received;
  };

  test('splits a batch before it is sent, counted in bytes of UTF-8', async () => {
    const events = Array.from({ length: 40 }, (_, index) =>
      eventWith({ id: `event${index}`, actor_id: `actor${index}`, auditable_display_name: '😀é'.repeat(index * 7) }),
    );
    const received = await send(events, 3000);
    expect(received.length).toBeGreaterThan(5);
    for (const { body } of received) expect(byteLength(body)).toBeLessThanOrEqual(3000);
    // No request could take the first event of the next.
    received.slice(1).forEach(({ body }, index) => {
      const [next] = JSON.parse(body);
      expect(byteLength(received[index]?.body ?? '') + 1 + byteLength(JSON.stringify(next))).toBeGreaterThan(3000);
    });
  });

  test('is the size of the largest request, brackets and commas included', async () => {
    const events = numberedEvents(3);
    const whole = byteLength(JSON.stringify(events.map((event) => toStructuredWebhook(event))));
    expect(sizes(await send(events, whole))).toEqual([3]);
    expect(sizes(await send(events, whole - 1))).toEqual([2, 1]);
  });

  test('is a million by default, and a request has at most 100 events all the same', async () => {
    const events = numberedEvents(150).map((event) => ({ ...event, auditable_display_name: 'x'.repeat(11_000) }));
    const [first, ...rest] = sizes(await send(events));
    expect(first).toBe(
      Math.floor(1_000_000 / (byteLength(JSON.stringify(toStructuredWebhook(Object(events[99])))) + 1)),
    );
    expect(rest).toEqual([150 - Number(first)]);
    expect(sizes(await send(numberedEvents(150), 10_000_000))).toEqual([100, 50]);
  });

  test('does not refuse a larger event, which is sent alone', async () => {
    const large = { auditable_display_name: 'x'.repeat(5000) };
    const events = numberedEvents(5).map((event, index) => (index === 2 ? { ...event, ...large } : event));
    expect(sizes(await send(events, 3000))).toEqual([2, 1, 2]);
    expect(sizes(await send(events, 1))).toEqual([1, 1, 1, 1, 1]);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1MB', null])(
    'of %s throws an AuditConfigError',
    (maxBytes) => {
      // biome-ignore lint/suspicious/noExplicitAny: what a user without types can pass
      const make = () => runRevealWebhook({ url, maxBytes: maxBytes as any });
      expect(make).toThrow(AuditConfigError);
      expect(make).toThrow('runRevealWebhook: maxBytes: must be a whole number of bytes, at least 1.');
    },
  );
});

test.each(['skip', true, null])(
  "an onTooLarge of %j, which is neither 'throw' nor a function, throws an AuditConfigError",
  (onTooLarge) => {
    // biome-ignore lint/suspicious/noExplicitAny: what a user without types can pass
    const make = () => runRevealWebhook({ url, onTooLarge: onTooLarge as any });
    expect(make).toThrow(AuditConfigError);
    expect(make).toThrow("runRevealWebhook: onTooLarge: must be 'throw' or a function.");
  },
);
