import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AuditConfigError, type AuditEvent, type CursorStore, memoryCursorStore, poller } from 'planetscale-audit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { dayMs, hourMs, minuteMs, pollInBackground, startMs } from '../support/polling.ts';
import { collect } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';
import { fakeWith } from './support.ts';

beforeEach(() => void vi.useFakeTimers({ now: startMs + dayMs }));
afterEach(() => void vi.useRealTimers());

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');
const heapBytes = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed;
};

describe('a poller that runs on', () => {
  test('delivers events that come while it runs, and polls once an interval, give or take a tenth', async () => {
    const fake = fakeWith(3);
    const { delivered, controller, ended } = pollInBackground(sourceOf(fake));
    await vi.advanceTimersByTimeAsync(1);
    expect(delivered).toHaveLength(3);
    fake.add({ id: 'newcomer0000' });
    await vi.advanceTimersByTimeAsync(66_001);
    expect(delivered.at(-1)).toBe('newcomer0000');
    await vi.advanceTimersByTimeAsync(100 * minuteMs);
    const waits = fake.requests.slice(1).map(({ at }, index) => at - (fake.requests[index]?.at ?? 0));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(54_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(66_000);
    expect(new Set(waits).size).toBeGreaterThan(10);
    controller.abort();
    await ended;
  });

  test('polls once an interval, saves once an hour and uses no more memory if nothing is new for a day', async () => {
    const store = memoryCursorStore();
    const compareAndSet = vi.fn(store.compareAndSet);
    const fake = fakeWith(99);
    const { controller, ended } = pollInBackground(sourceOf(fake), { store: { ...store, compareAndSet } });
    await vi.advanceTimersByTimeAsync(hourMs);
    compareAndSet.mockClear();
    const requestsBefore = fake.requests.length;
    const heapBefore = heapBytes();
    await vi.advanceTimersByTimeAsync(24 * hourMs);
    expect(heapBytes() - heapBefore).toBeLessThan(4 * 2 ** 20); // It would be 30 MiB if each poll kept a page in memory.
    expect(compareAndSet.mock.calls.length).toBeLessThanOrEqual(24);
    expect(compareAndSet.mock.calls.length).toBeGreaterThanOrEqual(22);
    expect(fake.requests.length - requestsBefore).toBeLessThanOrEqual(24 * 60 * 1.1);
    expect(fake.requests.length - requestsBefore).toBeGreaterThanOrEqual(24 * 60 * 0.9);
    controller.abort();
    await ended;
  });

  test('keeps no event in memory while it waits for new ones, except the last that the consumer has', async () => {
    const delivered: WeakRef<AuditEvent>[] = [];
    const controller = new AbortController();
    const options = { store: memoryCursorStore(), startFrom: 'oldest', signal: controller.signal } as const;
    const consume = async () => {
      for await (const event of poller(sourceOf(fakeWith(150)), options)) delivered.push(new WeakRef(event));
    };
    const ended = consume();
    await vi.advanceTimersByTimeAsync(minuteMs / 2);
    expect(delivered).toHaveLength(150);
    await vi.waitFor(() => {
      collectGarbage();
      expect(delivered.filter((event) => event.deref()).length).toBeLessThanOrEqual(1);
    });
    controller.abort();
    await ended;
  });

  test('ends without an error when its signal aborts, and leaves no timer and no listener', async () => {
    const fake = fakeWith(3);
    const { controller, ended, running } = pollInBackground(sourceOf(fake));
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    controller.abort();
    await ended;
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    const requestsBefore = fake.requests.length;
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    expect(fake.requests).toHaveLength(requestsBefore);
    expect(running.health().state).toBe('stopped');
  });

  test('ends at a break, and leaves no timer and no listener of its earlier waits', async () => {
    const fake = fakeWith(3);
    const { signal } = new AbortController();
    const options = { store: memoryCursorStore(), startFrom: 'oldest', signal, onNotice: () => {} } as const;
    const consume = async () => {
      for await (const { id } of poller(sourceOf(fake), options)) if (id === 'newcomer0000') break;
    };
    const ended = consume();
    await vi.advanceTimersByTimeAsync(1);
    fake.add({ id: 'newcomer0000' });
    await vi.advanceTimersByTimeAsync(2 * minuteMs);
    await ended;
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('delivers no more after an abort, and acknowledges the in-flight event when the consumer requests the next one', async () => {
    const fake = fakeWith(5);
    const store = memoryCursorStore();
    const controller = new AbortController();
    const source = sourceOf(fake);
    const delivered: string[] = [];
    for await (const { id } of poller(source, { store, startFrom: 'oldest', signal: controller.signal })) {
      delivered.push(id);
      if (delivered.length === 2) controller.abort();
    }
    expect(delivered).toEqual(['event0000000', 'event0000001']);
    const rest = await collect(poller(source, { store, drain: true }));
    expect(rest.map(({ id }) => id)).toEqual(['event0000002', 'event0000003', 'event0000004']);
  });

  test('makes no request if its signal has aborted already', async () => {
    const fake = fakeWith(5);
    expect(await collect(poller(sourceOf(fake), { store: new Map(), signal: AbortSignal.abort() }))).toEqual([]);
    expect(fake.requests).toHaveLength(0);
  });
});

describe('an iteration', () => {
  test('is rejected with an AuditConfigError while another iteration runs', async () => {
    const running = poller(sourceOf(fakeWith(3)), { store: new Map(), startFrom: 'oldest' });
    for await (const _ of running) {
      await expect(running.batches().next()).rejects.toThrow(AuditConfigError);
      break;
    }
    expect(await collect(poller(sourceOf(fakeWith(3)), { store: new Map(), drain: true }))).toHaveLength(3);
  });

  test('is rejected with an AuditConfigError during the last save of another iteration', async () => {
    const store = memoryCursorStore();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let saves = 0;
    const slow: CursorStore = {
      ...store,
      async compareAndSet(key, expected, next) {
        if (++saves > 1) await held;
        return store.compareAndSet(key, expected, next);
      },
    };
    const running = poller(sourceOf(fakeWith(5)), { store: slow, startFrom: 'oldest' });
    const first = running[Symbol.asyncIterator]();
    await first.next();
    await first.next();
    const ending = first.return();
    await vi.advanceTimersByTimeAsync(1);
    await expect(running.batches().next()).rejects.toThrow(AuditConfigError);
    release();
    await ending;
    expect((await running.batches().next()).value).toHaveLength(4);
  });
});
