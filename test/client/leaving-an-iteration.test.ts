import { getEventListeners } from 'node:events';
import { PlanetScaleAuditClient } from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { collect, credentials, listOf, numbered } from '../support/served.ts';

// No test here uses HTTP: Node's client sets timers of its own, which these tests would count.
const [newer] = numbered(1);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each(['break', 'throw', 'return()', 'abort'])(
  'an iteration that ends by %s cancels its request, and leaves no timer and no listener',
  async (way) => {
    const fake = fakePlanetScale({ ...credentials });
    fake.failNext(listOf([newer], { has_next: true, cursor_end: newer?.id }), { network: 'hang' });
    let open = 0;
    const client = new PlanetScaleAuditClient({
      organization: 'acme',
      ...credentials,
      fetch: async (input, init) => {
        open++;
        return fake.fetch(input, init).finally(() => {
          open--;
        });
      },
    });
    const controller = new AbortController();
    const pages = client.pages({ prefetch: true, signal: controller.signal });
    const leave = async () => {
      for await (const _ of pages) {
        await vi.advanceTimersByTimeAsync(1);
        expect(open).toBe(1);
        if (way === 'abort') controller.abort(new Error('left'));
        if (way === 'throw') throw new Error('left');
        if (way === 'return()') await pages.return();
        if (way === 'break') break;
      }
    };
    const left = way === 'throw' || way === 'abort' ? expect(leave()).rejects.toThrow('left') : leave();
    await left;
    await vi.advanceTimersByTimeAsync(1);
    expect(open).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  },
);

test.each([false, true])(
  'an iteration to the end of the list leaves no timer and no listener (prefetch %s)',
  async (prefetch) => {
    const fake = fakePlanetScale({ ...credentials, events: numbered(30), pageSize: 10 });
    const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, fetch: fake.fetch });
    const { signal } = new AbortController();
    expect(await collect(client.pages({ prefetch, signal }))).toHaveLength(3);
    expect(fake.requests).toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  },
);

test('a page leaves no listener on its signal, whether it arrives or fails', async () => {
  const fake = fakePlanetScale({ ...credentials });
  const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, retries: 0, fetch: fake.fetch });
  const { signal } = new AbortController();
  await client.page({ signal });
  fake.failNext({ status: 500 });
  await client.page({ signal }).catch(() => {});
  await client.verifyAccess({ signal });
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
