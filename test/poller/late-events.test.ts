import { type AuditSource, memoryCursorStore, poller } from 'planetscale-audit';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  changingBefore,
  createdAt,
  drain,
  drainWithNotices,
  hourMs,
  ids,
  minuteMs,
  noticeCollector,
  serveAt,
  startMs,
} from '../support/polling.ts';
import { collect, numbered } from '../support/served.ts';

/** A source whose answers take `durationMs`. It calls `change` after it has read the list and before it dates the answer. */
const answeringSlowly = (
  { client, clock }: Awaited<ReturnType<typeof serveAt>>,
  durationMs: number,
  change: () => unknown,
): AuditSource => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const source = client();
  return {
    organization: source.organization,
    async page(query) {
      const page = await source.page(query);
      change();
      vi.setSystemTime(Date.now() + durationMs);
      clock.ms += durationMs;
      return { ...page, servedAt: new Date(clock.ms) };
    },
  };
};

describe('a late event', () => {
  test.each(['created', 'added'] as const)(
    'is delivered if it is within the look-back, and reported if it stands below a delivered event (list order: %s)',
    async (order) => {
      const served = await serveAt({ order });
      const { clock, fake } = served;
      const store = memoryCursorStore();
      const { notices, onNotice } = noticeCollector();
      const run = () => collect(drain(served, { store, startFrom: 'oldest', onNotice }));
      fake.add(createdAt(clock.ms - minuteMs), createdAt(clock.ms));
      await run();
      const [late] = fake.add(createdAt(clock.ms - 30_000));
      expect(ids(await run())).toEqual([late?.id]);
      expect(notices).toEqual(order === 'created' ? [{ type: 'late-events', ids: [late?.id] }] : []);
      clock.ms += hourMs;
      expect(await run()).toEqual([]);
    },
  );

  test('is delivered once if the poller stops at the event above it, and no acknowledged event is repeated', async () => {
    const served = await serveAt({ events: [], pageSize: 10 });
    const { clock, fake } = served;
    const store = memoryCursorStore();
    fake.add(...numbered(50, clock.ms - 60_000));
    await collect(drain(served, { store, startFrom: 'oldest' }));
    fake.add({ id: 'latelatelate', created_at: new Date(clock.ms - 59_500).toISOString() }, { id: 'newnewnewnew' });
    const delivered: string[] = [];
    for await (const { id } of drain(served, { store })) if (delivered.push(id) === 2) break;
    expect(delivered).toEqual(['latelatelate', 'newnewnewnew']);
    expect(ids(await collect(drain(served, { store })))).toEqual(['newnewnewnew']);
  });

  test('is delivered if it arrives while a long backlog is scanned and delivered', async () => {
    const events = numbered(300);
    const served = await serveAt({ events, pageSize: 2 }); // More pages than the poller buffers.
    const { clock, fake } = served;
    clock.ms = startMs + 300_000;
    const store = memoryCursorStore();
    const late: (string | undefined)[] = [];
    const delivered: string[] = [];
    for await (const { id } of drain(served, { store, startFrom: 'oldest', lookbackMs: 10 * minuteMs })) {
      delivered.push(id);
      if (delivered.length % 60 === 0) late.push(fake.add(createdAt(startMs + 150_500 + late.length))[0]?.id);
    }
    const rest = ids(await collect(drain(served, { store, lookbackMs: 10 * minuteMs })));
    expect([...delivered, ...rest].sort()).toEqual([...ids(events), ...late].sort());
  });

  test('is delivered among a hundred others beyond the look-back, if the anchors are older still', async () => {
    const served = await serveAt({ order: 'added', events: numbered(20) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    const created_at = new Date(served.clock.ms - 15 * minuteMs).toISOString();
    served.clock.ms += minuteMs;
    const late = served.fake.add(...Array.from({ length: 120 }, () => ({ created_at })));
    expect(await drainWithNotices(served, { store })).toEqual({ delivered: ids(late), notices: [] });
  });

  test('is delivered by the next scan if it arrives behind a scan that takes longer than the look-back', async () => {
    const served = await serveAt({ pageSize: 10 });
    const { clock, fake } = served;
    fake.add(...numbered(30, clock.ms - 5 * minuteMs));
    const late = { id: 'latelatelate', created_at: new Date(clock.ms - 5 * minuteMs + 25_500).toISOString() };
    // The late event arrives on a page that the scan has read already.
    const withLateEvent = changingBefore(1, served.client(), () => fake.add(late));
    const slow = changingBefore(2, withLateEvent, () => {
      clock.ms += 30 * minuteMs;
    });
    const store = memoryCursorStore();
    expect(await collect(poller(slow, { store, startFrom: 'oldest', drain: true }))).toHaveLength(30);
    expect(ids(await collect(drain(served, { store })))).toEqual(['latelatelate']);
  });

  test('is delivered by the next poll if it arrives while an answer is on its way', async () => {
    const served = await serveAt({ events: numbered(1), order: 'created' });
    const { clock, fake } = served;
    const late = { id: 'latelatelate', created_at: new Date(clock.ms - 1000).toISOString() };
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    fake.add({ id: 'aboveabovea' });
    clock.ms += 597_000;
    const slow = answeringSlowly(served, 8000, () => fake.add(late));
    const options = { store, lookbackMs: 10 * minuteMs };
    expect(ids(await collect(drain({ client: () => slow }, options)))).toEqual(['aboveabovea']);
    expect(ids(await collect(drain(served, options)))).toEqual(['latelatelate']);
  });

  test('is delivered if it arrives during the very first request, even above an event postdated beyond the look-back', async () => {
    const served = await serveAt({ order: 'added' });
    const { clock, fake } = served;
    const [, wanted] = fake.add(createdAt(clock.ms + 14 * minuteMs), createdAt(clock.ms));
    const late = { id: 'latelatelate', ...createdAt(clock.ms - 8 * minuteMs) };
    const slow = answeringSlowly(served, 15 * minuteMs, () => fake.add(late));
    const options = { store: memoryCursorStore(), startFrom: { newest: 1 }, lookbackMs: 10 * minuteMs };
    expect(ids(await collect(drain({ client: () => slow }, options)))).toEqual([wanted?.id]);
    expect(ids(await collect(drain(served, options)))).toEqual([late.id]);
  });

  test('causes no loss of an event that it pushes off a refetched page', async () => {
    const events = numbered(300);
    const served = await serveAt({ events, pageSize: 2 });
    const { clock, fake } = served;
    clock.ms = startMs + 300_000;
    const lookbackMs = 198_800; // The watermark lies between the late events and the events that they push away.
    const late = Array.from({ length: 6 }, (_, index) => ({
      id: `late${index}`,
      created_at: new Date(startMs + 101_500).toISOString(),
    }));
    const pages = 150; // The next request refetches the first evicted page.
    const source = changingBefore(pages, served.client(), () => fake.add(...late));
    const store = memoryCursorStore();
    const options = { store, startFrom: 'oldest', drain: true, lookbackMs } as const;
    const delivered: string[] = [];
    const run = async () => {
      for await (const { id } of poller(source, options)) delivered.push(id);
    };
    await expect(run()).rejects.toMatchObject({ name: 'AuditResponseError', retryable: true });
    await run();
    expect(delivered.sort()).toEqual([...ids(events), ...ids(late)].sort());
  });
});

describe('a backdated event', () => {
  test('does not end the scan, so that every event below it is delivered', async () => {
    const served = await serveAt({ order: 'added', pageSize: 10 });
    const { clock, fake } = served;
    fake.add(...numbered(5));
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    clock.ms += minuteMs;
    const added = fake.add(...Array.from({ length: 25 }, () => ({ audit_action: 'database.created' })));
    fake.add({ id: 'backdated000', created_at: '2020-01-01T00:00:00Z' });
    expect(ids(await collect(drain(served, { store })))).toEqual([...ids(added), 'backdated000']);
  });

  test('does not end the scan if it is alone on its page', async () => {
    const served = await serveAt({ order: 'added', pageSize: 1 });
    served.fake.add(...numbered(5));
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    served.clock.ms += minuteMs;
    const added = served.fake.add(...Array.from({ length: 5 }, () => ({ audit_action: 'database.created' })));
    served.fake.add({ id: 'backdated000', created_at: '2020-01-01T00:00:00Z' });
    expect(ids(await collect(drain(served, { store })))).toEqual([...ids(added), 'backdated000']);
  });

  test('does not end the scan if a filter leaves it alone on its page', async () => {
    const wanted = { audit_action: 'user.signed_in' };
    const other = { audit_action: 'database.created' };
    const served = await serveAt({ order: 'added', filters: 'ignored' });
    const { fake } = served;
    const options = { store: memoryCursorStore(), startFrom: 'oldest', actions: [wanted.audit_action] } as const;
    fake.add(...numbered(20).map((event) => ({ ...event, ...wanted })));
    await collect(drain(served, options));
    const times = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);
    const matching = ids(fake.add(...times(30, wanted)));
    fake.add(
      ...times(50, other),
      { ...wanted, id: 'backdated000', created_at: '2020-01-01T00:00:00Z' },
      ...times(90, other),
    );
    const { delivered, notices } = await drainWithNotices(served, options);
    expect(delivered).toEqual([...matching, 'backdated000']);
    expect(notices).toEqual([]);
  });
});
