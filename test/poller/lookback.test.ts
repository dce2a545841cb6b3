import { type AuditSource, memoryCursorStore, poller } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import {
  createdAt,
  dayMs,
  defaultKey,
  drain,
  drainWithNotices,
  hourMs,
  ids,
  minuteMs,
  noticeCollector,
  savedState,
  serveAt,
  startMs,
} from '../support/polling.ts';
import { collect, numbered } from '../support/served.ts';

describe('more events within the look-back than the poller remembers', () => {
  test('are reported once a scan, and all are delivered', async () => {
    const served = await serveAt({ events: numbered(10_500, startMs + dayMs - 5 * minuteMs) });
    const store = memoryCursorStore();
    const options = { store, startFrom: 'oldest', lookbackMs: dayMs } as const;
    const { notices, onNotice } = noticeCollector();
    expect(await collect(drain(served, { ...options, onNotice }))).toHaveLength(10_500);
    expect(notices).toMatchObject([{ type: 'lookback-overflow', message: expect.stringContaining('lookbackMs') }]);
    expect((await savedState(store))?.seen).toHaveLength(10_000);
    expect(await collect(drain(served, options))).toEqual([]);
  });

  test.each([10_000, 10_001, 10_500])(
    'are reported by a first run that leaves out %i events, if it cannot remember them all',
    async (count) => {
      const served = await serveAt({ events: numbered(count, startMs + 20 * hourMs) });
      const store = memoryCursorStore();
      const options = { store, startFrom: 'now', lookbackMs: 12 * hourMs } as const;
      const expected = count > 10_000 ? [{ type: 'lookback-overflow' }] : [];
      expect(await drainWithNotices(served, options)).toMatchObject({ delivered: [], notices: expected });
      expect(await drainWithNotices(served, options)).toMatchObject({ delivered: [], notices: [] });
      const state = await savedState(store);
      expect(state?.seen).toHaveLength(10_000);
    },
  );

  test('are reported if a stop saves more than the poller remembers', async () => {
    const served = await serveAt({ events: numbered(10_050, startMs + 20 * hourMs) });
    const options = { store: memoryCursorStore(), startFrom: { newest: 100 }, lookbackMs: 12 * hourMs };
    let delivered = 0;
    const { notices, onNotice } = noticeCollector();
    for await (const _ of drain(served, { ...options, onNotice })) if (++delivered === 100) break;
    expect(notices).toMatchObject([{ type: 'lookback-overflow' }]);
  });

  test('are reported by a first run before it saves, so that a crash hides no notice', async () => {
    const served = await serveAt({ events: numbered(10_001, startMs + 20 * hourMs) });
    const store = memoryCursorStore();
    const onNotice = () => {
      throw new Error('the pager is down');
    };
    const options = { store, startFrom: 'now', lookbackMs: 12 * hourMs, onNotice } as const;
    await expect(collect(drain(served, options))).rejects.toThrow('the pager is down');
    expect(await store.get(defaultKey)).toBeUndefined();
  });

  test('do not include events that have left the look-back', async () => {
    const served = await serveAt({ events: numbered(10_000, startMs + 20 * hourMs) });
    const store = memoryCursorStore();
    const options = { store, startFrom: 'now', lookbackMs: 6 * hourMs } as const;
    await drainWithNotices(served, options);
    served.clock.ms += 8 * hourMs;
    const added = served.fake.add(...numbered(150, served.clock.ms).map(({ id: _, ...event }) => event));
    const { delivered, notices } = await drainWithNotices(served, options);
    expect(delivered).toEqual(ids(added));
    expect(notices).toEqual([]);
  });
});

describe('the memory of the poller', () => {
  test('drops a deleted event once retention may have taken it, and not before: the list may be that of a replica that lags', async () => {
    const served = await serveAt({ events: numbered(200, startMs + dayMs - 5 * minuteMs) });
    served.fake.add({ id: 'anchor', ...createdAt(startMs) });
    const store = memoryCursorStore();
    const seen = async () => (await savedState(store))?.seen.length;
    const options = { store, startFrom: 'oldest' } as const;
    await collect(drain(served, options));
    for (const { id } of numbered(50)) served.fake.remove(id);
    const afterDays = async (days: number) => {
      served.clock.ms += days * dayMs;
      served.fake.add(createdAt(served.clock.ms - hourMs));
      await collect(drain(served, options));
    };
    await afterDays(1);
    expect(await seen()).toBe(50);
    await afterDays(12);
    expect(await seen()).toBe(50);
    await afterDays(2);
    expect(await seen()).toBe(0);
  });
});

describe('a poller without a Date header', () => {
  test('reads the time from the newest event, so that an idle poll is short for rare actions too', async () => {
    const events = numbered(1000).map((event, index) =>
      index % 100 ? event : { ...event, audit_action: 'database.deleted' },
    );
    const served = await serveAt({ events, filters: 'ignored' });
    const client = served.client();
    const source: AuditSource = {
      organization: 'acme',
      page: async (query) => ({ ...(await client.page(query)), servedAt: undefined }),
    };
    const options = {
      store: memoryCursorStore(),
      startFrom: 'oldest',
      drain: true,
      actions: ['database.deleted'],
      lookbackMs: minuteMs,
    } as const;
    expect(await collect(poller(source, options))).toHaveLength(10);
    const requestsBefore = served.fake.requests.length;
    expect(await collect(poller(source, options))).toEqual([]);
    expect(served.fake.requests.length - requestsBefore).toBeLessThanOrEqual(3);
  });
});
