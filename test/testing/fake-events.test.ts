import { type FakePlanetScale, fakePlanetScale } from 'planetscale-audit/testing';
import { describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../src/audit-log/event.ts';
import { eventsNamed, getAuditLog, getPage, idsOf, numberedEvents } from './fake-requests.ts';

describe('the order of the fake audit log', () => {
  const at = (id: string, created_at: string) => ({ id, created_at });

  test('follows created_at by default, so an event added late appears below newer ones', async () => {
    const fake = fakePlanetScale({ events: [at('a', '2026-01-01T00:00:01Z'), at('b', '2026-01-01T00:00:03Z')] });
    fake.add(at('late', '2026-01-01T00:00:02Z'));
    expect((await getPage(fake)).ids).toEqual(['b', 'late', 'a']);
  });

  test('compares instants and not their texts', async () => {
    const events = [at('newer', '2026-01-01T01:00:00+00:00'), at('older', '2026-01-01T01:30:00+01:00')];
    expect((await getPage(fakePlanetScale({ events }))).ids).toEqual(['newer', 'older']);
  });

  test('is the order of adding for events of the same instant', async () => {
    const events = eventsNamed('a', 'b', 'c').map(({ id }) => at(id, '2026-01-01T00:00:00.000Z'));
    expect((await getPage(fakePlanetScale({ events }))).ids).toEqual(['c', 'b', 'a']);
  });

  test('treats an event whose created_at is no date as created when it was added', async () => {
    const fake = fakePlanetScale({ now: () => new Date('2026-01-01T00:00:02Z') });
    fake.add(at('newest', '2026-01-01T00:00:03Z'), at('undated', 'yesterday'), at('oldest', '2026-01-01T00:00:01Z'));
    expect((await getPage(fake)).ids).toEqual(['newest', 'undated', 'oldest']);
  });

  test("is the order of adding with the option order: 'added'", async () => {
    const fake = fakePlanetScale({ order: 'added', events: [at('a', '2026-01-02T00:00:00Z')] });
    fake.add(at('b', '2026-01-01T00:00:00Z'));
    expect((await getPage(fake)).ids).toEqual(['b', 'a']);
  });
});

describe('fakePlanetScale().add', () => {
  test("creates events with the 17 fields of today's API", () => {
    const events = fakePlanetScale({ now: () => new Date('2026-01-01T00:00:00.123Z') }).add({}, {}, {}, {});
    const fields = [
      'action',
      'actor_display_name',
      'actor_id',
      'actor_type',
      'audit_action',
      'auditable_display_name',
      'auditable_id',
      'auditable_type',
      'created_at',
      'id',
      'location',
      'metadata',
      'remote_ip',
      'target_display_name',
      'target_id',
      'target_type',
      'updated_at',
    ];
    for (const event of events) expect(Object.keys(event).sort()).toEqual(fields);
    expect(events[0]).toMatchObject({ created_at: '2026-01-01T00:00:00.123Z', updated_at: '2026-01-01T00:00:00.123Z' });
  });

  test('creates unique ids of 12 characters', () => {
    const made = idsOf(fakePlanetScale().add(...Array.from({ length: 1000 }, () => ({}))));
    expect(new Set(made).size).toBe(1000);
    for (const id of made) expect(id).toMatch(/^[0-9a-z]{12}$/);
  });

  test('varies actors, actions, targets, locations, IP versions and types of metadata', () => {
    const events = fakePlanetScale().add(...Array.from({ length: 60 }, () => ({})));
    const different = (field: keyof AuditEvent) => new Set(events.map((event) => event[field]));
    expect(different('actor_type')).toEqual(new Set(['User', 'ServiceToken', null]));
    expect(different('audit_action').size).toBeGreaterThan(5);
    expect(different('target_type').size).toBeGreaterThan(1);
    expect(different('location')).toContain(null);
    expect([...different('remote_ip')].map(String)).toContainEqual(expect.stringContaining(':'));
    expect([...different('remote_ip')].map(String)).toContainEqual(expect.stringContaining('.'));
    const values = events.flatMap(({ metadata }) => Object.values(metadata ?? {}));
    expect(new Set(values.map((value) => typeof value))).toEqual(new Set(['string', 'boolean', 'number', 'object']));
  });

  test('derives action and auditable_type from the given audit_action', () => {
    const [event] = fakePlanetScale().add({ audit_action: 'database_branch_password.password_leaked' });
    expect(event).toMatchObject({ action: 'password_leaked', auditable_type: 'DatabaseBranchPassword' });
  });

  test('sets updated_at to the given created_at', () => {
    const [event] = fakePlanetScale().add({ created_at: '2020-01-01T00:00:00Z' });
    expect(event?.updated_at).toBe('2020-01-01T00:00:00Z');
  });

  test('keeps the given fields and returns the events as the fake serves them', async () => {
    const given = {
      id: 'mine',
      audit_action: 'rocket.launched',
      action: 'launch',
      actor_id: null,
      location: null,
      metadata: { deep: { list: [1, true, null] } },
      created_at: '2026-01-01T00:00:00Z',
      updated_at: null,
      remote_ip: '::1',
    };
    const fake = fakePlanetScale();
    const added = fake.add(given, { id: 'other' });
    expect(idsOf(added)).toEqual(['mine', 'other']);
    expect(added[0]).toMatchObject(given);
    const { data } = await (await getAuditLog(fake)).json();
    expect(data).toEqual([added[1], added[0]]);
  });

  test('serves unknown fields', async () => {
    const fake = fakePlanetScale();
    const given = { id: 'a', type: 'AuditLogEvent', request_id: 'r1' };
    fake.add(given);
    expect((await (await getAuditLog(fake)).json()).data[0]).toMatchObject(given);
  });

  test('creates values for undefined fields', () => {
    const fields: Record<string, undefined> = { id: undefined, location: undefined };
    const [event] = fakePlanetScale().add(fields);
    expect(event?.id).toMatch(/^[0-9a-z]{12}$/);
    expect(event?.location).toBe('Chicago, IL');
  });

  test('serves corrupt events unchanged', async () => {
    const fake = fakePlanetScale();
    const corrupt: Record<string, null | number> = { id: null, audit_action: 42, created_at: null };
    fake.add(corrupt, corrupt);
    expect((await (await getAuditLog(fake)).json()).data).toMatchObject([corrupt, corrupt]);
  });

  test('refuses a duplicate id and accepts the id again once its event is removed', () => {
    const fake = fakePlanetScale({ events: eventsNamed('a') });
    expect(() => fake.add({ id: 'a' })).toThrow(
      expect.objectContaining({ name: 'AuditConfigError', message: expect.stringContaining('"a"') }),
    );
    fake.remove('a');
    expect(idsOf(fake.add({ id: 'a' }))).toEqual(['a']);
  });
});

describe('fakePlanetScale().remove', () => {
  test('removes an event from the list and returns whether the list had it', async () => {
    const fake = fakePlanetScale({ events: eventsNamed('a', 'b', 'c') });
    expect(fake.remove('b')).toBe(true);
    expect(fake.remove('b')).toBe(false);
    expect(fake.remove('nowhere')).toBe(false);
    expect((await getPage(fake)).ids).toEqual(['c', 'a']);
  });
});

describe('a large fake audit log', () => {
  /** Requests page after page from the newest to the last and returns all ids. */
  const readAllIds = async (fake: FakePlanetScale) => {
    const found: string[] = [];
    let query = '?limit=100';
    // A limit at the size of the largest list makes an endless loop a failure instead of a hang.
    while (found.length <= 200_000) {
      const { data, has_next, cursor_end } = await (await getAuditLog(fake, query)).json();
      for (const { id } of data) found.push(id);
      if (!has_next) break;
      query = `?limit=100&starting_after=${cursor_end}`;
    }
    return found;
  };

  test('serves all of 200,000 events page by page', async () => {
    const events = numberedEvents(200_000);
    const found = await readAllIds(fakePlanetScale({ events }));
    expect(found).toHaveLength(200_000);
    // toEqual would take minutes to print the difference of two lists of this length.
    expect(found.findIndex((id, index) => id !== `e${199_999 - index}`)).toBe(-1);
  });

  test('stays sorted while events are added late and removed', async () => {
    const fake = fakePlanetScale();
    // A permutation of 0 … 4,999 in which neighbors in time are added far apart.
    const seconds = Array.from({ length: 5000 }, (_, index) => (index * 2731) % 5000);
    for (const second of seconds) fake.add({ id: `e${second}`, created_at: new Date(second * 1000).toISOString() });
    for (let second = 0; second < 1000; second++) fake.remove(`e${second}`);
    for (let second = 1000; second < 5000; second += 3) fake.remove(`e${second}`);
    const left = Array.from({ length: 4000 }, (_, index) => 1000 + index).filter((second) => (second - 1000) % 3 > 0);
    expect(await readAllIds(fake)).toEqual(left.toReversed().map((second) => `e${second}`));
  });

  test('serves new events after all others were removed', async () => {
    const fake = fakePlanetScale({ events: numberedEvents(2000) });
    for (const { id } of numberedEvents(2000)) fake.remove(id);
    expect((await getPage(fake)).ids).toEqual([]);
    fake.add({ id: 'new' });
    expect((await getPage(fake)).ids).toEqual(['new']);
  });
});
