import { getEventListeners } from 'node:events';
import { AuditApiError, AuditConfigError, AuditResponseError } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { collect, listOf, numbered, serve } from '../support/served.ts';

const ids = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id);
const [older, newer] = numbered(2);

test('gives every event of every page, newest first, and asks for each page once', async () => {
  const events = numbered(250);
  const { fake, client } = await serve({ events });
  expect(ids(await collect(client().events()))).toEqual(ids(events).reverse());
  expect(fake.requests).toHaveLength(3);
});

test('a client is itself the iteration over all events', async () => {
  const { client } = await serve({ events: numbered(3) });
  expect(await collect(client())).toHaveLength(3);
});

test('ends where has_next says so, and asks no more after a last page that is full', async () => {
  const { fake, client } = await serve({ events: numbered(200) });
  expect(await collect(client().events())).toHaveLength(200);
  expect(fake.requests).toHaveLength(2);
});

test('goes on after a short page that promises more', async () => {
  const { fake, client } = await serve();
  fake.failNext(listOf([newer], { has_next: true, cursor_end: newer?.id }), listOf([older], { cursor_end: older?.id }));
  expect(ids(await collect(client().events()))).toEqual([newer?.id, older?.id]);
});

test('walks past an empty page that has a cursor', async () => {
  const { fake, client } = await serve();
  fake.failNext(
    listOf([newer], { has_next: true, cursor_end: 'cursorone' }),
    listOf([], { has_next: true, cursor_end: 'cursortwo' }),
    listOf([older]),
  );
  expect(ids(await collect(client().events()))).toEqual([newer?.id, older?.id]);
  expect(fake.requests.map(({ url }) => new URL(url).searchParams.get('starting_after'))).toEqual([
    null,
    'cursorone',
    'cursortwo',
  ]);
});

test('an organization without events is an iteration without events', async () => {
  const { client } = await serve();
  expect(await collect(client().events())).toEqual([]);
  expect(await client().page()).toMatchObject({ events: [], hasNext: false, cursorStart: null, cursorEnd: null });
});

test('a page carries the cursors, the flags and the clock of the server', async () => {
  const { client } = await serve({ events: numbered(3), now: () => new Date('2026-11-02T03:04:05.678Z') });
  expect(await client().page({ limit: 2 })).toMatchObject({
    hasNext: true,
    hasPrev: false,
    cursorStart: 'event0000002',
    cursorEnd: 'event0000001',
    servedAt: new Date('2026-11-02T03:04:05Z'),
  });
});

describe('cursors that would never end', () => {
  test('one that is given twice in a row is an error, after the events that came with it', async () => {
    const { fake, client } = await serve();
    const page = listOf([newer], { has_next: true, cursor_end: newer?.id });
    fake.failNext(page, page);
    const seen: string[] = [];
    const walk = async () => {
      for await (const { id } of client().events()) seen.push(id);
    };
    await expect(walk()).rejects.toThrow(AuditResponseError);
    expect(seen).toEqual([newer?.id]);
  });

  test('a circle over several pages is an error', async () => {
    const { fake, client } = await serve();
    const page = (cursor: string) => listOf([], { has_next: true, cursor_end: cursor });
    fake.failNext(page('cursora'), page('cursorb'), page('cursorc'), page('cursora'));
    await expect(collect(client().events())).rejects.toThrow(/lead in a circle/);
  });

  test('a server that ignores the cursor to begin with is an error, and not the first page', async () => {
    const { fake, client } = await serve();
    fake.failNext(listOf([newer, older], { cursor_end: older?.id }));
    await expect(collect(client().events({ startingAfter: newer?.id }))).rejects.toThrow(/lead in a circle/);
  });

  test('more events promised without a cursor is an error, after the events that came with it', async () => {
    const { fake, client } = await serve();
    fake.failNext(listOf([newer], { has_next: true, cursor_end: null }));
    const pages = client().pages();
    expect(ids((await pages.next()).value?.events ?? [])).toEqual([newer?.id]);
    await expect(pages.next()).rejects.toThrow(/without a cursor/);
  });

  test.each(['not-found', 'empty', 'first-page'] as const)(
    'a cursor whose event is deleted, answered with %s, is an error',
    async (unknownCursor) => {
      const { fake, client } = await serve({ events: numbered(30), pageSize: 10, unknownCursor });
      const walk = async () => {
        for await (const page of client().pages()) fake.remove(page.cursorEnd ?? '');
      };
      await expect(walk()).rejects.toThrow(unknownCursor === 'not-found' ? AuditApiError : AuditResponseError);
    },
  );

  test('an empty last page after a promise of more is the end, where the cursor is still known', async () => {
    const { fake, client } = await serve();
    const full = listOf([newer], { has_next: true, cursor_end: newer?.id });
    fake.failNext(full, listOf([]), full);
    expect(ids(await collect(client().events()))).toEqual([newer?.id]);
    expect(fake.requests).toHaveLength(3);
  });
});

