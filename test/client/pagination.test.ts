import { AuditApiError, AuditResponseError } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
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
    fake.failNext(full, listOf([]), full);
    expect(idsOf(await collect(client().events()))).toEqual([newer?.id]);
    expect(fake.requests).toHaveLength(3);
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
    expect(fake.requests).toHaveLength(4);
  });

  test('ends if the client has removed the event of the cursor from its page', async () => {
    const { fake, client } = await serve();
    const full = listOf([newer, { id: 'broken' }], { has_next: true, cursor_end: 'broken' });
    fake.failNext(full, listOf([]), full);
    expect(await collect(client({ onInvalidEvent: () => {} }).events())).toHaveLength(1);
  });
});
