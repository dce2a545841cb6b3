import { AuditConfigError, memoryCursorStore, type PollerOptions } from 'planetscale-audit';
import type { FakePlanetScaleOptions } from 'planetscale-audit/testing';
import { describe, expect, test } from 'vitest';
import { createdAt, dayMs, defaultKey, drain, hourMs, ids, minuteMs, serveAt, startMs } from '../support/polling.ts';
import { collect, numbered } from '../support/served.ts';
import { postdatedBelowLate } from './support.ts';

describe('startFrom', () => {
  const firstRun = async (startFrom: PollerOptions['startFrom'], options: FakePlanetScaleOptions = {}) => {
    const served = await serveAt({ events: numbered(250), ...options });
    const store = memoryCursorStore();
    const delivered = ids(await collect(drain(served, { store, startFrom })));
    const [next] = served.fake.add({ audit_action: 'database.created' });
    expect(ids(await collect(drain(served, { store })))).toEqual([next?.id]);
    return delivered;
  };
  const range = (from: number, to: number) => ids(numbered(to).slice(from));

  test('delivers the 200 newest events by default', async () =>
    expect(await firstRun(undefined)).toEqual(range(50, 250)));
  test('{ newest: n } delivers the n newest events', async () =>
    expect(await firstRun({ newest: 3 })).toEqual(range(247, 250)));
  test('{ newest: n } delivers every event if fewer are listed', async () =>
    expect(await firstRun({ newest: 999 })).toEqual(range(0, 250)));
  test("'now' delivers only the events that come later", async () => expect(await firstRun('now')).toEqual([]));
  test("'oldest' delivers every event", async () => expect(await firstRun('oldest')).toEqual(range(0, 250)));
  test('{ since } delivers the events that were created at that time or later', async () =>
    expect(await firstRun({ since: new Date(startMs + 240_000) })).toEqual(range(240, 250)));
  test('{ since } delivers every event if none is older', async () =>
    expect(await firstRun({ since: new Date(0) })).toEqual(range(0, 250)));
  test('{ newerThan } delivers the events above that event in the list', async () =>
    expect(await firstRun({ newerThan: 'event0000149' })).toEqual(range(150, 250)));

  test('{ newerThan } rejects an event that is not listed with an AuditConfigError', async () => {
    const served = await serveAt({ events: numbered(5) });
    const run = collect(drain(served, { store: new Map(), startFrom: { newerThan: 'neverwas0000' } }));
    await expect(run).rejects.toThrow(AuditConfigError);
  });

  test.each(['now', 'oldest', { newest: 5 }, { since: new Date(startMs) }] as const)(
    '%j delivers the first event of an organization that was empty',
    async (startFrom) => {
      const served = await serveAt();
      const store = memoryCursorStore();
      expect(await collect(drain(served, { store, startFrom }))).toEqual([]);
      const [event] = served.fake.add({ audit_action: 'organization.created' });
      expect(ids(await collect(drain(served, { store })))).toEqual([event?.id]);
    },
  );

  test.each([{ newerThan: 'first' }, { newest: 2 }])(
    '%j follows the order of the list, and not the times of its events',
    async (startFrom) => {
      const served = await serveAt({ order: 'added' });
      const at = (ms: number) => new Date(served.clock.ms - dayMs + ms).toISOString();
      served.fake.add(
        { id: 'first', created_at: at(500) },
        { id: 'older', created_at: at(400) },
        { id: 'newer', created_at: at(900) },
      );
      const store = memoryCursorStore();
      expect(ids(await collect(drain(served, { store, startFrom })))).toEqual(['older', 'newer']);
    },
  );

  test('{ since } delivers a postdated event below a hundred late events', async () => {
    const { served, postdated, addLate } = await postdatedBelowLate();
    addLate(150);
    served.clock.ms += 8 * minuteMs;
    const options = {
      store: new Map(),
      startFrom: { since: new Date(postdated.created_at) },
      lookbackMs: 10 * minuteMs,
    };
    expect(ids(await collect(drain(served, options)))).toEqual([postdated.id]);
  });

  test('{ since } with actions delivers the events below a backdated event that a filter leaves alone on its page', async () => {
    const wanted = { audit_action: 'user.signed_in' };
    const other = { audit_action: 'database.created' };
    const served = await serveAt({ order: 'added', filters: 'ignored' });
    const { clock, fake } = served;
    const today = createdAt(clock.ms - hourMs);
    const matching = ids(fake.add(...Array.from({ length: 30 }, () => ({ ...wanted, ...today }))));
    fake.add(...Array.from({ length: 99 }, () => ({ ...other, ...today })), {
      ...wanted,
      created_at: '2020-01-01T00:00:00Z',
    });
    const since = new Date(clock.ms - dayMs);
    const options = { store: new Map(), startFrom: { since }, actions: [wanted.audit_action] };
    expect(ids(await collect(drain(served, options)))).toEqual(matching);
    expect(ids(await collect(served.client().events({ since, actions: [wanted.audit_action] })))).toEqual(
      matching.toReversed(),
    );
  });

  test('{ since } holds for later polls, which deliver no older event that becomes visible later', async () => {
    const served = await serveAt({ order: 'added' });
    const since = new Date(served.clock.ms - minuteMs);
    const options = { store: memoryCursorStore(), startFrom: { since } };
    expect(await collect(drain(served, options))).toEqual([]);
    served.fake.add(createdAt(since.getTime() - 1));
    const [wanted] = served.fake.add({ created_at: since.toISOString() });
    expect(ids(await collect(drain(served, options)))).toEqual([wanted?.id]);
  });

  test('is saved before the first delivery', async () => {
    const served = await serveAt({ events: numbered(5) });
    const store = new Map<string, string>();
    for await (const _ of drain(served, { store, startFrom: 'oldest' })) {
      expect([...store.keys()]).toEqual([defaultKey]);
      break;
    }
  });

  const times = [
    ['cannot be read', 'a moment ago'],
    ['is years ahead', '2107-01-01T00:00:00Z'],
    ['is a little ahead', '2026-11-02T00:05:00Z'],
  ] as const;
  test.each(times)(
    'loses no event above one whose time %s, even if the first run breaks off',
    async (_, created_at) => {
      for (const startFrom of [{ newerThan: 'below' }, { newest: 5 }]) {
        const served = await serveAt({ order: 'added' });
        served.fake.add({ id: 'below', created_at }, ...numbered(5));
        const store = memoryCursorStore();
        for await (const _ of drain(served, { store, startFrom })) break;
        expect(ids(await collect(drain(served, { store })))).toEqual(ids(numbered(5)));
      }
    },
  );

  test.each([8 * minuteMs, 180 * minuteMs])(
    'delivers late events above an event postdated by %i ms, even if the first run breaks off',
    async (aheadMs) => {
      for (const by of ['newest', 'newerThan'] as const) {
        const { served, postdated, addLate } = await postdatedBelowLate({ aheadMs });
        const late = addLate(3);
        served.clock.ms += aheadMs;
        const startFrom = by === 'newest' ? { newest: 3 } : { newerThan: postdated.id };
        const options = { store: memoryCursorStore(), startFrom, lookbackMs: 10 * minuteMs };
        for await (const _ of drain(served, options)) break;
        expect(ids(await collect(drain(served, options)))).toEqual(ids(late));
      }
    },
  );

  test('{ newest: 5 } delivers the same five events to the run after a break', async () => {
    const served = await serveAt({ events: numbered(50) });
    const store = memoryCursorStore();
    for await (const _ of drain(served, { store, startFrom: { newest: 5 } })) break;
    expect(ids(await collect(drain(served, { store })))).toEqual(ids(numbered(50).slice(-5)));
  });

  test('applies only to the first run, and a poller with a saved state resumes from that state', async () => {
    const served = await serveAt({ events: numbered(5) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'now' }));
    expect(await collect(drain(served, { store, startFrom: 'oldest' }))).toEqual([]);
  });

  test.each(['now', { newest: 2 }] as const)(
    '%j leaves out the events before the start, even within the look-back, and delivers a late event',
    async (startFrom) => {
      const served = await serveAt({ order: 'created' });
      const { clock, fake } = served;
      fake.add(
        ...Array.from({ length: 5 }, (_, index) => ({
          created_at: new Date(clock.ms - index * minuteMs).toISOString(),
        })),
      );
      const store = memoryCursorStore();
      const delivered = await collect(drain(served, { store, startFrom }));
      expect(delivered).toHaveLength(startFrom === 'now' ? 0 : 2);
      const [late] = fake.add(createdAt(clock.ms - 3.5 * minuteMs));
      expect(ids(await collect(drain(served, { store })))).toEqual([late?.id]);
    },
  );
});
