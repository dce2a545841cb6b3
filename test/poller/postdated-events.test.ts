import { type AuditSource, type CursorStore, memoryCursorStore, poller } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import {
  createdAt,
  dayMs,
  drain,
  drainWithNotices,
  hourMs,
  ids,
  minuteMs,
  serveAt,
  startMs,
} from '../support/polling.ts';
import { collect, numbered, type Served } from '../support/served.ts';

/** A list in insert order: an event postdated by a day, and `count` events above it. The time of the postdated event has come. */
const dayPostdatedBelow = async (count: number) => {
  const served = await serveAt({ order: 'added' });
  const { clock, fake } = served;
  const postdated = { id: 'postdated00', created_at: new Date(clock.ms + dayMs).toISOString() };
  fake.add(postdated);
  const events = fake.add(...numbered(count, clock.ms).map(({ id: _, ...event }) => event));
  clock.ms += dayMs + 20 * minuteMs;
  return { served, postdated, events };
};

/** A source that hides two events, which are inserted and not committed yet. */
const hidingTwo = (source: AuditSource): AuditSource => ({
  organization: source.organization,
  async page(query) {
    const page = await source.page(query);
    return { ...page, events: page.events.filter(({ id }) => id !== 'hiddenbelow' && id !== 'hiddenabove') };
  },
});

/** The two events become visible, and a run breaks off at the upper one. The next run must redeliver that one. */
const breakOffAtTheUpperOne = async (served: Served, options: { readonly store: CursorStore }) => {
  const delivered: string[] = [];
  for await (const { id } of drain(served, options)) if (delivered.push(id) === 2) break;
  expect(delivered).toEqual(['hiddenbelow', 'hiddenabove']);
  expect(await drainWithNotices(served, options)).toMatchObject({
    delivered: ['hiddenabove'],
    notices: [{ type: 'late-events' }],
  });
};

describe('a postdated event', () => {
  test('does not hide the events that come after it, even if its time is years ahead', async () => {
    const served = await serveAt({ order: 'added' });
    served.fake.add({ created_at: '2107-01-01T00:00:00Z' }, ...numbered(1));
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    const added = served.fake.add(...numbered(150, served.clock.ms).map(({ id: _, ...event }) => event));
    served.clock.ms += hourMs;
    expect(ids(await collect(drain(served, { store })))).toEqual(ids(added));
  });

  test('does not hide the pending events of a first run that broke off, once its time has come', async () => {
    const served = await serveAt({ order: 'added' });
    const { clock, fake } = served;
    fake.add(createdAt(clock.ms + dayMs));
    const events = fake.add(...numbered(150, clock.ms));
    clock.ms += dayMs + minuteMs;
    const store = memoryCursorStore();
    let delivered = 0;
    for await (const _ of drain(served, { store, startFrom: 'oldest' })) if (++delivered === 4) break;
    expect(ids(await collect(drain(served, { store })))).toEqual(ids(events.slice(2)));
  });

  test('does not end the next scan above a hundred pending events, if it alone was acknowledged', async () => {
    const { served, events } = await dayPostdatedBelow(150);
    const store = memoryCursorStore();
    let delivered = 0;
    for await (const _ of drain(served, { store, startFrom: 'oldest' })) if (++delivered === 2) break;
    expect(await drainWithNotices(served, { store })).toEqual({ delivered: ids(events), notices: [] });
  });

  test('does not hide pending events if the first run started above it, and broke off before any acknowledgement', async () => {
    const { served, postdated, events } = await dayPostdatedBelow(150);
    const store = memoryCursorStore();
    for await (const _ of drain(served, { store, startFrom: { newerThan: postdated.id } })) break;
    expect(await drainWithNotices(served, { store })).toEqual({ delivered: ids(events), notices: [] });
  });

  test('does not hide a pending event with an unreadable time after a run that broke off', async () => {
    const served = await serveAt({ order: 'added' });
    const { clock, fake } = served;
    // The list is in insert order: the hidden events are committed a minute after their insert.
    const seen = ids(fake.add({ id: 'ordinary', ...createdAt(clock.ms) }));
    fake.add({ id: 'hiddenbelow', ...createdAt(clock.ms) });
    seen.push(...ids(fake.add({ id: 'postdated00', ...createdAt(clock.ms + 12 * hourMs) })));
    fake.add({ id: 'hiddenabove', created_at: 'a moment ago' });
    seen.push(...ids(fake.add(...Array.from({ length: 100 }, () => createdAt(clock.ms)))));
    const source = hidingTwo(served.client());
    const options = { store: memoryCursorStore(), startFrom: 'oldest', drain: true, onNotice: () => {} } as const;
    clock.ms += minuteMs;
    expect(ids(await collect(poller(source, options)))).toEqual(seen);
    clock.ms += dayMs;
    await breakOffAtTheUpperOne(served, options);
  });

  test.each([
    ['is postdated too', new Date(startMs + (24 * 60 + 9) * minuteMs).toISOString()],
    ['has an unreadable time', 'a moment ago'],
  ])(
    'does not hide an event that { since } includes and that %s, below a hundred older events',
    async (_, created_at) => {
      const served = await serveAt({ order: 'added' });
      const { clock, fake } = served;
      const since = new Date(clock.ms);
      const at = (ms: number) => createdAt(since.getTime() + ms);
      const [, hard] = fake.add(at(dayMs), { created_at });
      fake.add(...Array.from({ length: 100 }, () => at(-minuteMs)));
      clock.ms += (24 * 60 + 20) * minuteMs;
      const store = memoryCursorStore();
      let delivered = 0;
      for await (const _ of drain(served, { store, startFrom: { since } })) if (++delivered === 2) break;
      expect(await drainWithNotices(served, { store })).toEqual({ delivered: [hard?.id], notices: [] });
    },
  );
});

