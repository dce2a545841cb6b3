import { type CursorStore, memoryCursorStore } from 'planetscale-audit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  dayMs,
  defaultKey,
  drain,
  drainWithNotices,
  hourMs,
  minuteMs,
  savedState,
  startMs,
} from '../support/polling.ts';
import { ListSource, shufflingTies } from './list-source.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: startMs }));
afterEach(() => void vi.useRealTimers());

const wait = (ms: number): void => void vi.setSystemTime(Date.now() + ms);

/** A list of `count` events, and polls of it that remember all they deliver. */
const polled = (count: number, { ageMs, everyMs }: { readonly ageMs: number; readonly everyMs: number }) => {
  const source = new ListSource();
  for (let index = 0; index < count; index++) source.add(`old${index}`, startMs - ageMs + index * everyMs);
  const store = memoryCursorStore();
  const delivered: string[] = [];
  const poll = async () => {
    const result = await drainWithNotices(source, { store, startFrom: 'oldest' });
    delivered.push(...result.delivered);
    return result.notices.map(({ type }) => type);
  };
  return { source, store, delivered, poll };
};

/** Shows only the newest events in the next poll. */
const pollCut = async ({ source, poll }: ReturnType<typeof polled>, shown: number) => {
  source.view = (list) => list.slice(0, shown);
  const notices = await poll();
  source.view = (list) => list;
  return notices;
};

const firstAnchor = async (store: CursorStore) => (await savedState(store))?.anchors[0]?.[0];

/** Acknowledges the first `count` events of a run, and ends the run. */
const take = async ({ source, store, delivered }: ReturnType<typeof polled>, count: number) => {
  let left = count;
  for await (const { id } of drain(source, { store, startFrom: 'oldest' })) {
    if (left-- === 0) break;
    delivered.push(id);
  }
};