describe('an end that is promised to be none', () => {
  test('is the end where all below was deleted and new events have moved the list meanwhile', async () => {
    const { fake, client } = await serve({ events: numbered(20), pageSize: 10, unknownCursor: 'empty' });
    const pages = client().pages();
    expect((await pages.next()).value?.events).toHaveLength(10);
    for (const { id } of numbered(10)) fake.remove(id);
    fake.add({ id: 'brandnew0000', created_at: '2026-11-02T00:00:00Z' });
    expect(await pages.next()).toMatchObject({ value: { events: [], hasNext: false } });
    expect(await pages.next()).toMatchObject({ done: true });
    expect(fake.requests).toHaveLength(4);
  });

  test('is the end where a filter of the client has taken the event of the cursor out', async () => {
    const { fake, client } = await serve();
    const full = listOf([newer, { id: 'broken' }], { has_next: true, cursor_end: 'broken' });
    fake.failNext(full, listOf([]), full);
    expect(await collect(client({ onInvalidEvent: () => {} }).events())).toHaveLength(1);
  });
});

describe('startingAfter', () => {
  test('gives what is older, and asks for each page once', async () => {
    const { fake, client } = await serve({ events: numbered(30), pageSize: 10 });
    expect(ids(await collect(client().events({ startingAfter: 'event0000020' })))).toEqual(ids(numbered(20)).reverse());
    expect(fake.requests).toHaveLength(2);
  });

  test.each([
    ['not-found', AuditApiError],
    ['empty', AuditResponseError],
    ['first-page', AuditResponseError],
  ] as const)('an id that is gone, answered with %s, is an error before any event', async (unknownCursor, error) => {
    const { fake, client } = await serve({ events: numbered(30), pageSize: 10, unknownCursor });
    const seen: string[] = [];
    const walk = async () => {
      for await (const { id } of client().events({ startingAfter: 'gone00000000' })) seen.push(id);
    };
    await expect(walk()).rejects.toThrow(error);
    expect(seen).toEqual([]);
    expect(fake.requests.length).toBeLessThanOrEqual(3);
  });

  test.each([
    ['not-found', AuditApiError],
    ['empty', AuditResponseError],
    ['first-page', AuditResponseError],
  ] as const)(
    'no newer event is given where a cursor is lost on the way and answered with %s',
    async (unknownCursor, error) => {
      const { fake, client } = await serve({ events: numbered(50), pageSize: 10, unknownCursor });
      const seen: string[] = [];
      const walk = async () => {
        for await (const page of client().pages({ startingAfter: 'event0000030' })) {
          seen.push(...ids(page.events));
          fake.remove(page.cursorEnd ?? '');
        }
      };
      await expect(walk()).rejects.toThrow(error);
      expect(seen).toEqual(ids(numbered(30).slice(20)).reverse());
    },
  );

  test('the last event has nothing below it, and that is the end where it is among the newest', async () => {
    const { client } = await serve({ events: numbered(3), unknownCursor: 'empty' });
    expect(await collect(client().events({ startingAfter: 'event0000000' }))).toEqual([]);
  });

  test('nothing below it in an empty log is the end', async () => {
    const { client } = await serve({ unknownCursor: 'empty' });
    expect(await collect(client().events({ startingAfter: 'gone00000000' }))).toEqual([]);
  });

  test('the last event of a long log cannot be told from one that is gone: that is the same error', async () => {
    const { client } = await serve({ events: numbered(30), pageSize: 10, unknownCursor: 'empty' });
    await expect(collect(client().events({ startingAfter: 'event0000000' }))).rejects.toThrow(
      /nothing older than event0000000, which it may have no longer/,
    );
  });

  test.each([1, 5, 25])('may be an event of other actions than those asked for: number %d', async (place) => {
    const events = numbered(30).map((event, index) =>
      index % 10 === 1 ? { ...event, audit_action: 'database.deleted' } : event,
    );
    const { client } = await serve({ events, pageSize: 10, unknownCursor: 'empty' });
    const startingAfter = events[place]?.id;
    const expected = events.slice(0, place).filter(({ audit_action }) => audit_action === 'database.deleted');
    const given = await collect(client().events({ startingAfter, actions: ['database.deleted'] }));
    expect(ids(given)).toEqual(ids(expected).reverse());
  });

  test.each([true, false])('may stand above all of the actions asked for (has_prev told: %s)', async (isTold) => {
    const { fake, client } = await serve();
    const [oldest, middle, newest] = numbered(3);
    const has = (is: boolean) => (isTold ? { has_prev: is } : {});
    const below = listOf([middle, oldest], { cursor_end: oldest?.id, ...has(false) });
    fake.failNext(below, listOf([newest, middle, oldest], { cursor_end: oldest?.id }));
    const query = { startingAfter: newest?.id, actions: ['database_branch.created'] };
    expect(ids(await collect(client().events(query)))).toEqual(ids([middle, oldest].flatMap((event) => event ?? [])));
    expect(fake.requests).toHaveLength(2);
    expect(fake.requests[1]?.url).not.toContain('filters');
  });

  test('is trusted with one request more in a walk, and no more, where the server never tells has_prev', async () => {
    const { fake, client } = await serve();
    const [a, b, c, d] = numbered(4);
    const page = (event: typeof a, has_next: boolean) =>
      listOf([event], { has_next, has_prev: null, cursor_end: event?.id });
    fake.failNext(page(c, true), page(d, true), page(b, true), page(a, false));
    expect(await collect(client().events({ startingAfter: d?.id }))).toHaveLength(3);
    expect(fake.requests).toHaveLength(4);
  });
});