describe('a shortened look-back', () => {
  test('hides no event below those that were delivered with the longer look-back', async () => {
    const served = await serveAt({ order: 'added' });
    const { clock, fake } = served;
    const minutesAgo = (minutes: number) => createdAt(clock.ms - minutes * minuteMs);
    fake.add(minutesAgo(120), { id: 'hiddenbelow', ...minutesAgo(4) }, minutesAgo(3), {
      id: 'hiddenabove',
      ...minutesAgo(2),
    });
    fake.add(...Array.from({ length: 100 }, () => minutesAgo(30)));
    const source = hidingTwo(served.client());
    const options = { store: memoryCursorStore(), startFrom: 'oldest', drain: true, onNotice: () => {} } as const;
    expect(await collect(poller(source, { ...options, lookbackMs: hourMs }))).toHaveLength(102);
    clock.ms += 600 * minuteMs;
    await breakOffAtTheUpperOne(served, options);
  });
});

describe('anchors', () => {
  test('are found below a hundred events from just before { since } after a first run that broke off', async () => {
    const justBefore = numbered(150, startMs - 5 * minuteMs).map(({ id: _, ...event }) => event);
    const served = await serveAt({ events: [...numbered(120, startMs - hourMs), ...justBefore] });
    const wanted = served.fake.add({ audit_action: 'database.created' }, { audit_action: 'database.deleted' });
    served.clock.ms += 11 * minuteMs;
    const options = { store: memoryCursorStore(), startFrom: { since: new Date(startMs) } };
    for await (const _ of drain(served, options)) break;
    expect(await drainWithNotices(served, options)).toEqual({ delivered: ids(wanted), notices: [] });
  });

  test('are found below a hundred events from before the start, without a notice of duplicates', async () => {
    const served = await serveAt({ order: 'added', pageSize: 3 });
    const { clock, fake } = served;
    const since = new Date(clock.ms);
    const justBefore = createdAt(clock.ms - minuteMs);
    const [postdated] = fake.add(createdAt(clock.ms + dayMs));
    fake.add(...Array.from({ length: 152 }, () => justBefore)); // Two of them are on the same page.
    clock.ms += 10 * minuteMs;
    const options = { store: memoryCursorStore(), startFrom: { since }, lookbackMs: 10 * minuteMs };
    expect(ids(await collect(drain(served, options)))).toEqual([postdated?.id]);
    expect(await drainWithNotices(served, options)).toEqual({ delivered: [], notices: [] });
  });
});