describe('one answer with the newest events alone hides nothing for good', () => {
  test('after three weeks without an event', async () => {
    const log = polled(5, { ageMs: hourMs, everyMs: 1 });
    const { source, delivered, poll } = log;
    await poll();
    for (let day = 0; day < 21; day++) {
      wait(dayMs);
      await poll();
    }
    const ms = Date.now();
    source.add('seen', ms);
    wait(minuteMs);
    await poll();
    const [seen, ...older] = source.list;
    source.list = older;
    source.add('late', ms - 1);
    if (seen) source.list = [seen, ...source.list];
    wait(14 * minuteMs);
    source.add('newest', Date.now());
    await pollCut(log, 2);
    wait(minuteMs);
    await poll();
    expect(delivered.slice(5)).toEqual(['seen', 'newest', 'late']);
  });

  test.each([
    ['an hour', hourMs, 1],
    ['a day', dayMs, 1],
    ['a week', 7 * dayMs, 1],
    ['an hour', hourMs, 0],
    ['a day', dayMs, 0],
  ])('after retention has emptied the log, if the poller polls once in %s (%#)', async (_, everyMs, shown) => {
    const log = polled(5, { ageMs: hourMs, everyMs: 1 });
    const { source, delivered, poll } = log;
    await poll();
    for (let pastMs = 0; pastMs < 23 * dayMs; pastMs += everyMs) {
      wait(everyMs);
      source.expire(15 * dayMs);
      await poll();
    }
    for (let index = 0; index < 30; index++) source.add(`new${index}`, Date.now() + index * 1000);
    wait(everyMs);
    await pollCut(log, shown);
    wait(everyMs);
    await poll();
    await poll();
    expect(new Set(delivered).size).toBe(35);
  });

  test('right after retention has emptied the log', async () => {
    const log = polled(1, { ageMs: hourMs, everyMs: 1 });
    const { source, delivered, poll } = log;
    await poll();
    for (let round = 0; round < 3; round++) {
      wait(5 * dayMs);
      source.expire(15 * dayMs);
      await poll();
    }
    wait(minuteMs);
    for (let index = 0; index < 4; index++) source.add(`new${index}`, Date.now() + index);
    wait(hourMs);
    await pollCut(log, 0);
    wait(hourMs);
    await poll();
    expect(delivered).toEqual(['old0', 'new0', 'new1', 'new2', 'new3']);
  });

  test('if all that it shows is backdated, in a log without a known event', async () => {
    const log = polled(0, { ageMs: 0, everyMs: 0 });
    const { source, delivered, poll } = log;
    await poll();
    wait(hourMs);
    await poll();
    for (let index = 0; index < 4; index++) source.add(`new${index}`, Date.now() + index);
    for (let index = 0; index < 2; index++) source.add(`backdated${index}`, Date.now() - 40 * hourMs + index);
    wait(20 * minuteMs);
    await pollCut(log, 2);
    wait(minuteMs);
    await poll();
    expect(delivered.toSorted()).toEqual(['backdated0', 'backdated1', 'new0', 'new1', 'new2', 'new3']);
  });

  test('if a consumer failed on the first event', async () => {
    const log = polled(300, { ageMs: 10 * hourMs, everyMs: 1000 });
    await take(log, 0);
    wait(minuteMs);
    await pollCut(log, 5);
    wait(minuteMs);
    await log.poll();
    expect(new Set(log.delivered).size).toBe(300);
  });

  test('under a Date of 2036', async () => {
    const log = polled(20, { ageMs: 2 * hourMs, everyMs: 1000 });
    const { source, delivered, poll } = log;
    await poll();
    wait(hourMs);
    for (let index = 0; index < 6; index++) source.add(`new${index}`, Date.now() + index);
    wait(30 * minuteMs);
    source.date = () => new Date('2036-01-01T00:00:00Z');
    expect(await pollCut(log, 3)).toContain('possible-gap');
    source.date = () => new Date();
    wait(minuteMs);
    await poll();
    expect(delivered.slice(20).toSorted()).toEqual(['new0', 'new1', 'new2', 'new3', 'new4', 'new5']);
  });

  test.each([0, 3])('in a backlog of a month that a crash has interrupted (%i events)', async (shown) => {
    const log = polled(400, { ageMs: 30 * dayMs, everyMs: hourMs });
    await take(log, 100);
    wait(minuteMs);
    await pollCut(log, shown);
    wait(minuteMs);
    await log.poll();
    expect(log.delivered).toHaveLength(400);
    expect(new Set(log.delivered).size).toBe(400);
  });

  test('if it ends inside a block of a hundred backdated events', async () => {
    const log = polled(300, { ageMs: hourMs, everyMs: 1000 });
    const { source, delivered, poll } = log;
    await poll();
    wait(minuteMs);
    for (let index = 0; index < 30; index++) source.add(`new${index}`, Date.now() + index);
    for (let index = 0; index < 100; index++) source.add(`imported${index}`, startMs - 40 * hourMs + index);
    wait(minuteMs);
    expect(await pollCut(log, 100)).toEqual(['possible-duplicates']);
    wait(minuteMs);
    await poll();
    expect(delivered.filter((id) => id.startsWith('new'))).toHaveLength(30);
    expect(new Set(delivered).size).toBe(delivered.length);
  });
});

test('an empty answer and a stale one after it repeat nothing', async () => {
  const log = polled(300, { ageMs: 10 * hourMs, everyMs: minuteMs });
  const { source, delivered, poll } = log;
  await poll();
  wait(hourMs);
  await pollCut(log, 0);
  wait(minuteMs);
  source.view = (list) => list.slice(100);
  expect(await poll()).toEqual(['possible-duplicates']);
  wait(minuteMs);
  source.view = (list) => list;
  await poll();
  expect(delivered).toHaveLength(300);
});

