import { type CursorStore, memoryCursorStore, type PollNotice, poller } from 'planetscale-audit';
import type { FakePlanetScaleOptions } from 'planetscale-audit/testing';
import { describe, expect, test } from 'vitest';
import {
  changingBefore,
  createdAt,
  dayMs,
  drain,
  drainWithNotices,
  hourMs,
  ids,
  minuteMs,
  savedState,
  serveAt,
} from '../support/polling.ts';
import { collect, numbered, type Served } from '../support/served.ts';
import { hourly, postdatedBelowLate } from './support.ts';

describe('a poller on a changing list', () => {
  const caughtUp = async (options: FakePlanetScaleOptions = {}) => {
    const served = await serveAt({ events: numbered(250), pageSize: 10, ...options });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    return { ...served, store };
  };

  test('resumes at an older anchor if the newest anchors are deleted', async () => {
    const { store, ...served } = await caughtUp();
    for (let index = 245; index < 250; index++) served.fake.remove(`event0000${index}`);
    const [added] = served.fake.add({ audit_action: 'database.created' });
    expect(ids(await collect(drain(served, { store })))).toEqual([added?.id]);
  });

  test('reports possible duplicates and delivers new events if all anchors are deleted', async () => {
    const { store, ...served } = await caughtUp();
    for (let index = 240; index < 250; index++) served.fake.remove(`event0000${index}`);
    const [added] = served.fake.add({ audit_action: 'database.created' });
    const { delivered, notices } = await drainWithNotices(served, { store, lookbackMs: 0 });
    expect(delivered).toContain(added?.id);
    expect(notices).toMatchObject([{ type: 'possible-duplicates' }]);
    expect(await collect(drain(served, { store }))).toEqual([]);
  });

  test('reports a list that is too short, and repeats nothing, if all anchors are deleted and only a few older events are left', async () => {
    const served = await serveAt({ events: numbered(20) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    for (const { id } of numbered(20).slice(10)) served.fake.remove(id);
    expect(await drainWithNotices(served, { store })).toMatchObject({
      delivered: [],
      notices: [{ type: 'inconsistent-list' }],
    });
  });

  test.each([
    ['is postdated', '2026-11-02T12:00:00Z'],
    ['has no readable time', 'a moment ago'],
  ])('reports possible duplicates if the anchors are deleted and the only event left %s', async (_, created_at) => {
    const served = await serveAt({ order: 'added' });
    const { clock, fake } = served;
    const [left] = fake.add({ created_at });
    const others = fake.add(...numbered(20));
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    for (const { id } of others) fake.remove(id);
    clock.ms += minuteMs;
    const { delivered, notices } = await drainWithNotices(served, { store });
    expect(delivered).toEqual([left?.id]);
    expect(notices).toMatchObject([{ type: 'possible-duplicates' }, { type: 'inconsistent-list' }]);
  });

  test('repeats nothing if late anchors are deleted above a postdated event', async () => {
    const { served, addLate } = await postdatedBelowLate();
    const late = addLate(15);
    served.clock.ms += 20 * minuteMs;
    const options = { store: memoryCursorStore(), startFrom: 'oldest', lookbackMs: 10 * minuteMs } as const;
    expect(await collect(drain(served, options))).toHaveLength(16);
    for (const { id } of late) served.fake.remove(id);
    const { delivered, notices } = await drainWithNotices(served, options);
    expect(delivered).toEqual([]);
    expect(notices).toMatchObject([{ type: 'inconsistent-list' }]);
  });

  describe('after the deletion of all anchors', () => {
    const removeAnchors = async ({ fake }: Served, store: CursorStore) => {
      const { anchors = [] } = (await savedState(store)) ?? {};
      expect(anchors).toHaveLength(10);
      for (const [id] of anchors) fake.remove(id);
    };

    const possibleDuplicates = [{ type: 'possible-duplicates' }];

    test.each(['oldest', { newest: 200 }] as const)(
      'repeats no event that was acknowledged since %j',
      async (startFrom) => {
        const served = await serveAt({ events: hourly(400) });
        const store = memoryCursorStore();
        await collect(drain(served, { store, startFrom }));
        await removeAnchors(served, store);
        served.clock.ms += 5 * minuteMs;
        expect(await drainWithNotices(served, { store })).toMatchObject({ delivered: [], notices: possibleDuplicates });
      },
    );

    test.each([
      { minutes: 26 * 60, maxRepeats: 0 },
      { minutes: 30, maxRepeats: 100 }, // An event counts as new if it is younger than the anchors by no more than a late event may be.
    ])(
      'repeats at most $maxRepeats events if a second run came $minutes minutes after the first',
      async ({ minutes, maxRepeats }) => {
        const served = await serveAt({ events: hourly(400) });
        const { clock, fake } = served;
        const store = memoryCursorStore();
        await collect(drain(served, { store, startFrom: 'oldest' }));
        for (let event = 0; event < 26; event++) {
          clock.ms += (minutes * minuteMs) / 26;
          fake.add(createdAt(clock.ms));
        }
        clock.ms += 11 * minuteMs;
        expect((await drainWithNotices(served, { store })).delivered).toHaveLength(26);
        await removeAnchors(served, store);
        const { delivered, notices } = await drainWithNotices(served, { store });
        expect(delivered.length).toBeLessThanOrEqual(maxRepeats);
        expect(notices).toMatchObject(possibleDuplicates);
      },
    );

    test('repeats at most a page of the events that a first run acknowledged before it broke off', async () => {
      const events = hourly(800);
      const served = await serveAt({ events });
      const store = memoryCursorStore();
      let acknowledged = -1;
      for await (const _ of drain(served, { store, startFrom: 'oldest' })) if (++acknowledged === 450) break;
      await removeAnchors(served, store);
      const { delivered, notices } = await drainWithNotices(served, { store });
      expect(delivered.slice(-350)).toEqual(ids(events.slice(acknowledged)));
      expect(delivered.length).toBeLessThan(350 + 100);
      expect(notices).toMatchObject(possibleDuplicates);
    });

    test('repeats nothing if the times of the anchors were unreadable, and reports a list that is too short', async () => {
      const undated = Array.from({ length: 10 }, (_, index) => ({ id: `undated${index}`, created_at: 'a moment ago' }));
      const served = await serveAt({ order: 'added', events: [...hourly(20), ...undated] });
      const store = memoryCursorStore();
      await collect(drain(served, { store, startFrom: { newerThan: 'undated9' } }));
      await removeAnchors(served, store);
      expect(await drainWithNotices(served, { store })).toMatchObject({
        delivered: [],
        notices: [{ type: 'inconsistent-list' }],
      });
    });
  });

  test('reports nothing if retention deletes the events that a first run acknowledged before it broke off', async () => {
    const events = hourly(300);
    const served = await serveAt({ events });
    const { clock, fake } = served;
    const store = memoryCursorStore();
    let deliveries = 0;
    for await (const _ of drain(served, { store, startFrom: 'oldest' })) if (++deliveries === 150) break;
    for (const { id } of events.slice(0, 149)) fake.remove(id);
    clock.ms += hourMs;
    const { delivered, notices } = await drainWithNotices(served, { store, retentionMs: 6 * dayMs });
    expect(delivered).toEqual(ids(events.slice(149)));
    expect(notices).toEqual([]);
  });

  test('reports nothing if retention deletes all anchors and leaves only new events', async () => {
    const { store, clock, ...served } = await caughtUp();
    clock.ms += 14 * dayMs - hourMs;
    await collect(drain(served, { store }));
    for (const { id } of numbered(250)) served.fake.remove(id);
    clock.ms += minuteMs;
    const soon = new Date(clock.ms + 5 * minuteMs).toISOString();
    const added = served.fake.add({ audit_action: 'database.created' }, { created_at: soon });
    const { delivered, notices } = await drainWithNotices(served, { store });
    expect(delivered).toEqual(ids(added));
    expect(notices).toEqual([]);
  });

  test('remembers ten anchors over several polls, so that nine deletions in a row repeat nothing', async () => {
    const { store, clock, ...served } = await caughtUp();
    const added: string[] = [];
    for (let poll = 0; poll < 9; poll++) {
      added.push(...ids(served.fake.add({ audit_action: 'database.created' })));
      await collect(drain({ ...served }, { store }));
      clock.ms += hourMs;
    }
    await collect(drain(served, { store }));
    for (const id of added) served.fake.remove(id);
    expect(await drainWithNotices(served, { store })).toEqual({ delivered: [], notices: [] });
  });

  const unknownCursors = ['not-found', 'empty', 'first-page'] as const;
  test.each(unknownCursors)(
    'loses no event if the event of a cursor is deleted during the scan (unknown cursor: %s)',
    async (unknownCursor) => {
      const { store, ...served } = await caughtUp({ unknownCursor });
      const added = ids(served.fake.add(...Array.from({ length: 55 }, () => ({ audit_action: 'database.created' }))));
      const deleted = added[45]; // The cursor of the first page.
      const source = changingBefore(1, served.client(), () => served.fake.remove(deleted ?? ''));
      const options = { store, drain: true, onNotice: async () => {} };
      // The list changed: the job that runs the poller must retry.
      await expect(collect(poller(source, options))).rejects.toMatchObject({
        name: 'AuditResponseError',
        retryable: true,
      });
      const delivered = ids(await collect(poller(source, options)));
      expect(delivered).toEqual(added.filter((id) => id !== deleted));
    },
  );

  test('repeats no event if the event of a cursor is deleted before a refetch (unknown cursor: first-page)', async () => {
    const events = numbered(120);
    const served = await serveAt({ events, pageSize: 2, unknownCursor: 'first-page' });
    const pages = 60;
    const source = changingBefore(pages, served.client(), () => served.fake.remove('event0000118')); // The end of the newest page.
    const options = { store: memoryCursorStore(), startFrom: 'oldest', drain: true } as const;
    const delivered: string[] = [];
    const run = async () => {
      for await (const { id } of poller(source, options)) delivered.push(id);
    };
    await run().catch((error) => expect(error).toMatchObject({ name: 'AuditResponseError', retryable: true }));
    await run();
    expect(delivered).toHaveLength(new Set(delivered).size);
    expect(new Set(delivered)).toEqual(new Set([...ids(events).filter((id) => id !== 'event0000118'), ...delivered]));
  });

  test('repeats no event if the events of the cursors and the whole newest page are deleted (unknown cursor: first-page)', async () => {
    const events = numbered(12);
    const served = await serveAt({ events, pageSize: 3, unknownCursor: 'first-page' });
    const gone = [3, 6, 9, 10, 11].map((index) => events[index]?.id ?? '');
    const source = changingBefore(3, served.client(), () => {
      for (const id of gone) served.fake.remove(id);
    });
    const options = { store: memoryCursorStore(), startFrom: 'oldest', drain: true } as const;
    const delivered: string[] = [];
    const run = async () => {
      for await (const { id } of poller(source, options)) delivered.push(id);
    };
    await expect(run()).rejects.toMatchObject({ name: 'AuditResponseError', retryable: true });
    await run();
    expect(delivered).toEqual(ids(events).filter((id) => !gone.includes(id)));
  });

  test('loses no event if two bursts come while retention deletes the event of a cursor (unknown cursor: first-page)', async () => {
    const events = numbered(30);
    const served = await serveAt({ events, pageSize: 10, unknownCursor: 'first-page' });
    const burst = () => served.fake.add(...Array.from({ length: 10 }, () => ({ audit_action: 'database.created' })));
    const added: string[] = [];
    const afterSecondBurst = changingBefore(3, served.client(), () => added.push(...ids(burst())));
    const source = changingBefore(2, afterSecondBurst, () => {
      for (const { id } of events) served.fake.remove(id);
      added.push(...ids(burst()));
    });
    const options = { store: memoryCursorStore(), startFrom: 'oldest', drain: true, onNotice: () => {} } as const;
    await expect(collect(poller(source, options))).rejects.toMatchObject({ retryable: true });
    expect(ids(await collect(poller(source, options)))).toEqual(added);
  });

  test('scans again without an error if it runs without drain', async () => {
    const { store, ...served } = await caughtUp();
    const added = ids(served.fake.add(...Array.from({ length: 15 }, () => ({ audit_action: 'database.created' }))));
    const notices: PollNotice[] = [];
    const running = poller(
      changingBefore(1, served.client(), () => served.fake.remove(added[5] ?? '')),
      {
        store,
        onNotice: async (notice) => void notices.push(notice),
      },
    );
    const delivered: string[] = [];
    for await (const { id } of running) if (delivered.push(id) === 14) break;
    expect(delivered).toEqual(added.filter((id) => id !== added[5]));
    expect(notices).toMatchObject([{ type: 'retrying', attempt: 1 }]);
  });
});
