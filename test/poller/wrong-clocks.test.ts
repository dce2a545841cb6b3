import { type AuditSource, memoryCursorStore } from 'planetscale-audit';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ServerClock } from '../../src/poller/server-clock.ts';
import { encodeState } from '../../src/poller/state.ts';
import {
  createdAt,
  dayMs,
  defaultKey,
  drain,
  drainWithNotices,
  hourMs,
  ids,
  minuteMs,
  pollInBackground,
  savedState,
  serveAt,
  startMs,
} from '../support/polling.ts';
import { collect, failure, numbered } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';
import { fakeWith } from './support.ts';

/** A source whose answers carry other dates, one after the other; undefined leaves a date alone. */
const withDates = (source: AuditSource, dates: (Date | undefined)[]): AuditSource => ({
  organization: source.organization,
  page: async (query) => {
    const page = await source.page(query);
    const date = dates.shift();
    return date ? { ...page, servedAt: date } : page;
  },
});

describe('ServerClock', () => {
  const at = (ms: number) => new Date(startMs + ms);
  const clockAt = (localMs: number) => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'], now: startMs + localMs });
    const clock = new ServerClock();
    const read = (ms: number) => {
      const { earliestMs, latestMs } = clock.read(at(ms)) ?? expect.unreachable();
      return [earliestMs - startMs, latestMs - startMs];
    };
    return { clock, read };
  };

  test('believes a first Date within a day of the local clock, and no other', () => {
    expect(clockAt(0).read(dayMs)).toEqual([dayMs, dayMs]);
    expect(clockAt(0).read(-dayMs)).toEqual([-dayMs, -dayMs]);
    expect(clockAt(0).read(dayMs + 1)).toEqual([0, dayMs + 1]);
    expect(clockAt(0).read(-dayMs - 1)).toEqual([-dayMs - 1, 0]);
  });

  test('believes a later Date within 5 minutes of the time that has passed, and gives both times for another', () => {
    const { clock, read } = clockAt(0);
    read(0);
    vi.advanceTimersByTime(hourMs);
    expect(read(hourMs + 5 * minuteMs)).toEqual([hourMs + 5 * minuteMs, hourMs + 5 * minuteMs]);
    expect(clock.isInDoubt).toBe(false);
    expect(read(2 * hourMs)).toEqual([hourMs + 5 * minuteMs, 2 * hourMs]);
    expect(clock.isInDoubt).toBe(true);
    expect(read(0)).toEqual([0, hourMs + 5 * minuteMs]);
    expect(read(hourMs)).toEqual([hourMs, hourMs]);
    expect(clock.isInDoubt).toBe(false);
  });

  test('believes a new clock after three Dates in a row that agree', () => {
    const { read } = clockAt(0);
    read(0);
    expect(read(5 * hourMs)).toEqual([0, 5 * hourMs]);
    vi.advanceTimersByTime(minuteMs);
    expect(read(5 * hourMs + minuteMs)).toEqual([minuteMs, 5 * hourMs + minuteMs]);
    expect(read(5 * hourMs)).toEqual([5 * hourMs, 5 * hourMs]);
    expect(read(5 * hourMs)).toEqual([5 * hourMs, 5 * hourMs]);
  });

  test('does not believe three Dates that contradict each other, or that are not in a row', () => {
    const { read } = clockAt(0);
    read(0);
    for (const ms of [hourMs, 2 * hourMs, 3 * hourMs, 4 * hourMs]) expect(read(ms)).toEqual([0, ms]);
    for (const ms of [hourMs, hourMs]) expect(read(ms)).toEqual([0, ms]);
    expect(read(0)).toEqual([0, 0]);
    expect(read(hourMs)).toEqual([0, hourMs]);
  });

  test('takes a process that was suspended for no wrong clock', () => {
    const { clock, read } = clockAt(0);
    read(0);
    vi.setSystemTime(startMs + 8 * hourMs); // The monotonic clock stands still.
    expect(read(8 * hourMs)).toEqual([8 * hourMs, 8 * hourMs]);
    expect(clock.isInDoubt).toBe(false);
  });

  test('takes a local clock that was set for no wrong clock of PlanetScale', () => {
    const { clock, read } = clockAt(0);
    read(0);
    vi.setSystemTime(startMs + 8 * hourMs);
    expect(read(minuteMs)).toEqual([minuteMs, minuteMs]);
    expect(clock.isInDoubt).toBe(false);
  });

  test('has no time for a response without a Date, or with one that is no time', () => {
    const { clock } = clockAt(0);
    expect(clock.read(undefined)).toBeUndefined();
    expect(clock.read(new Date('never'))).toBeUndefined();
  });
});