describe('a consumer that fails on a whole list between two bad ones', () => {
  test('loses nothing if the bad ones are empty', async () => {
    const log = polled(2, { ageMs: hourMs, everyMs: 1 });
    const { source, delivered, poll } = log;
    await poll();
    for (let round = 0; round < 4; round++) {
      wait(5 * dayMs);
      await poll();
    }
    await pollCut(log, 0);
    wait(minuteMs);
    for (let index = 0; index < 8; index++) source.add(`new${index}`, Date.now() + index);
    wait(30 * minuteMs);
    await take(log, 0);
    wait(minuteMs);
    await pollCut(log, 0);
    wait(minuteMs);
    await poll();
    expect(delivered).toHaveLength(10);
  });

  test('repeats nothing if the bad ones are stale', async () => {
    const log = polled(300, { ageMs: 10 * hourMs, everyMs: minuteMs });
    const { source, delivered, poll } = log;
    const pollStale = async (hidden: number) => {
      source.view = (list) => list.slice(hidden);
      await poll();
      source.view = (list) => list;
      wait(minuteMs);
    };
    await poll();
    wait(hourMs);
    await pollStale(50);
    source.add('new', Date.now());
    wait(minuteMs);
    await take(log, 0);
    await pollStale(51);
    await poll();
    expect(delivered).toHaveLength(301);
  });
});

test('a stale answer hides nothing for good if retention then takes the anchor at which it ended', async () => {
  const { source, delivered, poll } = polled(1, { ageMs: hourMs, everyMs: 1 });
  await poll();
  wait(4 * dayMs);
  source.add('anchor', Date.now());
  for (let day = 0; day < 10; day++) {
    wait(dayMs);
    await poll();
  }
  for (let index = 0; index < 2; index++) source.add(`new${index}`, Date.now() + index);
  wait(23 * hourMs);
  source.view = (list) => list.slice(3);
  await poll();
  source.view = (list) => list;
  wait(dayMs);
  source.expire(15 * dayMs);
  await poll();
  expect(delivered).toEqual(['old0', 'anchor', 'new0', 'new1']);
});

test('a pending event that a cut answer hid, and that retention then took, is a gap', async () => {
  const log = polled(1, { ageMs: hourMs, everyMs: 1 });
  const { source, poll } = log;
  await poll();
  for (let round = 0; round < 2; round++) {
    wait(7.25 * dayMs);
    await poll();
  }
  source.add('taken', Date.now() - 12 * hourMs);
  source.add('pending', Date.now() + 1);
  wait(minuteMs);
  await take(log, 1);
  for (let day = 0; day < 13; day++) {
    wait(dayMs);
    await take(log, 0);
  }
  wait(0.9 * dayMs);
  source.add('backdated', Date.now() - 14 * dayMs);
  await pollCut(log, 1);
  wait(1.2 * dayMs);
  source.expire(15 * dayMs);
  expect(await poll()).toContain('possible-gap');
});

test('an event that was delivered late, before retention took it, is no gap', async () => {
  const log = polled(1, { ageMs: hourMs, everyMs: 1 });
  const { source, poll } = log;
  await poll();
  wait(10 * dayMs);
  await poll();
  source.add('first', Date.now());
  source.add('second', Date.now() + 1000);
  wait(minuteMs);
  await take(log, 1);
  wait(13.9 * dayMs);
  source.expire(15 * dayMs);
  expect(await poll()).toEqual([]);
  wait(1.5 * dayMs);
  source.expire(15 * dayMs);
  expect(await poll()).toEqual([]);
});

test('a crash before the first event of a long backlog costs the saves after it nothing', async () => {
  const log = polled(5000, { ageMs: 10 * dayMs, everyMs: minuteMs });
  const { source, store } = log;
  await take(log, 0);
  const lengths: number[] = [];
  const measured: CursorStore = {
    ...store,
    compareAndSet: (key, expected, text) => {
      lengths.push(text.length);
      return store.compareAndSet?.(key, expected, text) ?? false;
    },
  };
  const result = await drainWithNotices(source, { store: measured, startFrom: 'oldest' });
  expect(result.delivered).toHaveLength(5000);
  expect(result.notices).toEqual([]);
  expect(Math.max(...lengths)).toBeLessThan(3000);
});

