import { type AuditEvent, type AuditSource, type CursorStore, memoryCursorStore, poller } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { eventWith } from '../support/arbitrary-events.ts';
import { drain, ids, serveAt, startMs } from '../support/polling.ts';
import { collect, listOf, numbered } from '../support/served.ts';

describe('new events', () => {
  test('are delivered oldest first, over all pages', async () => {
    const events = numbered(350);
    const served = await serveAt({ events });
    const store = memoryCursorStore();
    expect(ids(await collect(drain(served, { store, startFrom: 'oldest' })))).toEqual(ids(events));
  });

  /** Polls a list that has one page, at the time of its last event. */
  const pollOnePage = async (events: readonly AuditEvent[], others: readonly AuditEvent[] = []) => {
    const all = [...events, ...others];
    const source: AuditSource = {
      organization: 'acme',
      page: async () => ({
        events: events.toReversed(),
        received: all.toReversed(),
        hasNext: false,
        hasPrev: false,
        cursorStart: all.at(-1)?.id ?? null,
        cursorEnd: all[0]?.id ?? null,
        servedAt: new Date(all.at(-1)?.created_at ?? 0),
      }),
    };
    const options = { store: memoryCursorStore(), startFrom: 'oldest', drain: true, onNotice: () => {} } as const;
    return ids(await collect(poller(source, options)));
  };

  test('are delivered from a page of any size', async () => {
    const events = numbered(200_000).map((event) => eventWith({ ...event }));
    expect(await pollOnePage(events)).toEqual(ids(events));
  });

  test('are delivered from below any number of events of other actions', async () => {
    const [wanted, ...others] = numbered(320_000).map((event) => eventWith({ ...event }));
    if (!wanted) expect.unreachable();
    expect(await pollOnePage([wanted], others)).toEqual([wanted.id]);
  });

  test('are delivered once, poll after poll', async () => {
    const served = await serveAt({ events: numbered(150) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    expect(await collect(drain(served, { store }))).toEqual([]);
    const added = served.fake.add({ audit_action: 'database.created' }, { audit_action: 'database.deleted' });
    expect(ids(await collect(drain(served, { store })))).toEqual(ids(added));
    expect(await collect(drain(served, { store }))).toEqual([]);
  });

  test('are delivered in batches of at most 100, and the poller saves once for each batch', async () => {
    const served = await serveAt({ events: numbered(250) });
    const store = memoryCursorStore();
    let saves = 0;
    const counting: CursorStore = {
      ...store,
      compareAndSet: (key, expected, next) => {
        saves++;
        return store.compareAndSet(key, expected, next);
      },
    };
    const sizes = (await collect(drain(served, { store: counting, startFrom: 'oldest' }).batches())).map(
      ({ length }) => length,
    );
    expect(sizes).toEqual([50, 100, 100]);
    // One save for the first state, and one for each batch.
    expect(saves).toBe(1 + 3);
  });

  test('are acknowledged with their batch, even if the consumer empties the batch and changes its events', async () => {
    const served = await serveAt({ events: numbered(250) });
    const store = memoryCursorStore();
    const delivered: unknown[] = [];
    const running = drain(served, { store, startFrom: 'oldest' });
    for await (const batch of running.batches()) {
      for (const event of batch) Object.assign(event, { id: `acme:${event.id}`, created_at: 'today' });
      delivered.push(...Reflect.apply(Array.prototype.splice, batch, [0]));
    }
    expect(delivered).toHaveLength(250);
    expect(running.health()).toMatchObject({ processed: 250, lastEventAt: new Date(startMs + 249_000) });
    expect(await collect(drain(served, { store }))).toEqual([]);
  });

  test('are exactly those of the chosen actions, even if the server ignores the filter', async () => {
    const events = numbered(250).map((event, index) =>
      index % 5 ? event : { ...event, audit_action: 'database.deleted' },
    );
    for (const filters of ['honoured', 'ignored'] as const) {
      const served = await serveAt({ events, filters });
      const delivered = await collect(
        drain(served, { store: new Map(), startFrom: 'oldest', actions: ['database.deleted'] }),
      );
      expect(ids(delivered)).toEqual(ids(events.filter(({ audit_action }) => audit_action === 'database.deleted')));
    }
  });
});

test('a poll that finds no new event costs one request', async () => {
  const served = await serveAt({ events: numbered(150) });
  const store = memoryCursorStore();
  await collect(drain(served, { store, startFrom: 'oldest' }));
  const requestsBefore = served.fake.requests.length;
  await collect(drain(served, { store }));
  expect(served.fake.requests).toHaveLength(requestsBefore + 1);
});

describe('a restart of the poller', () => {
  test('repeats only the event at which the consumer stopped, wherever in a three-page backlog the event stands', async () => {
    const events = numbered(250);
    const served = await serveAt({ events });
    for (let stopAt = 0; stopAt < events.length; stopAt += 1) {
      const store = memoryCursorStore();
      const first: AuditEvent[] = [];
      for await (const event of drain(served, { store, startFrom: 'oldest' })) {
        first.push(event);
        if (first.length > stopAt) break;
      }
      const rest = await collect(drain(served, { store }));
      expect(ids([...first, ...rest.slice(1)])).toEqual(ids(events));
      expect(rest[0]?.id).toBe(first.at(-1)?.id);
    }
  }, 120_000);

  test('redelivers the event at which the consumer threw', async () => {
    const events = numbered(5);
    const served = await serveAt({ events });
    const store = memoryCursorStore();
    const run = async () => {
      for await (const { id } of drain(served, { store, startFrom: 'oldest' })) {
        if (id === 'event0000003') throw new Error('the row was refused');
      }
    };
    await expect(run()).rejects.toThrow('the row was refused');
    expect(ids(await collect(drain(served, { store })))).toEqual(['event0000003', 'event0000004']);
  });

  test('redelivers the batch at which the consumer stopped', async () => {
    const served = await serveAt({ events: numbered(250) });
    const store = memoryCursorStore();
    let batches = 0;
    for await (const _ of drain(served, { store, startFrom: 'oldest' }).batches()) if (++batches === 2) break;
    const rest = await collect(drain(served, { store }).batches());
    expect(rest.map((batch) => [batch[0]?.id, batch.at(-1)?.id])).toEqual([
      ['event0000050', 'event0000149'],
      ['event0000150', 'event0000249'],
    ]);
  });

  test('redelivers at most the in-flight batch after an unclean exit such as kill -9', async () => {
    const events = numbered(250);
    const served = await serveAt({ events });
    const store = memoryCursorStore();
    const killed = drain(served, { store, startFrom: 'oldest' })[Symbol.asyncIterator]();
    for (let i = 0; i < 120; i++) await killed.next();
    // The process is gone: nothing requests another event, and nothing ends the iteration.
    expect(ids(await collect(drain(served, { store })))).toEqual(ids(events.slice(50)));
  });
});

describe('an invalid event', () => {
  const bad = { audit_action: 'database.created', created_at: '2026-11-01T00:00:00Z' };

  test('stops the poller before its delivery by default', async () => {
    const served = await serveAt();
    served.fake.failNext(listOf([bad]));
    await expect(collect(drain(served, { store: new Map() }))).rejects.toMatchObject({
      name: 'AuditResponseError',
      invalidEvents: [{ rawJson: JSON.stringify(bad) }],
    });
  });

  test('goes to onInvalidEvent once, poll after poll, and the poller delivers the other events', async () => {
    const served = await serveAt();
    const [good] = numbered(1);
    served.fake.failNext(listOf([bad, good]), listOf([bad, good]));
    const parked: string[] = [];
    const client = served.client({ onInvalidEvent: ({ rawJson }) => void parked.push(rawJson) });
    const options = { store: memoryCursorStore(), drain: true };
    expect(await collect(poller(client, options))).toHaveLength(1);
    expect(await collect(poller(client, options))).toHaveLength(0);
    expect(parked).toEqual([JSON.stringify(bad)]);
  });
});
