import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { listOf, numbered, serve } from '../support/served.ts';

const [, newer] = numbered(2);

describe('an iteration', () => {
  test.each([false, true])(
    'leaves no listener on the signal and sends no more requests after a break (prefetch %s)',
    async (prefetch) => {
      const { fake, client } = await serve({ events: numbered(50), pageSize: 10 });
      const { signal } = new AbortController();
      for await (const _ of client().events({ signal, prefetch })) break;
      const asked = fake.requests.length;
      expect(asked).toBeLessThanOrEqual(prefetch ? 2 : 1);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(fake.requests).toHaveLength(asked);
    },
  );

  test.each([false, true])('throws the reason of the signal after an abort (prefetch %s)', async (prefetch) => {
    const { client } = await serve({ events: numbered(50), pageSize: 10 });
    const controller = new AbortController();
    const reason = new Error('enough');
    const iterate = async () => {
      for await (const _ of client().pages({ signal: controller.signal, prefetch })) controller.abort(reason);
    };
    await expect(iterate()).rejects.toBe(reason);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  test.each([false, true])(
    'throws the reason at the next event after an abort on the last page (prefetch %s)',
    async (prefetch) => {
      const { client } = await serve({ events: numbered(30) });
      const controller = new AbortController();
      const reason = new Error('enough');
      const seen: string[] = [];
      const iterate = async () => {
        for await (const { id } of client().events({ signal: controller.signal, prefetch })) {
          seen.push(id);
          if (seen.length === 30) controller.abort(reason);
        }
      };
      await expect(iterate()).rejects.toBe(reason);

      const first = new AbortController();
      const events = client().events({ signal: first.signal, prefetch });
      expect((await events.next()).value?.id).toBe(seen[0]);
      first.abort(reason);
      await expect(events.next()).rejects.toBe(reason);
    },
  );

  test.each(['pages', 'events'] as const)('gives nothing of a prefetched page after an abort: %s()', async (items) => {
    const { fake, client } = await serve({ events: numbered(20), pageSize: 10 });
    const controller = new AbortController();
    const reason = new Error('enough');
    const iteration = client({ fetch: fake.fetch })[items]({ signal: controller.signal, prefetch: true });
    await iteration.next();
    await expect.poll(() => fake.requests.length).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 20)); // The prefetched answer arrives, since it needs no network.
    controller.abort(reason);
    await expect(iteration.next()).rejects.toBe(reason);
    expect(await iteration.next()).toMatchObject({ done: true });
  });

  test('sends no request before its first event is requested', async () => {
    const { fake, client } = await serve({ events: numbered(1) });
    client().events();
    expect(fake.requests).toHaveLength(0);
  });
});

describe('an iteration with prefetch', () => {
  test('fetches one page ahead, and never two', async () => {
    const { fake, client } = await serve({ events: numbered(50), pageSize: 10 });
    const pages = client().pages({ prefetch: true });
    await pages.next();
    await expect.poll(() => fake.requests.length).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(fake.requests).toHaveLength(2);
    await pages.return();
  });

  test('has sent two requests after a break at the first event', async () => {
    const { fake, client } = await serve({ events: numbered(50), pageSize: 10 });
    for await (const _ of client({ fetch: fake.fetch }).events({ prefetch: true })) break;
    expect(fake.requests).toHaveLength(2);
  });

  test('throws the error of a page when that page is asked for, and not before', async () => {
    const { fake, client } = await serve();
    fake.failNext(listOf([newer], { has_next: true, cursor_end: newer?.id }), { status: 500 });
    const pages = client().pages({ prefetch: true });
    expect((await pages.next()).value?.events).toHaveLength(1);
    await expect.poll(() => fake.requests.length).toBe(2);
    await expect(pages.next()).rejects.toThrow(/500/);
  });
});