test('a stale list below all anchors in every second answer repeats nothing, and moves no anchor down', async () => {
  const log = polled(600, { ageMs: 600 * minuteMs, everyMs: minuteMs });
  const { source, store, delivered, poll } = log;
  await poll();
  for (let round = 0; round < 5; round++) {
    wait(minuteMs);
    const anchor = await firstAnchor(store);
    source.view = (list) => list.slice(60 + round);
    await poll();
    expect(await firstAnchor(store)).toBe(anchor);
    source.view = (list) => list;
    await poll();
    source.add(`new${round}`, Date.now());
  }
  await poll();
  expect(delivered).toHaveLength(605);
  expect(new Set(delivered).size).toBe(605);
});

test('a stale answer without the newest anchors repeats nothing, even if all that the poller knows is a month old', async () => {
  const log = polled(20, { ageMs: hourMs, everyMs: 1000 });
  const { source, delivered, poll } = log;
  await poll();
  for (let day = 0; day < 30; day++) {
    wait(dayMs);
    await poll();
  }
  source.view = (list) => list.slice(4);
  for (let minute = 0; minute < 90; minute++) {
    wait(minuteMs);
    await poll();
  }
  source.view = (list) => list;
  await poll();
  expect(delivered).toHaveLength(20);
});

test('events of one instant, in another order in each answer, are all delivered after retention took all anchors', async () => {
  const log = polled(1, { ageMs: hourMs, everyMs: 0 });
  const { source, delivered, poll } = log;
  await poll();
  for (let day = 0; day < 16; day++) {
    wait(dayMs);
    if (day === 15) source.remove('old0');
    await poll();
  }
  const ms = Date.now();
  for (let index = 0; index < 90; index++) source.add(`tie${index}`, ms);
  wait(1000);
  source.view = shufflingTies(5);
  await take(log, 50);
  wait(25 * minuteMs);
  await take(log, 10);
  for (let minute = 0; minute < 3; minute++) {
    wait(minuteMs);
    await poll();
  }
  expect(new Set(delivered).size).toBe(91);
});

test('a list that stays empty for 17 days is reported as inconsistent at once, and as a possible gap once retention may have taken events', async () => {
  const { source, poll } = polled(20, { ageMs: hourMs, everyMs: 1000 });
  await poll();
  source.view = () => [];
  const notices: string[] = [];
  for (let hour = 0; hour < 17 * 24; hour += 6) {
    wait(6 * hourMs);
    notices.push(...(await poll()));
  }
  expect(notices).toEqual(['inconsistent-list', 'possible-gap']);
});

test('a poller that drains once a week reports nothing in an organization with an event every two weeks', async () => {
  const { source, poll } = polled(1, { ageMs: 0, everyMs: 0 });
  for (let day = 0; day < 120; day++) {
    if (day % 15 === 0) source.add(`day${day}`, Date.now());
    wait(hourMs);
    source.list = source.list.filter(({ created_at }) => Date.parse(created_at) > Date.now() - 15 * dayMs);
    if (day % 7 === 0) expect(await poll()).toEqual([]);
    wait(23 * hourMs);
  }
});

test('an organization whose events retention has taken costs one request a poll, and one save an hour', async () => {
  const { source, store, poll } = polled(20, { ageMs: hourMs, everyMs: 1000 });
  await poll();
  for (let day = 0; day < 20; day++) {
    wait(dayMs);
    if (day === 15) source.list = [];
    expect(await poll()).toEqual([]);
  }
  const saves = new Set<string | null | undefined>();
  const before = source.requests;
  for (let minute = 0; minute < 59; minute++) {
    wait(minuteMs);
    await poll();
    saves.add(await store.get(defaultKey));
  }
  expect(source.requests - before).toBe(59);
  expect(saves.size).toBe(1);
});
