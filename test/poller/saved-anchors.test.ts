import { memoryCursorStore } from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  createdAt,
  dayMs,
  defaultKey,
  drain,
  hourMs,
  minuteMs,
  pollInBackground,
  serveAt,
  startMs,
} from '../support/polling.ts';
import { collect, credentials } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';

afterEach(() => void vi.useRealTimers());

describe('a scan that finds nothing new', () => {
  test('saves the anchors that it moved if it read more than one page, so that the next run makes one request', async () => {
    const served = await serveAt();
    const { clock, fake } = served;
    const burst = Array.from({ length: 1000 }, (_, index) => createdAt(clock.ms - 100_000 + index * 100));
    const options = { store: memoryCursorStore(), startFrom: 'oldest', lookbackMs: 10 * minuteMs } as const;
    fake.add(...burst);
    const run = async () => {
      const requestsBefore = fake.requests.length;
      const delivered = await collect(drain(served, options));
      return { delivered: delivered.length, requests: fake.requests.length - requestsBefore };
    };
    expect(await run()).toMatchObject({ delivered: 1000 });

    // The burst is older than the look-back now, and the hourly save is not due yet.
    clock.ms += 15 * minuteMs;
    const stateBefore = await options.store.get(defaultKey);
    const second = await run();
    expect(second.delivered).toBe(0);
    expect(second.requests).toBeLessThanOrEqual(11);
    // The poller may read the burst again, but then it must save.
    if (second.requests > 1) expect(await options.store.get(defaultKey)).not.toBe(stateBefore);

    expect(await run()).toEqual({ delivered: 0, requests: 1 });
  });

  test('saves at most once an hour if it read one page, even while its anchors move', async () => {
    vi.useFakeTimers({ now: startMs + dayMs });
    // One event leaves the look-back at each poll, for an hour and a half.
    const events = Array.from({ length: 90 }, (_, index) => createdAt(startMs + dayMs - (90 - index) * minuteMs));
    const fake = fakePlanetScale({ ...credentials, events });
    const store = memoryCursorStore();
    const compareAndSet = vi.fn(store.compareAndSet);
    const { delivered, controller, ended } = pollInBackground(sourceOf(fake), {
      store: { ...store, compareAndSet },
      lookbackMs: 2 * hourMs,
    });
    await vi.advanceTimersByTimeAsync(1);
    expect(delivered).toHaveLength(90);
    compareAndSet.mockClear();
    await vi.advanceTimersByTimeAsync(dayMs);
    expect(compareAndSet.mock.calls.length).toBeLessThanOrEqual(24);
    expect(compareAndSet.mock.calls.length).toBeGreaterThanOrEqual(22);
    controller.abort();
    await ended;
  });
});
