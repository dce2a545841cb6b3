import {
  AuditConfigError,
  type AuditEvent,
  type AuditSource,
  type CursorStore,
  memoryCursorStore,
  type PollerOptions,
  type PollNotice,
  poller,
} from 'planetscale-audit';
import type { FakePlanetScaleOptions } from 'planetscale-audit/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { decodeState } from '../../src/poller/state.ts';
import { drain, drainTold, happeningAt, ids, minuteMs, serveAt, startMs } from '../support/polling.ts';
import { collect, listOf, numbered, type Served } from '../support/served.ts';

/** A list in the order of inserts with an event ahead of its time, by 8 minutes if not told, and then some that are 9 minutes late. */
const aheadBelowLate = async ({ aheadMs = 8 * minuteMs } = {}) => {
  const served = await serveAt({ order: 'added' });
  const { clock, fake } = served;
  const at = (ms: number) => ({ created_at: new Date(ms).toISOString() });
  const ahead = { id: 'aheadaheada', ...at(clock.ms + aheadMs) };
  fake.add(ahead);
  clock.ms += minuteMs;
  const makeLate = (count: number) => fake.add(...Array.from({ length: count }, () => at(clock.ms - 9 * minuteMs)));
  return { served, ahead, makeLate };
};

/** A list in the order of inserts with an event that was a day ahead of its time, and then so many that were not; its time has come. */
const dayAheadBelow = async (count: number) => {
  const served = await serveAt({ order: 'added' });
  const { clock, fake } = served;
  const dayMs = 24 * 60 * minuteMs;
  const ahead = { id: 'aheadaheada', created_at: new Date(clock.ms + dayMs).toISOString() };
  fake.add(ahead);
  const events = fake.add(...numbered(count, clock.ms).map(({ id: _, ...event }) => event));
  clock.ms += dayMs + 20 * minuteMs;
  return { served, ahead, events };
};

/** A source that does not show two events: they are inserted, and not committed yet. */
const hidingBoth = (source: AuditSource): AuditSource => ({
  organization: source.organization,
  async page(query) {
    const page = await source.page(query);
    return { ...page, events: page.events.filter(({ id }) => id !== 'hiddenbelow' && id !== 'hiddenabove') };
  },
});

/** They show up, and a run breaks off at the upper one: the next run gives that again. */
const breakOffAtTheUpper = async (served: Served, options: { readonly store: CursorStore }) => {
  const given: string[] = [];
  for await (const { id } of drain(served, options)) if (given.push(id) === 2) break;
  expect(given).toEqual(['hiddenbelow', 'hiddenabove']);
  expect(await drainTold(served, options)).toMatchObject({
    given: ['hiddenabove'],
    notices: [{ type: 'late-events' }],
  });
};

/** A source whose answers take so long, while something happens: after the list has been read, and before they are dated. */
const answeringSlowly = (
  { client, clock }: Awaited<ReturnType<typeof serveAt>>,
  tookMs: number,
  happen: () => unknown,
): AuditSource => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const source = client();
  return {
    organization: source.organization,
    async page(query) {
      const page = await source.page(query);
      happen();
      vi.setSystemTime(Date.now() + tookMs);
      clock.ms += tookMs;
      return { ...page, servedAt: new Date(clock.ms) };
    },
  };
};

