import { memoryCursorStore, poller } from 'planetscale-audit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { drainWithNotices, hourMs, minuteMs, startMs } from '../support/polling.ts';
import { ListSource, shufflingTies } from './list-source.ts';
import { seed } from './model/promises.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: startMs }));
afterEach(() => void vi.useRealTimers());

/** A list of events of one instant: e0 is the lowest. */
const tiesOf = (count: number, ageMs: number, pageSize?: number) => {
  const source = new ListSource({ ...(pageSize && { pageSize }) });
  for (let index = 0; index < count; index++) source.add(`e${index}`, startMs - ageMs);
  return source;
};

/** Acknowledges the first events of a run, and ends the run. */
const take = async (source: ListSource, options: Parameters<typeof poller>[1], count: number) => {
  const delivered: string[] = [];
  let left = count;
  for await (const { id } of poller(source, { drain: true, onNotice: () => {}, ...options })) {
    if (left-- === 0) break;
    delivered.push(id);
  }
  return delivered;
};

test.each(['now', { newest: 50 }] as const)(
  'a first run from %j saves a state that the next run accepts, however many events of one instant are left out',
  async (startFrom) => {
    const source = tiesOf(300, hourMs);
    for (let index = 0; index < 10_200; index++) source.add(`young${index}`, startMs);
    const store = memoryCursorStore();
    await take(source, { store, startFrom }, 0);
    const { delivered } = await drainWithNotices(source, { store });
    expect(delivered).toHaveLength(startFrom === 'now' ? 0 : 50);
  },
);

describe(`events of one instant, in another order in each answer (seed ${seed})`, () => {
  test('are delivered once each in 300 polls', async () => {
    const source = tiesOf(50, 0);
    source.view = shufflingTies(seed);
    const store = memoryCursorStore();
    const delivered: string[] = [];
    for (let poll = 0; poll < 300; poll++) {
      delivered.push(...(await drainWithNotices(source, { store, startFrom: 'oldest' })).delivered);
      vi.setSystemTime(Date.now() + minuteMs);
    }
    expect(new Set(delivered).size).toBe(50);
    expect(delivered).toHaveLength(50);
  });

  test('are all delivered if a run ends in the middle of them', async () => {
    const source = tiesOf(50, hourMs);
    source.view = shufflingTies(seed);
    const store = memoryCursorStore();
    const delivered: string[] = [];
    for (let run = 0; run < 5; run++) delivered.push(...(await take(source, { store, startFrom: 'oldest' }, 13)));
    expect(new Set(delivered).size).toBe(50);
    expect(delivered).toHaveLength(50);
  });

  test.each([1, 2, 50])(
    'are all delivered if a run ends between two pages, and the next run has another order (%i acknowledged)',
    async (count) => {
      const source = tiesOf(150, hourMs);
      const store = memoryCursorStore();
      const first = await take(source, { store, startFrom: 'oldest' }, count);
      const reordered = shufflingTies(seed)(source.list);
      source.view = () => reordered;
      const { delivered } = await drainWithNotices(source, { store });
      expect(new Set([...first, ...delivered]).size).toBe(150);
      expect(delivered).toHaveLength(150 - count);
    },
  );

  test.each(['now', { newest: 5 }, { newerThan: 'e44' }] as const)(
    'are never delivered later if a first run left them out (%j)',
    async (startFrom) => {
      const source = tiesOf(50, hourMs);
      const store = memoryCursorStore();
      expect((await drainWithNotices(source, { store, startFrom })).delivered).toHaveLength(
        startFrom === 'now' ? 0 : 5,
      );
      source.view = shufflingTies(seed);
      for (let poll = 0; poll < 20; poll++) {
        vi.setSystemTime(Date.now() + minuteMs);
        expect(await drainWithNotices(source, { store })).toEqual({ delivered: [], notices: [] });
      }
    },
  );

  test.each([{ newest: 20 }, { newerThan: 'e29' }] as const)(
    'are delivered from %j on if the first run ends before the first acknowledgement',
    async (startFrom) => {
      const source = tiesOf(50, hourMs);
      const store = memoryCursorStore();
      await take(source, { store, startFrom }, 0);
      const reordered = shufflingTies(seed)(source.list);
      source.view = () => reordered;
      const { delivered } = await drainWithNotices(source, { store });
      expect(delivered.toSorted()).toEqual(Array.from({ length: 20 }, (_, index) => `e${30 + index}`));
    },
  );
});
