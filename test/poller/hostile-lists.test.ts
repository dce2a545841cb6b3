import { type AuditPage, type AuditSource, memoryCursorStore, PlanetScaleAuditClient } from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  createdAt,
  dayMs,
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
import { collect, credentials, numbered } from '../support/served.ts';
import { ListSource } from './list-source.ts';
import { hourly } from './support.ts';

/** A source that changes the pages of another one. */
const changing = (
  source: AuditSource,
  change: (page: AuditPage, cursor: string | undefined) => AuditPage,
): AuditSource => ({
  organization: source.organization,
  page: async (query = {}) => change(await source.page(query), query.startingAfter),
});

describe('a block of a hundred backdated events', () => {
  const backdated = (count: number, ms: number) => Array.from({ length: count }, () => createdAt(ms - 40 * hourMs));

  test('hides no new event below it', async () => {
    const served = await serveAt({ order: 'added', events: numbered(300) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    const { clock, fake } = served;
    clock.ms += minuteMs;
    const added = fake.add(...Array.from({ length: 30 }, () => createdAt(clock.ms)));
    const block = fake.add(...backdated(100, clock.ms));
    const { delivered, notices } = await drainWithNotices(served, { store });
    expect(delivered).toEqual(ids([...added, ...block]));
    expect(notices).toEqual([]);
  });

  test('hides no new event if all anchors are deleted too, and is not delivered itself', async () => {
    const served = await serveAt({ order: 'added', events: hourly(300) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    const { clock, fake } = served;
    for (const [id] of (await savedState(store))?.anchors ?? []) fake.remove(id);
    clock.ms += minuteMs;
    const added = fake.add(...Array.from({ length: 30 }, () => createdAt(clock.ms)));
    fake.add(...backdated(100, clock.ms));
    const { delivered, notices } = await drainWithNotices(served, { store });
    expect(delivered).toEqual(ids(added));
    expect(notices).toMatchObject([{ type: 'possible-duplicates' }]);
  });
});

test('a poller whose anchors are all deleted reads the whole list twice, and one page in the next poll', async () => {
  const served = await serveAt({ events: hourly(1000) });
  const { fake } = served;
  const store = memoryCursorStore();
  await collect(drain(served, { store, startFrom: { newest: 0 } }));
  for (const [id] of (await savedState(store))?.anchors ?? []) fake.remove(id);
  const requestsOf = async () => {
    const before = fake.requests.length;
    expect(await collect(drain(served, { store }))).toEqual([]);
    return fake.requests.length - before;
  };
  expect(await requestsOf()).toBe(10);
  expect(await requestsOf()).toBe(10);
  expect(await requestsOf()).toBe(1);
});

test('a poller whose anchors are all deleted reports that once, even if nothing is new', async () => {
  const served = await serveAt({ events: hourly(110) });
  const store = memoryCursorStore();
  await collect(drain(served, { store, startFrom: { newest: 0 } }));
  for (const [id] of (await savedState(store))?.anchors ?? []) served.fake.remove(id);
  expect((await drainWithNotices(served, { store })).notices).toMatchObject([{ type: 'possible-duplicates' }]);
  expect((await drainWithNotices(served, { store })).notices).toEqual([]);
});

describe('a list that is shorter than before', () => {
  /** A poller that has delivered 20 old events and 10 young ones, on a list that the test can cut. */
  const onCutList = async () => {
    const served = await serveAt({ events: numbered(20) });
    const { clock, fake } = served;
    const visible = { count: Number.POSITIVE_INFINITY };
    const client = () =>
      changing(served.client(), (page) => {
        const events = page.events.slice(0, visible.count);
        return { ...page, events, hasNext: page.hasNext && events.length > 0, cursorEnd: events.at(-1)?.id ?? null };
      });
    const store = memoryCursorStore();
    const young = fake.add(...Array.from({ length: 10 }, () => createdAt(clock.ms)));
    await collect(drain({ client }, { store, startFrom: 'oldest' }));
    const poll = () => drainWithNotices({ client }, { store });
    return { clock, fake, visible, poll, store, young };
  };

  test.each([0, 5])('repeats no event after 15 minutes in which it showed %i events', async (count) => {
    const { clock, visible, poll } = await onCutList();
    visible.count = count;
    for (let minute = 0; minute < 15; minute++) {
      clock.ms += minuteMs;
      const notices = minute === 0 ? [{ type: 'inconsistent-list' }] : [];
      expect(await poll()).toMatchObject({ delivered: [], notices });
    }
    visible.count = Number.POSITIVE_INFINITY;
    clock.ms += minuteMs;
    expect(await poll()).toEqual({ delivered: [], notices: [] });
  });

  test('delivers what is new on it, and afterwards what it hid', async () => {
    const { clock, fake, visible, poll } = await onCutList();
    clock.ms += minuteMs;
    const hidden = fake.add(createdAt(clock.ms));
    visible.count = 0;
    await poll();
    clock.ms += minuteMs;
    const shown = fake.add(createdAt(clock.ms));
    visible.count = 1;
    expect((await poll()).delivered).toEqual(ids(shown));
    clock.ms += hourMs;
    expect((await poll()).delivered).toEqual([]);
    visible.count = Number.POSITIVE_INFINITY;
    expect((await poll()).delivered).toEqual(ids(hidden));
    expect((await poll()).delivered).toEqual([]);
  });

  test('is reported once by a poller that runs on', async () => {
    vi.useFakeTimers({ now: startMs + dayMs });
    onTestFinished(() => void vi.useRealTimers());
    const fake = fakePlanetScale({ ...credentials, events: numbered(20) });
    let isEmpty = false;
    const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, fetch: fake.fetch });
    const source = changing(client, (page) =>
      isEmpty ? { ...page, events: [], hasNext: false, cursorStart: null, cursorEnd: null } : page,
    );
    const { notices, delivered, controller, ended } = pollInBackground(source);
    await vi.advanceTimersByTimeAsync(minuteMs);
    isEmpty = true;
    await vi.advanceTimersByTimeAsync(15 * minuteMs);
    isEmpty = false;
    await vi.advanceTimersByTimeAsync(5 * minuteMs);
    controller.abort();
    await ended;
    expect(delivered).toEqual(ids(numbered(20)));
    expect(notices).toMatchObject([{ type: 'inconsistent-list' }]);
  });

  test('is not reported once retention may have taken all that the poller knows', async () => {
    const { clock, fake, poll, young } = await onCutList();
    for (let day = 0; day < 15; day++) {
      clock.ms += dayMs;
      await poll();
    }
    for (const { id } of [...numbered(20), ...young]) fake.remove(id);
    expect(await poll()).toEqual({ delivered: [], notices: [] });
    const added = fake.add(createdAt(clock.ms));
    expect(await poll()).toEqual({ delivered: ids(added), notices: [] });
  });
});

describe('a stale answer without the newest events', () => {
  test.each([
    ['ends at one of the older anchors', 4],
    ['lacks a burst that the poller has delivered', 600],
  ])('repeats nothing if it %s', async (_, missing) => {
    vi.useFakeTimers({ toFake: ['Date'], now: startMs });
    onTestFinished(() => void vi.useRealTimers());
    const source = new ListSource();
    for (let index = 0; index < 1000; index++) source.add(`e${index}`, startMs - (2000 - index) * 1000);
    const store = memoryCursorStore();
    await drainWithNotices(source, { store, startFrom: 'oldest' });
    for (let index = 0; index < 600; index++) source.add(`new${index}`, startMs - 600 + index);
    await drainWithNotices(source, { store });
    vi.setSystemTime(startMs + (missing === 600 ? minuteMs : hourMs));
    await drainWithNotices(source, { store });
    vi.setSystemTime(Date.now() + 61 * minuteMs); // The next run saves its state.
    source.view = (list) => list.slice(missing);
    expect((await drainWithNotices(source, { store })).delivered).toEqual([]);
    source.view = (list) => list;
    expect(await drainWithNotices(source, { store })).toEqual({ delivered: [], notices: [] });
  });
});

test('a short answer loses nothing if all that the poller knows is older than the retention', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: startMs });
  onTestFinished(() => void vi.useRealTimers());
  const source = new ListSource();
  for (let index = 0; index < 20; index++) source.add(`e${index}`, startMs - (30 - index) * dayMs);
  const store = memoryCursorStore();
  await drainWithNotices(source, { store, startFrom: 'oldest' });
  vi.setSystemTime(startMs + 14 * dayMs);
  for (let index = 0; index < 10; index++) source.add(`new${index}`, Date.now() - hourMs);
  source.view = (list) => list.slice(0, 3);
  const shown = await drainWithNotices(source, { store, retentionMs: 14 * dayMs + 1 });
  source.view = (list) => list;
  vi.setSystemTime(Date.now() + minuteMs);
  const rest = await drainWithNotices(source, { store });
  expect([...shown.delivered, ...rest.delivered].toSorted()).toEqual(
    Array.from({ length: 10 }, (_, index) => `new${index}`),
  );
});