describe('what is new', () => {
  test('is given oldest first, over all pages', async () => {
    const events = numbered(350);
    const served = await serveAt({ events });
    const store = memoryCursorStore();
    expect(ids(await collect(drain(served, { store, startFrom: 'oldest' })))).toEqual(ids(events));
  });

  test('is given once, poll after poll', async () => {
    const served = await serveAt({ events: numbered(150) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    expect(await collect(drain(served, { store }))).toEqual([]);
    const added = served.fake.add({ audit_action: 'database.created' }, { audit_action: 'database.deleted' });
    expect(ids(await collect(drain(served, { store })))).toEqual(ids(added));
    expect(await collect(drain(served, { store }))).toEqual([]);
  });

  test('costs one request where there is nothing', async () => {
    const served = await serveAt({ events: numbered(150) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    const asked = served.fake.requests.length;
    await collect(drain(served, { store }));
    expect(served.fake.requests).toHaveLength(asked + 1);
  });

  test('comes in batches of at most 100, each saved once', async () => {
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
    // The first state, and one for each batch.
    expect(saves).toBe(1 + 3);
  });

  test('is done with its batch, though the consumer empties it and changes its events', async () => {
    const served = await serveAt({ events: numbered(250) });
    const store = memoryCursorStore();
    const taken: unknown[] = [];
    const running = drain(served, { store, startFrom: 'oldest' });
    for await (const batch of running.batches()) {
      for (const event of batch) Object.assign(event, { id: `acme:${event.id}`, created_at: 'today' });
      taken.push(...Reflect.apply(Array.prototype.splice, batch, [0]));
    }
    expect(taken).toHaveLength(250);
    expect(running.health()).toMatchObject({ processed: 250, lastEventAt: new Date(startMs + 249_000) });
    expect(await collect(drain(served, { store }))).toEqual([]);
  });

  test('is all that the actions ask for, and nothing else, by a server that ignores the filter too', async () => {
    const events = numbered(250).map((event, index) =>
      index % 5 ? event : { ...event, audit_action: 'database.deleted' },
    );
    for (const filters of ['honoured', 'ignored'] as const) {
      const served = await serveAt({ events, filters });
      const given = await collect(
        drain(served, { store: new Map(), startFrom: 'oldest', actions: ['database.deleted'] }),
      );
      expect(ids(given)).toEqual(ids(events.filter(({ audit_action }) => audit_action === 'database.deleted')));
    }
  });
});

describe('a restart', () => {
  test('at every event of a three-page backlog repeats that event alone, and loses none', async () => {
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

  test('after a throw in the loop gives that event again', async () => {
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

  test('in the middle of a batch gives that batch again', async () => {
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

  test('without a word, as by kill -9, repeats at most the batch in hand', async () => {
    const events = numbered(250);
    const served = await serveAt({ events });
    const store = memoryCursorStore();
    const killed = drain(served, { store, startFrom: 'oldest' })[Symbol.asyncIterator]();
    for (let i = 0; i < 120; i++) await killed.next();
    // Its process is gone: nobody asks it for more, and nobody ends it.
    expect(ids(await collect(drain(served, { store })))).toEqual(ids(events.slice(50)));
  });
});

describe('startFrom', () => {
  const first = async (startFrom: PollerOptions['startFrom'], options: FakePlanetScaleOptions = {}) => {
    const served = await serveAt({ events: numbered(250), ...options });
    const store = memoryCursorStore();
    const given = ids(await collect(drain(served, { store, startFrom })));
    const [next] = served.fake.add({ audit_action: 'database.created' });
    expect(ids(await collect(drain(served, { store })))).toEqual([next?.id]);
    return given;
  };
  const range = (from: number, to: number) => ids(numbered(to).slice(from));

  test('is the 200 newest events where it is left out', async () =>
    expect(await first(undefined)).toEqual(range(50, 250)));
  test('{ newest: n } gives the n newest', async () => expect(await first({ newest: 3 })).toEqual(range(247, 250)));
  test('{ newest: n } gives all, where there are fewer', async () =>
    expect(await first({ newest: 999 })).toEqual(range(0, 250)));
  test("'now' gives only what comes after", async () => expect(await first('now')).toEqual([]));
  test("'oldest' gives all", async () => expect(await first('oldest')).toEqual(range(0, 250)));
  test('{ since } gives what was created then or later', async () =>
    expect(await first({ since: new Date(startMs + 240_000) })).toEqual(range(240, 250)));
  test('{ since } gives all, where nothing is older', async () =>
    expect(await first({ since: new Date(0) })).toEqual(range(0, 250)));
  test('{ newerThan } gives what stands above that event', async () =>
    expect(await first({ newerThan: 'event0000149' })).toEqual(range(150, 250)));

  test('{ newerThan } an event that is not there is an AuditConfigError', async () => {
    const served = await serveAt({ events: numbered(5) });
    const run = collect(drain(served, { store: new Map(), startFrom: { newerThan: 'neverwas0000' } }));
    await expect(run).rejects.toThrow(AuditConfigError);
  });

  test.each(['now', 'oldest', { newest: 5 }, { since: new Date(startMs) }] as const)(
    '%j of an empty organization gives the first event that comes',
    async (startFrom) => {
      const served = await serveAt();
      const store = memoryCursorStore();
      expect(await collect(drain(served, { store, startFrom }))).toEqual([]);
      const [event] = served.fake.add({ audit_action: 'organization.created' });
      expect(ids(await collect(drain(served, { store })))).toEqual([event?.id]);
    },
  );

  test.each([{ newerThan: 'first' }, { newest: 2 }])(
    '%j goes by the order of the list, and not by the times in it',
    async (startFrom) => {
      const served = await serveAt({ order: 'added' });
      const at = (ms: number) => new Date(served.clock.ms - 24 * 60 * minuteMs + ms).toISOString();
      served.fake.add(
        { id: 'first', created_at: at(500) },
        { id: 'older', created_at: at(400) },
        { id: 'newer', created_at: at(900) },
      );
      const store = memoryCursorStore();
      expect(ids(await collect(drain(served, { store, startFrom })))).toEqual(['older', 'newer']);
    },
  );

  test('{ since } gives what was ahead of its time, and stands below a hundred that are late', async () => {
    const { served, ahead, makeLate } = await aheadBelowLate();
    makeLate(150);
    served.clock.ms += 8 * minuteMs;
    const options = { store: new Map(), startFrom: { since: new Date(ahead.created_at) }, lookbackMs: 10 * minuteMs };
    expect(ids(await collect(drain(served, options)))).toEqual([ahead.id]);
  });

  test('{ since } with actions gives what stands below one backdated event that a filter has left alone on its page', async () => {
    const wanted = { audit_action: 'user.signed_in' };
    const other = { audit_action: 'database.created' };
    const served = await serveAt({ order: 'added', filters: 'ignored' });
    const { clock, fake } = served;
    const today = { created_at: new Date(clock.ms - 60 * minuteMs).toISOString() };
    const matching = ids(fake.add(...Array.from({ length: 30 }, () => ({ ...wanted, ...today }))));
    fake.add(...Array.from({ length: 99 }, () => ({ ...other, ...today })), {
      ...wanted,
      created_at: '2020-01-01T00:00:00Z',
    });
    const since = new Date(clock.ms - 24 * 60 * minuteMs);
    const options = { store: new Map(), startFrom: { since }, actions: [wanted.audit_action] };
    expect(ids(await collect(drain(served, options)))).toEqual(matching);
    expect(ids(await collect(served.client().events({ since, actions: [wanted.audit_action] })))).toEqual(
      matching.toReversed(),
    );
  });

  test('holds for later polls too: what was created before it and becomes visible after is not given', async () => {
    const served = await serveAt({ order: 'added' });
    const since = new Date(served.clock.ms - minuteMs);
    const options = { store: memoryCursorStore(), startFrom: { since } };
    expect(await collect(drain(served, options))).toEqual([]);
    served.fake.add({ created_at: new Date(since.getTime() - 1).toISOString() });
    const [wanted] = served.fake.add({ created_at: since.toISOString() });
    expect(ids(await collect(drain(served, options)))).toEqual([wanted?.id]);
  });

  test('is saved before the first event is given', async () => {
    const served = await serveAt({ events: numbered(5) });
    const store = new Map<string, string>();
    for await (const _ of drain(served, { store, startFrom: 'oldest' })) {
      expect([...store.keys()]).toEqual(['planetscale-audit:acme']);
      break;
    }
  });

  const times = [
    ['cannot be read', 'a moment ago'],
    ['is years ahead', '2107-01-01T00:00:00Z'],
    ['is a little ahead', '2026-11-02T00:05:00Z'],
  ] as const;
  test.each(times)('above an event whose time %s loses none of the old ones at a break', async (_, created_at) => {
    for (const startFrom of [{ newerThan: 'below' }, { newest: 5 }]) {
      const served = await serveAt({ order: 'added' });
      served.fake.add({ id: 'below', created_at }, ...numbered(5));
      const store = memoryCursorStore();
      for await (const _ of drain(served, { store, startFrom })) break;
      expect(ids(await collect(drain(served, { store })))).toEqual(ids(numbered(5)));
    }
  });

  test.each([8 * minuteMs, 180 * minuteMs])(
    'gives what is late, and stands above an event that was %i ms ahead of its time, to the next run too',
    async (aheadMs) => {
      for (const by of ['newest', 'newerThan'] as const) {
        const { served, ahead, makeLate } = await aheadBelowLate({ aheadMs });
        const late = makeLate(3);
        served.clock.ms += aheadMs;
        const startFrom = by === 'newest' ? { newest: 3 } : { newerThan: ahead.id };
        const options = { store: memoryCursorStore(), startFrom, lookbackMs: 10 * minuteMs };
        for await (const _ of drain(served, options)) break;
        expect(ids(await collect(drain(served, options)))).toEqual(ids(late));
      }
    },
  );

  test('{ newest: 5 } gives the five to the next run too, where the first one broke off', async () => {
    const served = await serveAt({ events: numbered(50) });
    const store = memoryCursorStore();
    for await (const _ of drain(served, { store, startFrom: { newest: 5 } })) break;
    expect(ids(await collect(drain(served, { store })))).toEqual(ids(numbered(50).slice(-5)));
  });

  test('counts once: a poller that has a state goes on from there', async () => {
    const served = await serveAt({ events: numbered(5) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'now' }));
    expect(await collect(drain(served, { store, startFrom: 'oldest' }))).toEqual([]);
  });

  test.each(['now', { newest: 2 }] as const)(
    '%j leaves out what was there before, within the look-back too, and takes a late event',
    async (startFrom) => {
      const served = await serveAt({ order: 'created' });
      const { clock, fake } = served;
      fake.add(
        ...Array.from({ length: 5 }, (_, index) => ({
          created_at: new Date(clock.ms - index * minuteMs).toISOString(),
        })),
      );
      const store = memoryCursorStore();
      const given = await collect(drain(served, { store, startFrom }));
      expect(given).toHaveLength(startFrom === 'now' ? 0 : 2);
      const [late] = fake.add({ created_at: new Date(clock.ms - 3.5 * minuteMs).toISOString() });
      expect(ids(await collect(drain(served, { store })))).toEqual([late?.id]);
    },
  );
});

test('an event that is years ahead of its time does not hide those that come after it', async () => {
  const served = await serveAt({ order: 'added' });
  served.fake.add({ created_at: '2107-01-01T00:00:00Z' }, ...numbered(1));
  const store = memoryCursorStore();
  await collect(drain(served, { store, startFrom: 'oldest' }));
  const added = served.fake.add(...numbered(150, served.clock.ms).map(({ id: _, ...event }) => event));
  served.clock.ms += 60 * minuteMs;
  expect(ids(await collect(drain(served, { store })))).toEqual(ids(added));
});

test('nor does one whose time has come hide what a first run had not done when it broke off', async () => {
  const served = await serveAt({ order: 'added' });
  const { clock, fake } = served;
  const dayMs = 24 * 60 * minuteMs;
  fake.add({ created_at: new Date(clock.ms + dayMs).toISOString() });
  const events = fake.add(...numbered(150, clock.ms));
  clock.ms += dayMs + minuteMs;
  const store = memoryCursorStore();
  let given = 0;
  for await (const _ of drain(served, { store, startFrom: 'oldest' })) if (++given === 4) break;
  expect(ids(await collect(drain(served, { store })))).toEqual(ids(events.slice(2)));
});

test('nor does that one, where it alone was done, end the next walk above a hundred that were not', async () => {
  const { served, events } = await dayAheadBelow(150);
  const store = memoryCursorStore();
  let given = 0;
  for await (const _ of drain(served, { store, startFrom: 'oldest' })) if (++given === 2) break;
  expect(await drainTold(served, { store })).toEqual({ given: ids(events), notices: [] });
});

test('nor does that one, where the first run began above it, and broke off before anything was done', async () => {
  const { served, ahead, events } = await dayAheadBelow(150);
  const store = memoryCursorStore();
  for await (const _ of drain(served, { store, startFrom: { newerThan: ahead.id } })) break;
  expect(await drainTold(served, { store })).toEqual({ given: ids(events), notices: [] });
});

test('nor does that one hide what a run that broke off after that has not done, though its time cannot be read', async () => {
  const served = await serveAt({ order: 'added' });
  const { clock, fake } = served;
  const at = (ms: number) => ({ created_at: new Date(ms).toISOString() });
  // In the order of inserts: what is hidden for a minute is committed after that.
  const seen = ids(fake.add({ id: 'ordinary', ...at(clock.ms) }));
  fake.add({ id: 'hiddenbelow', ...at(clock.ms) });
  seen.push(...ids(fake.add({ id: 'aheadaheada', ...at(clock.ms + 12 * 60 * minuteMs) })));
  fake.add({ id: 'hiddenabove', created_at: 'a moment ago' });
  seen.push(...ids(fake.add(...Array.from({ length: 100 }, () => at(clock.ms)))));
  const source = hidingBoth(served.client());
  const options = { store: memoryCursorStore(), startFrom: 'oldest', drain: true, onNotice: () => {} } as const;
  clock.ms += minuteMs;
  expect(ids(await collect(poller(source, options)))).toEqual(seen);
  clock.ms += 24 * 60 * minuteMs;
  await breakOffAtTheUpper(served, options);
});

test.each([
  ['was ahead of its time too', new Date(startMs + (24 * 60 + 9) * minuteMs).toISOString()],
  ['has a time that cannot be read', 'a moment ago'],
])('nor does it hide what { since } wants and %s, below a hundred from before', async (_, created_at) => {
  const served = await serveAt({ order: 'added' });
  const { clock, fake } = served;
  const since = new Date(clock.ms);
  const at = (ms: number) => ({ created_at: new Date(since.getTime() + ms).toISOString() });
  const [, hard] = fake.add(at(24 * 60 * minuteMs), { created_at });
  fake.add(...Array.from({ length: 100 }, () => at(-minuteMs)));
  clock.ms += (24 * 60 + 20) * minuteMs;
  const store = memoryCursorStore();
  let given = 0;
  for await (const _ of drain(served, { store, startFrom: { since } })) if (++given === 2) break;
  expect(await drainTold(served, { store })).toEqual({ given: [hard?.id], notices: [] });
});

test('a look-back that was shortened hides nothing below what was done with the longer one', async () => {
  const served = await serveAt({ order: 'added' });
  const { clock, fake } = served;
  const before = (minutes: number) => ({ created_at: new Date(clock.ms - minutes * minuteMs).toISOString() });
  fake.add(before(120), { id: 'hiddenbelow', ...before(4) }, before(3), { id: 'hiddenabove', ...before(2) });
  fake.add(...Array.from({ length: 100 }, () => before(30)));
  const source = hidingBoth(served.client());
  const options = { store: memoryCursorStore(), startFrom: 'oldest', drain: true, onNotice: () => {} } as const;
  expect(await collect(poller(source, { ...options, lookbackMs: 60 * minuteMs }))).toHaveLength(102);
  clock.ms += 600 * minuteMs;
  await breakOffAtTheUpper(served, options);
});

test('anchors of a first run that broke off are found below a hundred events from just before { since }', async () => {
  const justBefore = numbered(150, startMs - 5 * minuteMs).map(({ id: _, ...event }) => event);
  const served = await serveAt({ events: [...numbered(120, startMs - 60 * minuteMs), ...justBefore] });
  const wanted = served.fake.add({ audit_action: 'database.created' }, { audit_action: 'database.deleted' });
  served.clock.ms += 11 * minuteMs;
  const options = { store: memoryCursorStore(), startFrom: { since: new Date(startMs) } };
  for await (const _ of drain(served, options)) break;
  expect(await drainTold(served, options)).toEqual({ given: ids(wanted), notices: [] });
});

test('anchors below a hundred events from before the start are found, and not told of as lost', async () => {
  const served = await serveAt({ order: 'added', pageSize: 3 });
  const { clock, fake } = served;
  const since = new Date(clock.ms);
  const justBefore = { created_at: new Date(clock.ms - minuteMs).toISOString() };
  const [ahead] = fake.add({ created_at: new Date(clock.ms + 24 * 60 * minuteMs).toISOString() });
  fake.add(...Array.from({ length: 152 }, () => justBefore)); // Two of them are on the same page.
  clock.ms += 10 * minuteMs;
  const options = { store: memoryCursorStore(), startFrom: { since }, lookbackMs: 10 * minuteMs };
  expect(ids(await collect(drain(served, options)))).toEqual([ahead?.id]);
  expect(await drainTold(served, options)).toEqual({ given: [], notices: [] });
});

describe('an event that becomes visible late', () => {
  test.each(['created', 'added'] as const)(
    'within the look-back is given, and told of (list in the order %s)',
    async (order) => {
      const served = await serveAt({ order });
      const { clock, fake } = served;
      const store = memoryCursorStore();
      const notices: PollNotice[] = [];
      const run = () =>
        collect(drain(served, { store, startFrom: 'oldest', onNotice: async (notice) => void notices.push(notice) }));
      fake.add(
        { created_at: new Date(clock.ms - minuteMs).toISOString() },
        { created_at: new Date(clock.ms).toISOString() },
      );
      await run();
      const [late] = fake.add({ created_at: new Date(clock.ms - 30_000).toISOString() });
      expect(ids(await run())).toEqual([late?.id]);
      expect(notices).toEqual(order === 'created' ? [{ type: 'late-events', ids: [late?.id] }] : []);
      clock.ms += 60 * minuteMs;
      expect(await run()).toEqual([]);
    },
  );

  test('is given alone after a stop above it: what was delivered before is not repeated', async () => {
    const served = await serveAt({ events: [], pageSize: 10 });
    const { clock, fake } = served;
    const store = memoryCursorStore();
    fake.add(...numbered(50, clock.ms - 60_000));
    await collect(drain(served, { store, startFrom: 'oldest' }));
    fake.add({ id: 'latelatelate', created_at: new Date(clock.ms - 59_500).toISOString() }, { id: 'newnewnewnew' });
    const given: string[] = [];
    for await (const { id } of drain(served, { store })) if (given.push(id) === 2) break;
    expect(given).toEqual(['latelatelate', 'newnewnewnew']);
    expect(ids(await collect(drain(served, { store })))).toEqual(['newnewnewnew']);
  });

  test('while a long backlog is walked down and climbed up is given', async () => {
    const events = numbered(300);
    const served = await serveAt({ events, pageSize: 2 }); // More pages than are held in memory.
    const { clock, fake } = served;
    clock.ms = startMs + 300_000;
    const store = memoryCursorStore();
    const late: (string | undefined)[] = [];
    const given: string[] = [];
    for await (const { id } of drain(served, { store, startFrom: 'oldest', lookbackMs: 10 * minuteMs })) {
      given.push(id);
      if (given.length % 60 === 0)
        late.push(fake.add({ created_at: new Date(startMs + 150_500 + late.length).toISOString() })[0]?.id);
    }
    const rest = ids(await collect(drain(served, { store, lookbackMs: 10 * minuteMs })));
    expect([...given, ...rest].sort()).toEqual([...ids(events), ...late].sort());
  });

  test('with over a hundred others, and later than it may be, is given where the anchors are older still', async () => {
    const served = await serveAt({ order: 'added', events: numbered(20) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    const created_at = new Date(served.clock.ms - 15 * minuteMs).toISOString();
    served.clock.ms += minuteMs;
    const late = served.fake.add(...Array.from({ length: 120 }, () => ({ created_at })));
    expect(await drainTold(served, { store })).toEqual({ given: ids(late), notices: [] });
  });

  test('behind the back of a walk that takes longer than the look-back is given by the next', async () => {
    const served = await serveAt({ pageSize: 10 });
    const { clock, fake } = served;
    fake.add(...numbered(30, clock.ms - 5 * minuteMs));
    const late = { id: 'latelatelate', created_at: new Date(clock.ms - 5 * minuteMs + 25_500).toISOString() };
    const slow = happeningAt(
      happeningAt(served.client(), 1, () => fake.add(late)), // On the page that has been walked by.
      2,
      () => {
        clock.ms += 30 * minuteMs;
      },
    );
    const store = memoryCursorStore();
    expect(await collect(poller(slow, { store, startFrom: 'oldest', drain: true }))).toHaveLength(30);
    expect(ids(await collect(drain(served, { store })))).toEqual(['latelatelate']);
  });

  test('while the answer is on its way is given by the next poll', async () => {
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

  test('while the first answer of all is on its way is given, even above one that was ahead of its time by far', async () => {
    const served = await serveAt({ order: 'added' });
    const { clock, fake } = served;
    const at = (ms: number) => ({ created_at: new Date(ms).toISOString() });
    const [, wanted] = fake.add(at(clock.ms + 14 * minuteMs), at(clock.ms));
    const late = { id: 'latelatelate', ...at(clock.ms - 8 * minuteMs) };
    const slow = answeringSlowly(served, 15 * minuteMs, () => fake.add(late));
    const options = { store: memoryCursorStore(), startFrom: { newest: 1 }, lookbackMs: 10 * minuteMs };
    expect(ids(await collect(drain({ client: () => slow }, options)))).toEqual([wanted?.id]);
    expect(ids(await collect(drain(served, options)))).toEqual([late.id]);
  });

  test('and pushes others off the page that is read again costs none of them', async () => {
    const events = numbered(300);
    const served = await serveAt({ events, pageSize: 2 });
    const { clock, fake } = served;
    clock.ms = startMs + 300_000;
    const lookbackMs = 198_800; // The floor lies between the late events and those that they push away.
    const late = Array.from({ length: 6 }, (_, index) => ({
      id: `late${index}`,
      created_at: new Date(startMs + 101_500).toISOString(),
    }));
    const down = 150; // The next request reads the first page again that was let go.
    const source = happeningAt(served.client(), down, () => fake.add(...late));
    const store = memoryCursorStore();
    const options = { store, startFrom: 'oldest', drain: true, lookbackMs } as const;
    const given: string[] = [];
    const run = async () => {
      for await (const { id } of poller(source, options)) given.push(id);
    };
    await expect(run()).rejects.toMatchObject({ name: 'AuditResponseError', retryable: true });
    await run();
    expect(given.sort()).toEqual([...ids(events), ...ids(late)].sort());
  });

  test('far down the list does not end the walk: all below one backdated event is given', async () => {
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
});

describe('one backdated event', () => {
  test('alone on its page does not end the walk', async () => {
    const served = await serveAt({ order: 'added', pageSize: 1 });
    served.fake.add(...numbered(5));
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    served.clock.ms += minuteMs;
    const added = served.fake.add(...Array.from({ length: 5 }, () => ({ audit_action: 'database.created' })));
    served.fake.add({ id: 'backdated000', created_at: '2020-01-01T00:00:00Z' });
    expect(ids(await collect(drain(served, { store })))).toEqual([...ids(added), 'backdated000']);
  });

  test('left alone on its page by a filter does not end the walk', async () => {
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
    const { given, notices } = await drainTold(served, options);
    expect(given).toEqual([...matching, 'backdated000']);
    expect(notices).toEqual([]);
  });
});

describe('a list that changes', () => {
  /** So many events, one an hour. */
  const hourly = (count: number) =>
    numbered(count).map((event, hour) => ({
      ...event,
      created_at: new Date(startMs + (hour - count) * 60 * minuteMs).toISOString(),
    }));

  const remembered = async (options: FakePlanetScaleOptions = {}) => {
    const served = await serveAt({ events: numbered(250), pageSize: 10, ...options });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    return { ...served, store };
  };

  test('by the deletion of the newest anchors is met at an older one', async () => {
    const { store, ...served } = await remembered();
    for (let index = 245; index < 250; index++) served.fake.remove(`event0000${index}`);
    const [added] = served.fake.add({ audit_action: 'database.created' });
    expect(ids(await collect(drain(served, { store })))).toEqual([added?.id]);
  });

  test('by the deletion of all anchors is told of, and what is new is given', async () => {
    const { store, ...served } = await remembered();
    for (let index = 240; index < 250; index++) served.fake.remove(`event0000${index}`);
    const [added] = served.fake.add({ audit_action: 'database.created' });
    const { given, notices } = await drainTold(served, { store, lookbackMs: 0 });
    expect(given).toContain(added?.id);
    expect(notices).toMatchObject([{ type: 'possible-duplicates' }]);
    expect(await collect(drain(served, { store }))).toEqual([]);
  });

  test('by the deletion of all anchors is told of at the end of a short list too', async () => {
    const served = await serveAt({ events: numbered(20) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    for (const { id } of numbered(20).slice(10)) served.fake.remove(id);
    const { notices } = await drainTold(served, { store });
    expect(notices).toMatchObject([{ type: 'possible-duplicates' }]);
  });

  test.each([
    ['ahead of its time', '2026-11-02T12:00:00Z'],
    ['without a readable time', 'a moment ago'],
  ])('by the deletion of all anchors is told of where nothing but an event %s is left', async (_, created_at) => {
    const served = await serveAt({ order: 'added' });
    const { clock, fake } = served;
    const [left] = fake.add({ created_at });
    const others = fake.add(...numbered(20));
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    for (const { id } of others) fake.remove(id);
    clock.ms += minuteMs;
    const { given, notices } = await drainTold(served, { store });
    expect(given).toEqual([left?.id]);
    expect(notices).toMatchObject([{ type: 'possible-duplicates' }]);
  });

  test('by the deletion of late anchors is told of, where one that was ahead of its time is met below and given again', async () => {
    const { served, ahead, makeLate } = await aheadBelowLate();
    const late = makeLate(15);
    served.clock.ms += 20 * minuteMs;
    const options = { store: memoryCursorStore(), startFrom: 'oldest', lookbackMs: 10 * minuteMs } as const;
    expect(await collect(drain(served, options))).toHaveLength(16);
    for (const { id } of late) served.fake.remove(id);
    const { given, notices } = await drainTold(served, options);
    expect(given).toEqual([ahead.id]);
    expect(notices).toMatchObject([{ type: 'possible-duplicates' }]);
  });

  describe('by the deletion of all anchors', () => {
    const removeAnchors = async ({ fake }: Served, store: CursorStore) => {
      const { anchors = [] } = decodeState((await store.get('planetscale-audit:acme')) ?? '') ?? {};
      expect(anchors).toHaveLength(10);
      for (const [id] of anchors) fake.remove(id);
    };

    const anchorsLost = [{ type: 'possible-duplicates' }];

    test.each(['oldest', { newest: 200 }] as const)('repeats nothing of what was done since %j', async (startFrom) => {
      const served = await serveAt({ events: hourly(400) });
      const store = memoryCursorStore();
      await collect(drain(served, { store, startFrom }));
      await removeAnchors(served, store);
      served.clock.ms += 5 * minuteMs;
      expect(await drainTold(served, { store })).toMatchObject({ given: [], notices: anchorsLost });
    });

    test.each([
      [26 * 60, 0],
      [30, 100], // What is younger than the anchors by no more than late events may be counts as new.
    ])('after a run %i minutes after the first repeats at most %i', async (minutes, most) => {
      const served = await serveAt({ events: hourly(400) });
      const { clock, fake } = served;
      const store = memoryCursorStore();
      await collect(drain(served, { store, startFrom: 'oldest' }));
      for (let event = 0; event < 26; event++) {
        clock.ms += (minutes * minuteMs) / 26;
        fake.add({ created_at: new Date(clock.ms).toISOString() });
      }
      clock.ms += 11 * minuteMs;
      expect((await drainTold(served, { store })).given).toHaveLength(26);
      await removeAnchors(served, store);
      const { given, notices } = await drainTold(served, { store });
      expect(given.length).toBeLessThanOrEqual(most);
      expect(notices).toMatchObject(anchorsLost);
    });

    test('repeats no more than a page of what a first run had done when it broke off', async () => {
      const events = hourly(800);
      const served = await serveAt({ events });
      const store = memoryCursorStore();
      let done = -1;
      for await (const _ of drain(served, { store, startFrom: 'oldest' })) if (++done === 450) break;
      await removeAnchors(served, store);
      const { given, notices } = await drainTold(served, { store });
      expect(given.slice(-350)).toEqual(ids(events.slice(done)));
      expect(given.length).toBeLessThan(350 + 100);
      expect(notices).toMatchObject(anchorsLost);
    });

    test('whose times cannot be read is told of, where what lies below them is given', async () => {
      const undated = Array.from({ length: 10 }, (_, index) => ({ id: `undated${index}`, created_at: 'a moment ago' }));
      const served = await serveAt({ order: 'added', events: [...hourly(20), ...undated] });
      const store = memoryCursorStore();
      await collect(drain(served, { store, startFrom: { newerThan: 'undated9' } }));
      await removeAnchors(served, store);
      expect(await drainTold(served, { store })).toMatchObject({
        given: ids(hourly(20)),
        notices: anchorsLost,
      });
    });
  });

  test('by the retention of what a first run had done when it broke off is not told of', async () => {
    const events = hourly(300);
    const served = await serveAt({ events });
    const { clock, fake } = served;
    const store = memoryCursorStore();
    let done = 0;
    for await (const _ of drain(served, { store, startFrom: 'oldest' })) if (++done === 150) break;
    for (const { id } of events.slice(0, 149)) fake.remove(id);
    clock.ms += 60 * minuteMs;
    const { given, notices } = await drainTold(served, { store });
    expect(given).toEqual(ids(events.slice(149)));
    expect(notices).toEqual([]);
  });

  test('by the retention of all anchors is not told of where nothing but new events is left', async () => {
    const { store, clock, ...served } = await remembered();
    for (const { id } of numbered(250)) served.fake.remove(id);
    clock.ms += minuteMs;
    const soon = new Date(clock.ms + 5 * minuteMs).toISOString();
    const added = served.fake.add({ audit_action: 'database.created' }, { created_at: soon });
    const { given, notices } = await drainTold(served, { store });
    expect(given).toEqual(ids(added));
    expect(notices).toEqual([]);
  });

  test('poll after poll is remembered by ten events, so that nine deletions in a row are no loss', async () => {
    const { store, clock, ...served } = await remembered();
    const added: string[] = [];
    for (let poll = 0; poll < 9; poll++) {
      added.push(...ids(served.fake.add({ audit_action: 'database.created' })));
      await collect(drain({ ...served }, { store }));
      clock.ms += 60 * minuteMs;
    }
    await collect(drain(served, { store }));
    for (const id of added) served.fake.remove(id);
    expect(await drainTold(served, { store })).toEqual({ given: [], notices: [] });
  });

  const surprises = ['not-found', 'empty', 'first-page'] as const;
  test.each(surprises)('under the walk loses nothing, with an unknown cursor answered by %s', async (unknownCursor) => {
    const { store, ...served } = await remembered({ unknownCursor });
    const added = ids(served.fake.add(...Array.from({ length: 55 }, () => ({ audit_action: 'database.created' }))));
    const victim = added[45]; // The cursor of the first page.
    const source = happeningAt(served.client(), 1, () => served.fake.remove(victim ?? ''));
    const options = { store, drain: true, onNotice: async () => {} };
    // The list changed: whoever runs the job tries again.
    await expect(collect(poller(source, options))).rejects.toMatchObject({
      name: 'AuditResponseError',
      retryable: true,
    });
    const given = ids(await collect(poller(source, options)));
    expect(given).toEqual(added.filter((id) => id !== victim));
  });

  test('in the middle of the climb, answered with the first page, gives no event twice', async () => {
    const events = numbered(120);
    const served = await serveAt({ events, pageSize: 2, unknownCursor: 'first-page' });
    const down = 60;
    const source = happeningAt(served.client(), down, () => served.fake.remove('event0000118')); // The end of the newest page.
    const options = { store: memoryCursorStore(), startFrom: 'oldest', drain: true } as const;
    const given: string[] = [];
    const run = async () => {
      for await (const { id } of poller(source, options)) given.push(id);
    };
    await run().catch((error) => expect(error).toMatchObject({ name: 'AuditResponseError', retryable: true }));
    await run();
    expect(given).toHaveLength(new Set(given).size);
    expect(new Set(given)).toEqual(new Set([...ids(events).filter((id) => id !== 'event0000118'), ...given]));
  });

  test('together with all of the newest page, answered with the first page, gives no event twice', async () => {
    const events = numbered(12);
    const served = await serveAt({ events, pageSize: 3, unknownCursor: 'first-page' });
    const gone = [3, 6, 9, 10, 11].map((index) => events[index]?.id ?? '');
    const source = happeningAt(served.client(), 3, () => {
      for (const id of gone) served.fake.remove(id);
    });
    const options = { store: memoryCursorStore(), startFrom: 'oldest', drain: true } as const;
    const given: string[] = [];
    const run = async () => {
      for await (const { id } of poller(source, options)) given.push(id);
    };
    await expect(run()).rejects.toMatchObject({ name: 'AuditResponseError', retryable: true });
    await run();
    expect(given).toEqual(ids(events).filter((id) => !gone.includes(id)));
  });

  test('is walked again by a poller that runs on, without an error', async () => {
    const { store, ...served } = await remembered();
    const added = ids(served.fake.add(...Array.from({ length: 15 }, () => ({ audit_action: 'database.created' }))));
    const notices: PollNotice[] = [];
    const running = poller(
      happeningAt(served.client(), 1, () => served.fake.remove(added[5] ?? '')),
      {
        store,
        onNotice: async (notice) => void notices.push(notice),
      },
    );
    const given: string[] = [];
    for await (const { id } of running) if (given.push(id) === 14) break;
    expect(given).toEqual(added.filter((id) => id !== added[5]));
    expect(notices).toMatchObject([{ type: 'retrying', attempt: 1 }]);
  });
});

describe('a gap', () => {
  test('is told of before any commit, where the poller was away for longer than events may be kept', async () => {
    const served = await serveAt({ events: numbered(20) });
    const { clock, fake } = served;
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    const before = await store.get('planetscale-audit:acme');
    for (const { id } of numbered(20)) fake.remove(id);
    const lastScanAt = new Date(Math.floor(clock.ms / 1000) * 1000);
    clock.ms += 20 * 24 * 60 * minuteMs;
    const [added] = fake.add({ audit_action: 'database.created' });
    const notices: PollNotice[] = [];
    const given = await collect(
      drain(served, {
        store,
        onNotice: async (notice) => {
          notices.push(notice);
          expect(await store.get('planetscale-audit:acme')).toBe(before);
        },
      }),
    );
    expect(ids(given)).toEqual([added?.id]);
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

  /** Away for so long, and everything that was known is gone. */
  const noticesAfter = async (awayMs: number) => {
    const served = await serveAt({ events: numbered(20) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    for (const { id } of numbered(20)) served.fake.remove(id);
    served.clock.ms += awayMs;
    const { notices } = await drainTold(served, { store, lookbackMs: 10 * minuteMs });
    return notices.map(({ type }) => type);
  };

  test('is possible after a day, less the look-back, and not before', async () => {
    const dayMs = 24 * 60 * minuteMs;
    expect(await noticesAfter(dayMs - 10 * minuteMs)).toEqual(['possible-gap']);
    expect(await noticesAfter(dayMs - 11 * minuteMs)).toEqual([]);
  });

  test('is possible too where the walk itself took so long', async () => {
    const served = await serveAt({ events: numbered(20), pageSize: 10 });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    for (const { id } of numbered(20)) served.fake.remove(id);
    served.clock.ms += 20 * 60 * minuteMs;
    served.fake.add(...numbered(15, served.clock.ms).map(({ created_at }) => ({ created_at })));
    const slow = happeningAt(served.client(), 1, () => {
      served.clock.ms += 5 * 60 * minuteMs;
    });
    const notices: PollNotice[] = [];
    await collect(poller(slow, { store, drain: true, onNotice: (notice) => void notices.push(notice) }));
    expect(notices).toMatchObject([{ type: 'possible-gap' }]);
  });

  test('is not told of where an anchor was met, however long the absence', async () => {
    const served = await serveAt({ events: numbered(20) });
    const store = memoryCursorStore();
    await collect(drain(served, { store, startFrom: 'oldest' }));
    served.clock.ms += 20 * 24 * 60 * minuteMs;
    const { notices } = await drainTold(served, { store });
    expect(notices).toEqual([]);
  });
});

describe('more events within the look-back than are remembered', () => {
  test('are told of once a scan, and all delivered', async () => {
    const served = await serveAt({ events: numbered(10_500, startMs + 24 * 60 * minuteMs - 5 * minuteMs) });
    const store = memoryCursorStore();
    const notices: PollNotice[] = [];
    const options = { store, startFrom: 'oldest', lookbackMs: 24 * 60 * minuteMs } as const;
    const onNotice = (notice: PollNotice) => void notices.push(notice);
    expect(await collect(drain(served, { ...options, onNotice }))).toHaveLength(10_500);
    expect(notices).toMatchObject([{ type: 'lookback-overflow', message: expect.stringContaining('lookbackMs') }]);
    expect(decodeState((await store.get('planetscale-audit:acme')) ?? '')?.seen).toHaveLength(10_000);
    expect(await collect(drain(served, options))).toEqual([]);
  });

  test.each([10_000, 10_001, 10_500])('are told of by a first run that leaves all of %i out', async (count) => {
    const served = await serveAt({ events: numbered(count, startMs + 20 * 60 * minuteMs) });
    const store = memoryCursorStore();
    const options = { store, startFrom: 'now', lookbackMs: 12 * 60 * minuteMs } as const;
    const told = count > 10_000 ? [{ type: 'lookback-overflow' }] : [];
    expect(await drainTold(served, options)).toMatchObject({ given: [], notices: told });
    expect(await drainTold(served, options)).toMatchObject({ given: [], notices: [] });
    const state = decodeState((await store.get('planetscale-audit:acme')) ?? '');
    expect(state?.seen).toHaveLength(10_000);
  });

  test('are told of where a stop saves what goes beyond them', async () => {
    const served = await serveAt({ events: numbered(10_050, startMs + 20 * 60 * minuteMs) });
    const notices: PollNotice[] = [];
    const options = { store: memoryCursorStore(), startFrom: { newest: 100 }, lookbackMs: 12 * 60 * minuteMs };
    let given = 0;
    const onNotice = (notice: PollNotice) => void notices.push(notice);
    for await (const _ of drain(served, { ...options, onNotice })) if (++given === 100) break;
    expect(notices).toMatchObject([{ type: 'lookback-overflow' }]);
  });

  test('are told of by a first run before it saves: a crash hides no notice', async () => {
    const served = await serveAt({ events: numbered(10_001, startMs + 20 * 60 * minuteMs) });
    const store = memoryCursorStore();
    const onNotice = () => {
      throw new Error('the notice was not heard');
    };
    const options = { store, startFrom: 'now', lookbackMs: 12 * 60 * minuteMs, onNotice } as const;
    await expect(collect(drain(served, options))).rejects.toThrow('the notice was not heard');
    expect(await store.get('planetscale-audit:acme')).toBeUndefined();
  });

  test('are not those that have been deleted since, or have left it', async () => {
    const served = await serveAt({ events: numbered(10_000, startMs + 20 * 60 * minuteMs) });
    const store = memoryCursorStore();
    const options = { store, startFrom: 'now', lookbackMs: 6 * 60 * minuteMs } as const;
    await drainTold(served, options);
    for (const { id } of numbered(9990)) served.fake.remove(id);
    served.clock.ms += 8 * 60 * minuteMs;
    const added = served.fake.add(...numbered(150, served.clock.ms).map(({ id: _, ...event }) => event));
    const { given, notices } = await drainTold(served, options);
    expect(given).toEqual(ids(added));
    expect(notices).toEqual([]);
  });
});

describe('what is remembered', () => {
  test('of a deleted event goes once it is older than the look-back, and not before', async () => {
    const served = await serveAt({ events: numbered(200, startMs + 24 * 60 * minuteMs - 5 * minuteMs) });
    const store = memoryCursorStore();
    const seen = async () => decodeState((await store.get('planetscale-audit:acme')) ?? '')?.seen.length;
    const options = { store, startFrom: 'oldest' } as const;
    await collect(drain(served, options));
    for (const { id } of numbered(50)) served.fake.remove(id);
    served.fake.add({ audit_action: 'database.created' });
    await collect(drain(served, options));
    expect(await seen()).toBe(201);
    served.clock.ms += 120 * minuteMs;
    await collect(drain(served, options));
    expect(await seen()).toBe(0);
  });
});

describe('without a Date header', () => {
  test('the newest event tells the time: an idle poll is short, for rare actions too', async () => {
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
    const asked = served.fake.requests.length;
    expect(await collect(poller(source, options))).toEqual([]);
    expect(served.fake.requests.length - asked).toBeLessThanOrEqual(3);
  });
});

describe('an event that cannot be read', () => {
  const bad = { audit_action: 'database.created', created_at: '2026-11-01T00:00:00Z' };

  test('stops the poller in front of it by default', async () => {
    const served = await serveAt();
    served.fake.failNext(listOf([bad]));
    await expect(collect(drain(served, { store: new Map() }))).rejects.toMatchObject({
      name: 'AuditResponseError',
      invalidEvents: [{ rawJson: JSON.stringify(bad) }],
    });
  });

  test('goes once to onInvalidEvent, poll after poll, and the others are delivered', async () => {
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
