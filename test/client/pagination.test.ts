import fc from 'fast-check';
import { AuditApiError, type AuditPage, AuditResponseError } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { dropRepeats, followPages } from '../../src/audit-log/pagination.ts';
import { eventWith } from '../support/arbitrary-events.ts';
import { collect, idsOf, listOf, numbered, serve } from '../support/served.ts';

const [older, newer] = numbered(2);

test('events() gives every event, newest first, and requests each page once', async () => {
  const events = numbered(250);
  const { fake, client } = await serve({ events });
  expect(idsOf(await collect(client().events()))).toEqual(idsOf(events).reverse());
  expect(fake.requests).toHaveLength(3);
});

test('a client is iterable over all of its events', async () => {
  const { client } = await serve({ events: numbered(3) });
  expect(await collect(client())).toHaveLength(3);
});

test('an iteration ends when has_next is false, even if the last page is full', async () => {
  const { fake, client } = await serve({ events: numbered(200) });
  expect(await collect(client().events())).toHaveLength(200);
  expect(fake.requests).toHaveLength(2);
});

test('an iteration continues after a short page if has_next is true', async () => {
  const { fake, client } = await serve();
  fake.failNext(listOf([newer], { has_next: true, cursor_end: newer?.id }), listOf([older], { cursor_end: older?.id }));
  expect(idsOf(await collect(client().events()))).toEqual([newer?.id, older?.id]);
});

test('an iteration continues after an empty page that has a cursor', async () => {
  const { fake, client } = await serve();
  fake.failNext(
    listOf([newer], { has_next: true, cursor_end: 'cursorone' }),
    listOf([], { has_next: true, cursor_end: 'cursortwo' }),
    listOf([older]),
  );
  expect(idsOf(await collect(client().events()))).toEqual([newer?.id, older?.id]);
  expect(fake.requests.map(({ url }) => new URL(url).searchParams.get('starting_after'))).toEqual([
    null,
    'cursorone',
    'cursortwo',
  ]);
});