describe('one wrong Date', () => {
  const polled = async () => {
    const served = await serveAt({ order: 'added', events: numbered(20) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    return { ...served, store };
  };

  test('of the year 2036 hides no later gap', async () => {
    const { store, clock, fake, ...served } = await polled();
    clock.ms += hourMs;
    fake.add(createdAt(clock.ms));
    const source = withDates(served.client(), [new Date('2036-01-01T00:00:00Z')]);
    const { notices } = await drainWithNotices({ client: () => source }, { store });
    expect(notices).toMatchObject([{ type: 'clock-skew', message: expect.stringContaining('2036-01-01') }]);
    for (const { id } of (await served.client().page()).events) fake.remove(id);
    clock.ms += 20 * dayMs;
    expect((await drainWithNotices(served, { store })).notices).toMatchObject([{ type: 'possible-gap' }]);
  });

  test('an hour ahead loses no late event', async () => {
    vi.useFakeTimers({ now: startMs });
    onTestFinished(() => void vi.useRealTimers());
    const fake = fakeWith(5);
    let aheadMs = 0;
    const inner = sourceOf(fake);
    const source: AuditSource = {
      organization: 'acme',
      page: async (query) => ({ ...(await inner.page(query)), servedAt: new Date(Date.now() + aheadMs) }),
    };
    const { delivered, notices, controller, ended } = pollInBackground(source);
    await vi.advanceTimersByTimeAsync(10_000);
    const [young] = fake.add({});
    aheadMs = hourMs;
    await vi.advanceTimersByTimeAsync(1.5 * minuteMs); // The second poll.
    aheadMs = 0;
    const [late] = fake.add(createdAt(Date.now() - 9 * minuteMs));
    await vi.advanceTimersByTimeAsync(2 * minuteMs);
    controller.abort();
    await ended;
    expect(delivered.slice(5)).toEqual([young?.id, late?.id]);
    expect(notices).toMatchObject([{ type: 'clock-skew' }, { type: 'late-events' }]);
  });
});

describe('a time in the saved state that lies in the future', () => {
  const withSavedTimes = async (times: {
    readonly start?: string;
    readonly pendingSince?: string;
    readonly lastScanStartedAt?: string;
  }) => {
    const served = await serveAt({ events: numbered(20) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: { newest: 5 } }));
    const state = (await savedState(store)) ?? expect.unreachable();
    await store.set(defaultKey, encodeState({ ...state, ...times }));
    served.clock.ms += hourMs;
    return { ...served, store };
  };

  test('skips no event, and is reported', async () => {
    const { store, fake, clock, ...served } = await withSavedTimes({ start: '2036-01-01T00:00:00.000Z' });
    const added = fake.add(createdAt(clock.ms));
    const { delivered, notices } = await drainWithNotices(served, { store });
    expect(delivered).toEqual(ids(added));
    expect(notices).toMatchObject([{ type: 'clock-skew' }]);
    expect((await drainWithNotices(served, { store })).notices).toEqual([]);
  });

  test('is reported once, even if nothing is new', async () => {
    const { store, ...served } = await withSavedTimes({ start: '2036-01-01T00:00:00.000Z' });
    served.clock.ms -= 59 * minuteMs; // Too early for the hourly save.
    expect((await drainWithNotices(served, { store })).notices).toMatchObject([{ type: 'clock-skew' }]);
    expect((await drainWithNotices(served, { store })).notices).toEqual([]);
  });

  test('skips no event if the anchors are deleted too', async () => {
    const { store, fake, clock, ...served } = await withSavedTimes({
      start: '2036-01-01T00:00:00.000Z',
      pendingSince: '2036-01-01T00:00:00.000Z',
    });
    for (const { id } of numbered(20)) fake.remove(id);
    const added = fake.add(createdAt(clock.ms));
    expect((await drainWithNotices(served, { store })).delivered).toEqual(ids(added));
  });

  test('hides no gap', async () => {
    const { store, fake, ...served } = await withSavedTimes({ lastScanStartedAt: '2036-01-01T00:00:00.000Z' });
    for (const { id } of numbered(20)) fake.remove(id);
    const { notices } = await drainWithNotices(served, { store });
    expect(notices).toMatchObject([{ type: 'possible-gap' }, { type: 'inconsistent-list' }]);
  });

  test('does not stop the hourly save', async () => {
    const { store, ...served } = await withSavedTimes({ lastScanStartedAt: '2036-01-01T00:00:00.000Z' });
    await drainWithNotices(served, { store });
    expect((await savedState(store))?.lastScanStartedAt).toBe('2026-11-02T01:00:00.000Z');
  });
});

test('a first run since a time in the future is refused, and a later run is not', async () => {
  const served = await serveAt();
  const store = memoryCursorStore();
  const since = new Date(served.clock.ms + minuteMs);
  const refused = await failure(collect(drain(served, { store, startFrom: { since } })));
  expect(refused).toMatchObject({ name: 'AuditConfigError', message: expect.stringContaining(since.toISOString()) });
  expect(await store.get(defaultKey)).toBeUndefined();
  await collect(drain(served, { store }));
  await collect(drain(served, { store, startFrom: { since } }));
});

test('a first Date half an hour ahead causes no false gap', async () => {
  const served = await serveAt();
  const { clock } = served;
  const store = memoryCursorStore();
  const ahead = withDates(served.client(), [new Date(clock.ms + 30 * minuteMs)]);
  await drainWithNotices({ client: () => ahead }, { store });
  for (let poll = 0; poll < 30; poll++) {
    clock.ms += minuteMs;
    const { notices } = await drainWithNotices(served, { store });
    expect(notices.filter(({ type }) => type === 'possible-gap')).toEqual([]);
  }
});

test('one Date of the year 2000 causes no false gap', async () => {
  const served = await serveAt();
  const { clock } = served;
  const store = memoryCursorStore();
  await drainWithNotices(served, { store });
  clock.ms += 2 * hourMs;
  const behind = withDates(served.client(), [new Date('2000-01-01T00:00:00Z')]);
  await drainWithNotices({ client: () => behind }, { store });
  clock.ms += minuteMs;
  expect((await drainWithNotices(served, { store })).notices).toEqual([]);
});