describe('actions', () => {
  const mixed = numbered(250).map((event, index) =>
    index % 10 === 0 ? { ...event, audit_action: 'database.deleted' } : event,
  );

  test.each(['honoured', 'ignored'] as const)(
    'are the only ones given, with the filter %s by the server',
    async (filters) => {
      const { fake, client } = await serve({ events: mixed, filters });
      const events = await collect(client().events({ actions: ['database.deleted'] }));
      expect(events).toHaveLength(25);
      expect(new URL(fake.requests[0]?.url ?? '').searchParams.getAll('filters[]')).toEqual([
        'audit_action:database.deleted',
      ]);
    },
  );
});

describe('since and until', () => {
  const at = (second: number) => new Date(Date.parse('2026-11-01T00:00:00Z') + second * 1000);

  test('leave out what was created before the one, and at or after the other', async () => {
    const { client } = await serve({ events: numbered(10) });
    expect(ids(await collect(client().events({ since: at(3), until: at(6) })))).toEqual([
      'event0000005',
      'event0000004',
      'event0000003',
    ]);
  });

  test('since ends the walk after the first page that lies wholly before it', async () => {
    const { fake, client } = await serve({ events: numbered(100), pageSize: 10 });
    expect(await collect(client().events({ since: at(85) }))).toHaveLength(15);
    expect(fake.requests).toHaveLength(3);
  });

  test('one event that is out of order neither ends the walk nor is given', async () => {
    const events = [
      ...numbered(20),
      { id: 'backdated000', audit_action: 'database.created', created_at: '2020-01-01T00:00:00Z' },
    ];
    const { client } = await serve({ events, pageSize: 10, order: 'added' });
    expect(ids(await collect(client().events({ since: at(0) })))).toEqual(ids(numbered(20)).reverse());
  });

  test('hold for events of the same instant, and for events out of order within a page and across pages', async () => {
    const seconds = [5, 3, 9, 3, 3, 8, 1, 5, 5, 7, 2, 6]; // Not in the order of the list.
    const events = seconds.map((second, index) => ({
      id: `event${index}`,
      audit_action: 'a.b',
      created_at: at(second).toISOString(),
    }));
    for (const pageSize of [2, 3, 100]) {
      const { client } = await serve({ events, pageSize, order: 'added' });
      const wanted = events.filter((_, index) => (seconds[index] ?? 0) >= 3 && (seconds[index] ?? 0) < 6).reverse();
      const given = await collect(client().events({ since: at(3), until: at(6) }));
      // The walk may end at a page that lies wholly before `since`: there is none here.
      expect(ids(given)).toEqual(ids(wanted));
    }
  });

  test('since does not end the walk at a page without events, which lies before no date', async () => {
    const { fake, client } = await serve();
    fake.failNext(
      listOf([newer], { has_next: true, cursor_end: 'cursorone' }),
      listOf([], { has_next: true, cursor_end: 'cursortwo' }),
      listOf([older]),
    );
    expect(ids(await collect(client().events({ since: new Date(0) })))).toEqual([newer?.id, older?.id]);
  });

  test('an event whose date cannot be read is given', async () => {
    const { client } = await serve({ events: [{ id: 'undated00000', created_at: 'yesterday' }], order: 'added' });
    expect(await collect(client().events({ since: at(0), until: at(1) }))).toHaveLength(1);
  });
});