test('an organization without events gives an empty iteration and an empty page', async () => {
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

describe('an iteration over inconsistent pages', () => {
  test('throws after the events of the first page if a cursor is repeated', async () => {
    const { fake, client } = await serve();
    const page = listOf([newer], { has_next: true, cursor_end: newer?.id });
    fake.failNext(page, page);
    const seen: string[] = [];
    const iterate = async () => {
      for await (const { id } of client().events()) seen.push(id);
    };
    await expect(iterate()).rejects.toThrow(AuditResponseError);
    expect(seen).toEqual([newer?.id]);
  });

  test('throws if the cursors of several pages lead in a circle', async () => {
    const { fake, client } = await serve();
    const page = (cursor: string) => listOf([], { has_next: true, cursor_end: cursor });
    fake.failNext(page('cursora'), page('cursorb'), page('cursorc'), page('cursora'));
    await expect(collect(client().events())).rejects.toThrow(/lead in a circle/);
  });

  test('throws before it gives a page if the server ignores the start cursor', async () => {
    const { fake, client } = await serve();
    fake.failNext(listOf([newer, older], { cursor_end: older?.id }));
    await expect(collect(client().events({ startingAfter: newer?.id }))).rejects.toThrow(/lead in a circle/);
  });

  test('throws after the events of a page that promises more but has no cursor', async () => {
    const { fake, client } = await serve();
    fake.failNext(listOf([newer], { has_next: true, cursor_end: null }));
    const pages = client().pages();
    expect(idsOf((await pages.next()).value?.events ?? [])).toEqual([newer?.id]);
    await expect(pages.next()).rejects.toThrow(/promises more events but has no cursor/);
  });

  test.each(['not-found', 'empty', 'first-page'] as const)(
    'throws if the event of a cursor is deleted and PlanetScale answers with %s',
    async (unknownCursor) => {
      const { fake, client } = await serve({ events: numbered(30), pageSize: 10, unknownCursor });
      const iterate = async () => {
        for await (const page of client().pages()) fake.remove(page.cursorEnd ?? '');
      };
      await expect(iterate()).rejects.toThrow(unknownCursor === 'not-found' ? AuditApiError : AuditResponseError);
    },
  );

  test('ends at an unexpected empty page if PlanetScale still lists the event of the cursor', async () => {
    const { fake, client } = await serve();
    const full = listOf([newer], { has_next: true, cursor_end: newer?.id });
    fake.failNext(full, listOf([]), full, listOf([]));
    expect(idsOf(await collect(client().events()))).toEqual([newer?.id]);
    expect(fake.requests).toHaveLength(4);
  });

  test('throws at a page that is empty for a moment', async () => {
    const { fake, client } = await serve({ events: numbered(20), pageSize: 10 });
    const pages = client().pages();
    await pages.next();
    fake.failNext(listOf([]));
    await expect(pages.next()).rejects.toMatchObject({
      name: 'AuditResponseError',
      message: expect.stringContaining('empty'),
    });
  });
});

describe('an iteration at an unexpected empty page', () => {
  test('ends if all older events were deleted, even if new events have moved the list', async () => {
    const { fake, client } = await serve({ events: numbered(20), pageSize: 10, unknownCursor: 'empty' });
    const pages = client().pages();
    expect((await pages.next()).value?.events).toHaveLength(10);
    for (const { id } of numbered(10)) fake.remove(id);
    fake.add({ id: 'brandnew0000', created_at: '2026-11-02T00:00:00Z' });
    expect(await pages.next()).toMatchObject({ value: { events: [], hasNext: false } });
    expect(await pages.next()).toMatchObject({ done: true });
    expect(fake.requests).toHaveLength(5);
  });

  test('ends if the client has removed the event of the cursor from its page', async () => {
    const { fake, client } = await serve();
    const full = listOf([newer, { id: 'broken' }], { has_next: true, cursor_end: 'broken' });
    fake.failNext(full, listOf([]), full, listOf([]));
    expect(await collect(client({ onInvalidEvent: () => {} }).events())).toHaveLength(1);
  });
});

describe('an iteration over a list that holds an event twice', () => {
  const [a, b, c, d] = numbered(4);
  const page = (events: readonly (typeof a)[], has_next = true) =>
    listOf(events, { has_next, has_prev: true, cursor_start: events[0]?.id, cursor_end: events.at(-1)?.id });

  test.each([
    ['at the end of a page and at the start of the next', [page([d, c]), page([c, b, a], false)]],
    ['on the first page and on the third', [page([d, c]), page([b]), page([c, a], false)]],
    ['on neighboring pages', [page([d]), page([c, b]), page([c, a], false)]],
    ['at the end of a page and two pages below', [page([d]), page([b, c]), page([a]), page([c], false)]],
    ['on one page', [page([d, c, c, b]), page([a], false)]],
    ['as the only event of the last page', [page([d, c, b]), page([b, a]), page([a], false)]],
  ])('gives the event once: %s', async (_, pages) => {
    const { fake, client } = await serve();
    fake.failNext(...pages);
    expect(idsOf(await collect(client().events())).sort()).toEqual(idsOf(numbered(4)));
    expect(fake.requests).toHaveLength(pages.length);
  });

  test('leaves out the start event, which the caller has', async () => {
    const { fake, client } = await serve();
    fake.failNext(page([c, b]), page([c, a], false));
    expect(idsOf(await collect(client().events({ startingAfter: c?.id })))).toEqual([b?.id, a?.id]);
  });

  test('gives the pages with their cursors, and each event on the first of them', async () => {
    const { fake, client } = await serve();
    fake.failNext(page([d, c]), page([c], false));
    expect((await collect(client().pages())).map(({ events, cursorEnd }) => [idsOf(events), cursorEnd])).toEqual([
      [[d?.id, c?.id], c?.id],
      [[], c?.id],
    ]);
  });

  test('throws if a page ends in the event of its own cursor and promises more', async () => {
    const { fake, client } = await serve();
    fake.failNext(page([d, c]), page([b, c]));
    await expect(collect(client().events())).rejects.toThrow(/lead in a circle/);
    expect(fake.requests).toHaveLength(2);
  });

  const events = Array.from({ length: 40 }, (_, index) => eventWith({ id: `event${index}` }));
  const pageAt = (list: typeof events, from: number, size: number): AuditPage => ({
    events: list.slice(from, from + size),
    hasNext: from + size < list.length,
    hasPrev: from > 0,
    cursorStart: `cursor${from}`,
    cursorEnd: `cursor${from + size}`,
    servedAt: undefined,
  });
  const follow = (fetchPage: (cursor: string | undefined) => AuditPage) =>
    collect(
      dropRepeats(
        followPages(
          async (cursor) => fetchPage(cursor),
          undefined,
          (reason) => new Error(reason),
        ),
        undefined,
      ),
    );
  const positionOf = (cursor: string | undefined): number => Number(cursor?.slice('cursor'.length) ?? 0);

  test('never fails, whichever event it is, and wherever the list holds it again', async () => {
    const indexes = fc.nat(events.length - 1);
    await fc.assert(
      fc.asyncProperty(indexes, indexes, fc.integer({ min: 1, max: 15 }), async (from, to, size) => {
        const list = events.toSpliced(to, 0, ...events.slice(from, from + 1));
        const given = (await follow((cursor) => pageAt(list, positionOf(cursor), size))).flatMap(
          ({ page: { events } }) => events,
        );
        expect(new Set(given)).toEqual(new Set(events));
        expect(given.length).toBeLessThanOrEqual(list.length);
      }),
    );
  });

  test('throws soon after the list starts again, with any number of new events above it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 15 }),
        fc.nat(20),
        fc.integer({ min: 2, max: 30 }), // After one event, it may be the event that the list holds twice.
        async (size, newCount, restartAt) => {
          fc.pre(restartAt < events.length - size);
          const fresh = Array.from({ length: newCount }, (_, index) => eventWith({ id: `new${index}` }));
          let requests = 0;
          let isRestarted = false;
          const restarting = follow((cursor) => {
            requests++;
            const isLost = !isRestarted && positionOf(cursor) >= restartAt;
            isRestarted ||= isLost;
            // The cursors of the second round have their own names, as those of a server without ids would.
            const position = isLost ? 1000 : positionOf(cursor);
            if (position < 1000) return pageAt(events, position, size);
            const again = pageAt([...fresh, ...events], position - 1000, size);
            return { ...again, cursorEnd: `cursor${position + size}` };
          });
          await expect(restarting).rejects.toThrow(/lead in a circle/);
          const pagesToRestart = Math.ceil(restartAt / size);
          expect(requests).toBeLessThanOrEqual(pagesToRestart + Math.floor(newCount / size) + 3);
        },
      ),
    );
  });
});

test.each([
  ['an empty cursor_end', { cursor_end: '' }],
  ['a cursor_end of more than a thousand characters', { cursor_end: 'x'.repeat(1001) }],
])('an iteration rejects a page with %s as an invalid response', async (_, envelope) => {
  const { fake, client } = await serve();
  fake.failNext(listOf([newer], { has_next: true, ...envelope }));
  const error = await client()
    .events()
    .next()
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'AuditResponseError', retryable: false, issues: [{ path: 'cursor_end' }] });
  expect(String(error).length).toBeLessThan(500);
});

test.each(['', 'x'.repeat(1001)])('a page has no cursorStart if cursor_start is no cursor', async (cursor_start) => {
  const { fake, client } = await serve();
  fake.failNext(listOf([newer], { cursor_start, cursor_end: 'x'.repeat(1000) }));
  expect(await client().page()).toMatchObject({ cursorStart: null, cursorEnd: 'x'.repeat(1000) });
});
