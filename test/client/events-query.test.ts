import { AuditConfigError } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { collect, idsOf, listOf, numbered, serve } from '../support/served.ts';

const [older, newer] = numbered(2);

describe('the actions of a query', () => {
  const mixed = numbered(250).map((event, index) =>
    index % 10 === 0 ? { ...event, audit_action: 'database.deleted' } : event,
  );

  test.each(['honoured', 'ignored'] as const)(
    'are the only actions of the result when the server has %s the filter',
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

describe('the since and until of a query', () => {
  const at = (second: number) => new Date(Date.parse('2026-11-01T00:00:00Z') + second * 1000);

  test('leave out events created before since, and events created at or after until', async () => {
    const { client } = await serve({ events: numbered(10) });
    expect(idsOf(await collect(client().events({ since: at(3), until: at(6) })))).toEqual([
      'event0000005',
      'event0000004',
      'event0000003',
    ]);
  });

  test('end the iteration after the first page that lies entirely before since', async () => {
    const { fake, client } = await serve({ events: numbered(100), pageSize: 10 });
    expect(await collect(client().events({ since: at(85) }))).toHaveLength(15);
    expect(fake.requests).toHaveLength(3);
  });

  test('neither end the iteration at an event that is out of order nor give that event', async () => {
    const events = [
      ...numbered(20),
      { id: 'backdated000', audit_action: 'database.created', created_at: '2020-01-01T00:00:00Z' },
    ];
    const { client } = await serve({ events, pageSize: 10, order: 'added' });
    expect(idsOf(await collect(client().events({ since: at(0) })))).toEqual(idsOf(numbered(20)).reverse());
  });

  test('apply to events of the same instant, and to events out of order within and across pages', async () => {
    const seconds = [5, 3, 9, 3, 3, 8, 1, 5, 5, 7, 2, 6]; // The list is out of order.
    const events = seconds.map((second, index) => ({
      id: `event${index}`,
      audit_action: 'a.b',
      created_at: at(second).toISOString(),
    }));
    for (const pageSize of [2, 3, 100]) {
      const { client } = await serve({ events, pageSize, order: 'added' });
      const wanted = events.filter((_, index) => (seconds[index] ?? 0) >= 3 && (seconds[index] ?? 0) < 6).reverse();
      const given = await collect(client().events({ since: at(3), until: at(6) }));
      // The iteration may end at a page that lies entirely before `since`, but no page here does.
      expect(idsOf(given)).toEqual(idsOf(wanted));
    }
  });

  test('do not end the iteration at a page without events', async () => {
    const { fake, client } = await serve();
    fake.failNext(
      listOf([newer], { has_next: true, cursor_end: 'cursorone' }),
      listOf([], { has_next: true, cursor_end: 'cursortwo' }),
      listOf([older]),
    );
    expect(idsOf(await collect(client().events({ since: new Date(0) })))).toEqual([newer?.id, older?.id]);
  });

  test('keep an event whose date cannot be read', async () => {
    const { client } = await serve({ events: [{ id: 'undated00000', created_at: 'yesterday' }], order: 'added' });
    expect(await collect(client().events({ since: at(0), until: at(1) }))).toHaveLength(1);
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
])('page() rejects the query %j with an AuditConfigError before any request', async (query, message) => {
  const { fake, client } = await serve();
  const page = client().page(query);
  await expect(page).rejects.toThrow(AuditConfigError);
  await expect(page).rejects.toThrow(message);
  expect(fake.requests).toHaveLength(0);
});

test.each(['pages', 'events'] as const)('%s() names itself in the error about an invalid query', async (method) => {
  const { client } = await serve();
  await expect(client()[method]({ limit: 0 }).next()).rejects.toThrow(new RegExp(`^${method}: limit: must be`));
});