describe('an iteration that is left', () => {
  test.each([false, true])(
    'leaves no listener on the signal and asks for nothing more (prefetch %s)',
    async (prefetch) => {
      const { fake, client } = await serve({ events: numbered(50), pageSize: 10 });
      const { signal } = new AbortController();
      for await (const _ of client().events({ signal, prefetch })) break;
      const asked = fake.requests.length;
      expect(asked).toBeLessThanOrEqual(prefetch ? 2 : 1);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(fake.requests).toHaveLength(asked);
    },
  );

  test.each([false, true])('by an abort rejects with the reason of the signal (prefetch %s)', async (prefetch) => {
    const { client } = await serve({ events: numbered(50), pageSize: 10 });
    const controller = new AbortController();
    const reason = new Error('enough');
    const walk = async () => {
      for await (const _ of client().pages({ signal: controller.signal, prefetch })) controller.abort(reason);
    };
    await expect(walk()).rejects.toBe(reason);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  test.each([false, true])(
    'by an abort on the last page rejects as well, at the next event (prefetch %s)',
    async (prefetch) => {
      const { client } = await serve({ events: numbered(30) });
      const controller = new AbortController();
      const reason = new Error('enough');
      const seen: string[] = [];
      const walk = async () => {
        for await (const { id } of client().events({ signal: controller.signal, prefetch })) {
          seen.push(id);
          if (seen.length === 30) controller.abort(reason);
        }
      };
      await expect(walk()).rejects.toBe(reason);

      const first = new AbortController();
      const events = client().events({ signal: first.signal, prefetch });
      expect((await events.next()).value?.id).toBe(seen[0]);
      first.abort(reason);
      await expect(events.next()).rejects.toBe(reason);
    },
  );

  test.each(['pages', 'events'] as const)(
    'by an abort gives nothing of a page that has come already: %s()',
    async (items) => {
      const { fake, client } = await serve({ events: numbered(20), pageSize: 10 });
      const controller = new AbortController();
      const reason = new Error('enough');
      const iteration = client({ fetch: fake.fetch })[items]({ signal: controller.signal, prefetch: true });
      await iteration.next();
      await expect.poll(() => fake.requests.length).toBe(2);
      await new Promise((resolve) => setTimeout(resolve, 20)); // The answer needs no network.
      controller.abort(reason);
      await expect(iteration.next()).rejects.toBe(reason);
      expect(await iteration.next()).toMatchObject({ done: true });
    },
  );

  test('asks for nothing at all where the first event is never wanted', async () => {
    const { fake, client } = await serve({ events: numbered(1) });
    client().events();
    expect(fake.requests).toHaveLength(0);
  });
});

describe('prefetch', () => {
  test('fetches one page ahead, and never two', async () => {
    const { fake, client } = await serve({ events: numbered(50), pageSize: 10 });
    const pages = client().pages({ prefetch: true });
    await pages.next();
    await expect.poll(() => fake.requests.length).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(fake.requests).toHaveLength(2);
    await pages.return();
  });

  test('throws the error of a page when that page is asked for, and not before', async () => {
    const { fake, client } = await serve();
    fake.failNext(listOf([newer], { has_next: true, cursor_end: newer?.id }), { status: 500 });
    const pages = client().pages({ prefetch: true });
    expect((await pages.next()).value?.events).toHaveLength(1);
    await expect.poll(() => fake.requests.length).toBe(2);
    await expect(pages.next()).rejects.toThrow(/500/);
  });
});

test.each([
  [{ limit: 0 }, /limit: must be a whole number from 1 to 100/],
  [{ limit: 101 }, /limit: must be a whole number from 1 to 100/],
  [{ limit: 1.5 }, /limit: must be a whole number from 1 to 100/],
  [{ limit: Number.NaN }, /limit: must be a whole number from 1 to 100/],
  [{ startingAfter: '' }, /startingAfter: must not be empty/],
  [{ actions: [''] }, /actions.0: must not be empty/],
  [{ actions: [] }, /actions: must name an action, or be left out/],
])('a wrong query %j is an AuditConfigError before any request', async (query, message) => {
  const { fake, client } = await serve();
  const page = client().page(query);
  await expect(page).rejects.toThrow(AuditConfigError);
  await expect(page).rejects.toThrow(message);
  expect(fake.requests).toHaveLength(0);
});