describe('an event on two pages', () => {
  const withTwin = (source: AuditSource, twin: AuditPage['events'][number], cursor: string) =>
    changing(source, (page, requestCursor) =>
      requestCursor === cursor
        ? { ...page, events: [...page.events.slice(0, 5), twin, ...page.events.slice(5)] }
        : page,
    );

  test.each([
    ['the newest page and the next', 290, 200],
    ['the last two pages', 150, 100],
  ])('(%s) is delivered once', async (_, twinIndex, cursorIndex) => {
    const served = await serveAt({ events: numbered(300) });
    const events = numbered(300);
    const [twin] = (await served.client().page({ startingAfter: events[twinIndex + 1]?.id, limit: 1 })).events;
    if (!twin) return expect.unreachable();
    const source = withTwin(served.client(), twin, events[cursorIndex]?.id ?? '');
    const store = memoryCursorStore();
    const { delivered } = await drainWithNotices({ client: () => source }, { store, startFrom: 'oldest' });
    expect(delivered.toSorted()).toEqual(ids(events));
    expect(await drainWithNotices({ client: () => source }, { store })).toEqual({ delivered: [], notices: [] });
  });
});

test('two events on two pages each do not stop the poller', async () => {
  const served = await serveAt({ events: numbered(300) });
  const [a, b] = (await served.client().page()).events.slice(10);
  const source = changing(served.client(), (page, cursor) =>
    cursor !== undefined && a && b && !page.hasNext ? { ...page, events: [a, b, ...page.events] } : page,
  );
  const { delivered } = await drainWithNotices(
    { client: () => source },
    { store: memoryCursorStore(), startFrom: 'oldest' },
  );
  expect(delivered.toSorted()).toEqual(ids(numbered(300)));
});

