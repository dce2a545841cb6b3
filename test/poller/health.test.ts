import { AuditApiError, type AuditSource, type CursorStore, memoryCursorStore, poller } from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { dayMs, hourMs, minuteMs, pollInBackground, startMs } from '../support/polling.ts';
import { collect, credentials } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';
import { fakeWith } from './support.ts';

beforeEach(() => void vi.useFakeTimers({ now: startMs + dayMs }));
afterEach(() => void vi.useRealTimers());

describe('health()', () => {
  test('reports the state of the poller, from before the start to after the end', async () => {
    const fake = fakeWith(3);
    const controller = new AbortController();
    const running = poller(sourceOf(fake), { store: new Map(), startFrom: 'oldest', signal: controller.signal });
    const states = [running.health().state];
    for await (const { id } of running) {
      states.push(running.health().state);
      if (id === 'event0000002') controller.abort();
    }
    states.push(running.health().state);
    expect(states).toEqual(['not-started', 'polling', 'polling', 'polling', 'stopped']);
    expect(running.health()).toMatchObject({ processed: 3, lastEventAt: new Date('2026-11-01T00:00:02Z') });
  });

  test('counts each event as soon as the consumer has acknowledged it, and not only at the end of the batch', async () => {
    const running = poller(sourceOf(fakeWith(3)), { store: new Map(), startFrom: 'oldest', drain: true });
    const counts: number[] = [];
    for await (const _ of running) counts.push(running.health().processed);
    expect(counts).toEqual([0, 1, 2]);
    expect(running.health()).toMatchObject({ processed: 3, consecutiveFailures: 0 });
  });

  test('reports failed after an error has ended the poller, and counts that error', async () => {
    const fake = fakeWith(3);
    fake.failNext({ status: 403 });
    const { running, ended } = pollInBackground(sourceOf(fake));
    await expect(ended).rejects.toThrow();
    expect(running.health()).toMatchObject({ state: 'failed', consecutiveFailures: 1 });
  });

  test('reports failed and not stopped if the last save after an abort fails', async () => {
    const inner = memoryCursorStore();
    let isBroken = false;
    const breaking: CursorStore = {
      get: inner.get,
      set: (key, value) => (isBroken ? Promise.reject(new Error('disk is gone')) : inner.set(key, value)),
    };
    const controller = new AbortController();
    const running = poller(sourceOf(fakeWith(3)), { store: breaking, startFrom: 'oldest', signal: controller.signal });
    const consumed = (async () => {
      for await (const { id } of running) {
        if (id !== 'event0000001') continue;
        isBroken = true;
        controller.abort();
      }
    })();
    await expect(consumed).rejects.toThrow('The cursor store failed to write');
    expect(running.health()).toMatchObject({ state: 'failed', consecutiveFailures: 1 });
  });

  test('reports stale after five intervals without a completed scan', async () => {
    const fake = fakeWith(3);
    const { running, controller, ended } = pollInBackground(sourceOf(fake));
    await vi.advanceTimersByTimeAsync(2 * minuteMs);
    expect(running.health()).toMatchObject({ state: 'idle' });
    fake.failNext(...Array.from({ length: 1000 }, () => ({ status: 500 })));
    await vi.advanceTimersByTimeAsync(7 * minuteMs);
    expect(running.health()).toMatchObject({ state: 'stale' });
    controller.abort();
    await ended;
  });

  test('does not report stale while the poller reads a long backlog, however long that takes', async () => {
    const inner = sourceOf(fakeWith(2000));
    const slow: AuditSource = {
      organization: 'acme',
      page: async (query) => {
        await new Promise((resolve) => setTimeout(resolve, minuteMs));
        return inner.page(query);
      },
    };
    const { running, delivered, controller, ended } = pollInBackground(slow);
    for (let minute = 0; minute < 19; minute++) {
      await vi.advanceTimersByTimeAsync(minuteMs);
      expect(running.health().state).toBe('polling');
    }
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect(delivered).toHaveLength(2000);
    controller.abort();
    await ended;
  });

  test('reports stale if the list stays inconsistent, although pages are read', async () => {
    const inner = sourceOf(fakeWith(150));
    const source: AuditSource = {
      organization: 'acme',
      page: async (query) => {
        if (query?.startingAfter) throw new AuditApiError('no such cursor', { status: 404 });
        return inner.page(query);
      },
    };
    const { running, controller, ended } = pollInBackground(source);
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    expect(running.health()).toMatchObject({ state: 'stale' });
    controller.abort();
    await ended;
  });

  test('counts polls, failures and the pages that the poller has read', async () => {
    const fake = fakeWith(250);
    fake.failNext({ status: 503 });
    const { running, controller, ended } = pollInBackground(sourceOf(fake));
    expect(running.health()).toMatchObject({ polls: 0, failures: 0, pagesRead: 0 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(running.health()).toMatchObject({ polls: 1, failures: 1, pagesRead: 3 });
    await vi.advanceTimersByTimeAsync(1.2 * minuteMs);
    expect(running.health()).toMatchObject({ polls: 2, failures: 1, pagesRead: 4 });
    controller.abort();
    await ended;
  });

  test('does not report stale while the consumer takes its time, or during the save after it', async () => {
    const inner = memoryCursorStore();
    let saves = 0;
    const slow: CursorStore = {
      ...inner,
      async compareAndSet(key, expected, next) {
        if (++saves > 1) await new Promise((resolve) => setTimeout(resolve, 4 * minuteMs));
        return inner.compareAndSet(key, expected, next);
      },
    };
    const running = poller(sourceOf(fakeWith(1)), { store: slow, startFrom: 'oldest', drain: true });
    const states: string[] = [];
    const consumed = (async () => {
      for await (const _ of running) {
        await new Promise((resolve) => setTimeout(resolve, hourMs));
        states.push(running.health().state);
      }
    })();
    await vi.advanceTimersByTimeAsync(hourMs + 3 * minuteMs); // Now the second save is under way.
    expect(saves).toBe(2);
    states.push(running.health().state);
    expect(states).toEqual(['polling', 'polling']);
    await vi.advanceTimersByTimeAsync(minuteMs);
    await consumed;
  });

  test('reports the time of the newest event, even if an older one is acknowledged after it', async () => {
    const events = [{ created_at: '2026-11-01T00:00:02Z' }, { created_at: '2026-11-01T00:00:01Z' }];
    const fake = fakePlanetScale({ ...credentials, order: 'added', events });
    const running = poller(sourceOf(fake), { store: new Map(), startFrom: 'oldest', drain: true });
    expect(await collect(running)).toHaveLength(2);
    expect(running.health().lastEventAt).toEqual(new Date('2026-11-01T00:00:02Z'));
  });
});
