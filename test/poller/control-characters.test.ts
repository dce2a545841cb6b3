import { setTimeout as sleep } from 'node:timers/promises';
import {
  AuditConnectionError,
  type AuditSource,
  CursorStoreError,
  memoryCursorStore,
  type PollerOptions,
  type PollNotice,
  poller,
} from 'planetscale-audit';
import { describe, expect, test, vi } from 'vitest';
import { hostile, unprintable } from '../support/hostile-text.ts';
import { dayMs, defaultKey, drain, serveAt, startMs } from '../support/polling.ts';
import { collect, failure, numbered } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';
import { fakeWith } from './support.ts';

const escaped = String.raw`\u001b[2J\u000d\u000aplanetscale-audit: all is well`;

/** Drains a poller, and returns the messages of its notices and of its error. */
const messagesOf = async (options: Partial<PollerOptions>, source: AuditSource = sourceOf(fakeWith(3))) => {
  const messages: string[] = [];
  const onNotice = (notice: PollNotice) => void ('message' in notice && messages.push(notice.message));
  try {
    await collect(poller(source, { store: memoryCursorStore(), drain: true, onNotice, ...options }));
  } catch (error) {
    messages.push(String(error));
  }
  return messages;
};

describe('the messages of a poller escape and shorten', () => {
  const key = hostile.repeat(100);
  const usedStore = async (options: Partial<PollerOptions> = {}) => {
    const store = memoryCursorStore();
    await messagesOf({ store, key, startFrom: 'oldest', ...options });
    return store;
  };
  const broken = () => Promise.reject(new Error('down'));

  test.each<[string, () => Promise<Partial<PollerOptions>>]>([
    ['the key of a first run', async () => ({ key })],
    ['the key of a run that must resume', async () => ({ key, startFrom: 'resume' })],
    ['the key of a start without an effect', async () => ({ key, store: await usedStore(), startFrom: 'now' })],
    ['the key of a state of other events', async () => ({ key, store: await usedStore({ actions: [hostile] }) })],
    ['the actions of such a state', async () => ({ store: await usedStore({ key: defaultKey, actions: [key] }) })],
    ['the key of a store that fails', async () => ({ key, store: { get: broken, set: broken } })],
    ['the key of a text that no poller wrote', async () => ({ key, store: new Map([[key, 'x']]) })],
    ['the key of a state of a newer version', async () => ({ key, store: new Map([[key, 'v9:']]) })],
    ['the key of a store that loses writes', async () => ({ key, store: { get: () => null, set: () => null } })],
    ['an unknown action', async () => ({ actions: [key], key: 'of its own' })],
    ['the event of newerThan in a first run', async () => ({ startFrom: { newerThan: key } })],
  ])('%s', async (_, options) => {
    const messages = await messagesOf(await options());
    expect(messages.join()).toContain(escaped);
    for (const message of messages) {
      expect(message).not.toMatch(unprintable);
      expect(message.length).toBeLessThan(3000);
    }
  });

  test('the event of newerThan that PlanetScale lists', async () => {
    const fake = fakeWith(0);
    fake.add({ id: hostile });
    fake.add({});
    const messages = await messagesOf({ startFrom: { newerThan: hostile } }, sourceOf(fake));
    expect(messages).toEqual([expect.stringContaining(`above the event ${escaped}`)]);
    expect(messages.join()).not.toMatch(unprintable);
  });
});

describe('without onNotice a poller prints no control character of', () => {
  const printed = () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    return () => warn.mock.calls.map((args) => args.join(' '));
  };

  test('a gap', async () => {
    const served = await serveAt({ events: [{ ...numbered(1)[0], id: 'a\u202eb' }] });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    served.fake.remove('a\u202eb');
    served.clock.ms = startMs + 31 * dayMs;
    const lines = printed();
    await collect(drain(served, { store, onNotice: undefined }));
    expect(lines()).toEqual([
      String.raw`planetscale-audit: possible-gap: {"lastSeenId":"a\u202eb","lastScanAt":"2026-11-02T00:00:00.000Z"}`,
    ]);
  });

  test('an error of a source or of a store', async () => {
    const lines = printed();
    const controller = new AbortController();
    const down = async () => {
      throw new AuditConnectionError(hostile);
    };
    const source = { organization: 'acme', page: down };
    const store = memoryCursorStore();
    const rolledBack = { ...store, rollbackReason: () => hostile };
    await collect(drain({ client: () => sourceOf(fakeWith(1)) }, { store }));
    const ended = collect(poller(source, { store: rolledBack, signal: controller.signal }));
    while (!lines().some((line) => line.includes('retrying'))) await sleep(1);
    controller.abort();
    await ended;
    expect(lines().filter((line) => line.includes(escaped))).toHaveLength(2);
    expect(lines().join(' ')).not.toMatch(unprintable);
  });
});

test("the error of a corrupt store keeps the store's key itself", async () => {
  const store = new Map([[hostile, 'x']]);
  const error = await failure(collect(poller(sourceOf(fakeWith(1)), { store, key: hostile })));
  expect(error).toBeInstanceOf(CursorStoreError);
  expect(error).toHaveProperty('key', hostile);
});
