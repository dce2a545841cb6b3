import { memoryCursorStore } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { drainWithNotices, ids, minuteMs, savedState, serveAt } from '../support/polling.ts';

/** The format of an API that has changed. */
const unreadable = { created_at: '01/11/2026 at noon' };

const many = (count: number) => Array.from({ length: count }, () => unreadable);

describe('times that cannot be read, on all events', () => {
  test.each(['oldest', { newest: 200 }] as const)(
    'cost one request for an idle poll, once two look-backs have passed since %j',
    async (startFrom) => {
      const served = await serveAt({ events: many(500) });
      const { clock, fake } = served;
      const store = memoryCursorStore();
      const key = `after ${JSON.stringify(startFrom)}`; // A process reports them once for each key.
      const poll = () => drainWithNotices(served, { store: { ...store }, key, startFrom, lookbackMs: 10 * minuteMs });
      const { delivered, notices } = await poll();
      expect(delivered).toHaveLength(startFrom === 'oldest' ? 500 : 200);
      expect(notices).toEqual([{ type: 'unreadable-time', message: expect.stringContaining('01/11/2026 at noon') }]);
      clock.ms += 21 * minuteMs;
      await poll();
      const before = fake.requests.length;
      expect(await poll()).toEqual({ delivered: [], notices: [] });
      expect(fake.requests.length - before).toBe(1);
      const added = fake.add(unreadable);
      expect(await poll()).toEqual({ delivered: ids(added), notices: [] });
    },
  );

  test('lose no event that is a look-back late', async () => {
    const served = await serveAt({ order: 'added', events: many(20) });
    const { clock, fake } = served;
    const store = memoryCursorStore();
    const delivered: string[] = [];
    for (let minute = 0; minute < 60; minute++) {
      clock.ms += minuteMs;
      fake.add(unreadable);
      delivered.push(...(await drainWithNotices(served, { store, startFrom: 'oldest' })).delivered);
    }
    expect(delivered).toHaveLength(80);
    expect(new Set(delivered).size).toBe(80);
    expect((await savedState(store))?.seen.length).toBeLessThan(30);
  });
});
