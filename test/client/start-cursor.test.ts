import { AuditApiError, AuditResponseError } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { collect, idsOf, listOf, numbered, serve } from '../support/served.ts';

describe('startingAfter', () => {
  test('gives only older events, and requests each page once', async () => {
    const { fake, client } = await serve({ events: numbered(30), pageSize: 10 });
    expect(idsOf(await collect(client().events({ startingAfter: 'event0000020' })))).toEqual(
      idsOf(numbered(20)).reverse(),
    );
    expect(fake.requests).toHaveLength(2);
  });

  test.each([
    ['not-found', AuditApiError],
    ['empty', AuditResponseError],
    ['first-page', AuditResponseError],
  ] as const)('throws before any event if PlanetScale answers a deleted id with %s', async (unknownCursor, error) => {
    const { fake, client } = await serve({ events: numbered(30), pageSize: 10, unknownCursor });
    const seen: string[] = [];
    const iterate = async () => {
      for await (const { id } of client().events({ startingAfter: 'gone00000000' })) seen.push(id);
    };
    await expect(iterate()).rejects.toThrow(error);
    expect(seen).toEqual([]);
    expect(fake.requests.length).toBeLessThanOrEqual(3);
  });

  test.each([
    ['not-found', AuditApiError],
    ['empty', AuditResponseError],
    ['first-page', AuditResponseError],
  ] as const)(
    'throws and gives no newer event if a later cursor is deleted and PlanetScale answers it with %s',
    async (unknownCursor, error) => {
      const { fake, client } = await serve({ events: numbered(50), pageSize: 10, unknownCursor });
      const seen: string[] = [];
      const iterate = async () => {
        for await (const page of client().pages({ startingAfter: 'event0000030' })) {
          seen.push(...idsOf(page.events));
          fake.remove(page.cursorEnd ?? '');
        }
      };
      await expect(iterate()).rejects.toThrow(error);
      expect(seen).toEqual(idsOf(numbered(30).slice(20)).reverse());
    },
  );

  test('gives nothing below the oldest event if that event is on the newest page', async () => {
    const { client } = await serve({ events: numbered(3), unknownCursor: 'empty' });
    expect(await collect(client().events({ startingAfter: 'event0000000' }))).toEqual([]);
  });

  test('gives nothing if the log is empty', async () => {
    const { client } = await serve({ unknownCursor: 'empty' });
    expect(await collect(client().events({ startingAfter: 'gone00000000' }))).toEqual([]);
  });

  test('throws for the oldest event of a long log, which looks like a deleted event', async () => {
    const { client } = await serve({ events: numbered(30), pageSize: 10, unknownCursor: 'empty' });
    await expect(collect(client().events({ startingAfter: 'event0000000' }))).rejects.toThrow(
      /no events below event0000000, which PlanetScale may have deleted/,
    );
  });

  test.each([1, 5, 25])('accepts the id of event %d, whose action the query leaves out', async (place) => {
    const events = numbered(30).map((event, index) =>
      index % 10 === 1 ? { ...event, audit_action: 'database.deleted' } : event,
    );
    const { client } = await serve({ events, pageSize: 10, unknownCursor: 'empty' });
    const startingAfter = events[place]?.id;
    const expected = events.slice(0, place).filter(({ audit_action }) => audit_action === 'database.deleted');
    const given = await collect(client().events({ startingAfter, actions: ['database.deleted'] }));
    expect(idsOf(given)).toEqual(idsOf(expected).reverse());
  });

  test.each([true, false])(
    'accepts the id of an event that is newer than all requested actions (the server sends has_prev: %s)',
    async (sendsHasPrev) => {
      const { fake, client } = await serve();
      const [oldest, middle, newest] = numbered(3);
      const has = (is: boolean) => (sendsHasPrev ? { has_prev: is } : {});
      const below = listOf([middle, oldest], { cursor_end: oldest?.id, ...has(false) });
      fake.failNext(below, listOf([newest, middle, oldest], { cursor_end: oldest?.id }));
      const query = { startingAfter: newest?.id, actions: ['database_branch.created'] };
      expect(idsOf(await collect(client().events(query)))).toEqual(
        idsOf([middle, oldest].flatMap((event) => event ?? [])),
      );
      expect(fake.requests).toHaveLength(2);
      expect(fake.requests[1]?.url).not.toContain('filters');
    },
  );

  test('costs one more request in an iteration if the server never sends has_prev', async () => {
    const { fake, client } = await serve();
    const [a, b, c, d] = numbered(4);
    const page = (event: typeof a, has_next: boolean) =>
      listOf([event], { has_next, has_prev: null, cursor_end: event?.id });
    fake.failNext(page(c, true), page(d, true), page(b, true), page(a, false));
    expect(await collect(client().events({ startingAfter: d?.id }))).toHaveLength(3);
    expect(fake.requests).toHaveLength(4);
  });
});
