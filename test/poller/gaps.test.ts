import { memoryCursorStore, type PollNotice, poller } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import {
  changingBefore,
  dayMs,
  defaultKey,
  drain,
  drainWithNotices,
  hourMs,
  ids,
  minuteMs,
  serveAt,
} from '../support/polling.ts';
import { collect, numbered } from '../support/served.ts';

describe('a gap', () => {
  test('is reported before any commit after an absence longer than the retention', async () => {
    const served = await serveAt({ events: numbered(20) });
    const { clock, fake } = served;
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    const before = await store.get(defaultKey);
    for (const { id } of numbered(20)) fake.remove(id);
    const lastScanAt = new Date(Math.floor(clock.ms / 1000) * 1000);
    clock.ms += 20 * dayMs;
    const [added] = fake.add({ audit_action: 'database.created' });
    const notices: PollNotice[] = [];
    const delivered = await collect(
      drain(served, {
        store,
        onNotice: async (notice) => {
          notices.push(notice);
          expect(await store.get(defaultKey)).toBe(before);
        },
      }),
    );
    expect(ids(delivered)).toEqual([added?.id]);
    expect(notices).toEqual([
      {
        type: 'possible-gap',
        lastSeenId: 'event0000019',
        lastScanAt,
        oldestAvailable: new Date(added?.created_at ?? ''),
      },
    ]);
    await collect(drain(served, { store, onNotice: async (notice) => void notices.push(notice) }));
    expect(notices).toHaveLength(1);
  });

  /** The notices after an absence during which all known events were deleted. */
  const noticesAfter = async (absenceMs: number, options: { readonly retentionMs?: number } = {}) => {
    const served = await serveAt({ events: numbered(20) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    for (const { id } of numbered(20)) served.fake.remove(id);
    served.clock.ms += absenceMs;
    const { notices } = await drainWithNotices(served, { store, ...options });
    return notices.map(({ type }) => type);
  };

  test('is possible after two weeks, even if the list is empty, and not before', async () => {
    expect(await noticesAfter(14 * dayMs)).toEqual(['possible-gap']);
    expect(await noticesAfter(14 * dayMs - minuteMs)).toEqual([]);
  });

  test('is possible after retentionMs', async () => {
    expect(await noticesAfter(dayMs, { retentionMs: dayMs })).toEqual(['possible-gap']);
    expect(await noticesAfter(dayMs - minuteMs, { retentionMs: dayMs })).toEqual([]);
  });

  test('is not reported by a daily drain of an empty organization', async () => {
    const served = await serveAt();
    const store = memoryCursorStore();
    for (let day = 0; day < 30; day++) {
      served.clock.ms += dayMs;
      expect((await drainWithNotices(served, { store })).notices).toEqual([]);
    }
  });

  test('is not reported for a log that retention empties while the poller runs', async () => {
    const served = await serveAt({ events: numbered(20) });
    const store = memoryCursorStore();
    for (let day = 0; day < 60; day++) {
      if (day === 15) for (const { id } of numbered(20)) served.fake.remove(id);
      expect((await drainWithNotices(served, { store, startFrom: 'oldest' })).notices).toEqual([]);
      served.clock.ms += dayMs;
    }
  });

  test('is not reported for a log that is younger than the look-back', async () => {
    const served = await serveAt({ events: numbered(20) });
    const store = memoryCursorStore();
    for (let poll = 0; poll < 100; poll++) {
      const { notices } = await drainWithNotices(served, { store, startFrom: 'oldest', lookbackMs: 2 * dayMs });
      expect(notices).toEqual([]);
      served.clock.ms += minuteMs;
    }
  });

  test('is possible if the two weeks since the last scan end while the new scan runs', async () => {
    const served = await serveAt({ events: numbered(20), pageSize: 10 });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    for (const { id } of numbered(20)) served.fake.remove(id);
    served.clock.ms += 14 * dayMs - 4 * hourMs;
    served.fake.add(...numbered(15, served.clock.ms).map(({ created_at }) => ({ created_at })));
    const slow = changingBefore(1, served.client(), () => {
      served.clock.ms += 5 * hourMs;
    });
    const notices: PollNotice[] = [];
    await collect(poller(slow, { store, drain: true, onNotice: (notice) => void notices.push(notice) }));
    expect(notices).toMatchObject([{ type: 'possible-gap' }]);
  });

  test('is not reported if an anchor is still listed, however long the absence', async () => {
    const served = await serveAt({ events: numbered(20) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    served.clock.ms += 20 * dayMs;
    const { notices } = await drainWithNotices(served, { store });
    expect(notices).toEqual([]);
  });
});