describe('a server that ignores the filter', () => {
  test('costs one request a poll, even if the poller has never seen an event of its actions', async () => {
    const served = await serveAt({ events: [], filters: 'ignored' });
    const options = { store: memoryCursorStore(), startFrom: 'oldest', actions: ['branch.created'] } as const;
    const poll = () => drainWithNotices(served, options);
    await poll();
    for (let second = 0; second < 300; second++) {
      served.fake.add({ audit_action: 'database.created', ...createdAt(served.clock.ms + second * 1000) });
    }
    served.clock.ms += dayMs;
    await poll();
    await poll();
    const before = served.fake.requests.length;
    await poll();
    expect(served.fake.requests.length - before).toBe(1);
  });

  test('gives a first run the newest events of the actions', async () => {
    const events = numbered(100).map((event, index) =>
      index % 10 ? event : { ...event, audit_action: 'database.deleted' },
    );
    const served = await serveAt({ events, filters: 'ignored' });
    const options = { store: memoryCursorStore(), startFrom: { newest: 5 }, actions: ['database.deleted'] } as const;
    expect((await drainWithNotices(served, options)).delivered).toEqual(
      [50, 60, 70, 80, 90].map((n) => `event00000${n}`),
    );
    expect((await drainWithNotices(served, options)).delivered).toEqual([]);
  });

  test('costs a poller one request when nothing is new, however many other events are above', async () => {
    const wanted = numbered(10).map((event) => ({ ...event, audit_action: 'database.deleted' }));
    const others = numbered(1000, Date.parse('2026-11-01T01:00:00Z')).map((event, index) => ({
      ...event,
      id: `other${index}`,
    }));
    const served = await serveAt({ events: [...wanted, ...others], filters: 'ignored' });
    const options = { store: memoryCursorStore(), startFrom: 'oldest', actions: ['database.deleted'] } as const;
    expect(ids(await collect(drain(served, options)))).toEqual(ids(wanted));
    const before = served.fake.requests.length;
    expect(await collect(drain(served, options))).toEqual([]);
    expect(served.fake.requests.length - before).toBe(1);
    const [added] = served.fake.add({ audit_action: 'database.deleted', ...createdAt(served.clock.ms) });
    expect(ids(await collect(drain(served, options)))).toEqual([added?.id]);
  });
});
