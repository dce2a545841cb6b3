import { readFileSync } from 'node:fs';
import { PlanetScaleAuditClient, rawJson } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { failure, listOf, serve } from '../support/served.ts';

/** The item of PlanetScale's OpenAPI file, June 2026: planetscale/terraform-provider-planetscale schemas/openapi.yaml. */
const event = {
  id: 'ecxuvovgfo95',
  actor_id: 'd4hkujnkswjk',
  actor_type: 'User',
  auditable_id: 'kbog8qlq6lp4',
  auditable_type: 'DeployRequest',
  target_id: 'm40xz7x6gvvk',
  target_type: 'Database',
  location: 'Chicago, IL',
  target_display_name: 'planetscale',
  audit_action: 'deploy_request.queued',
  action: 'queued',
  actor_display_name: 'Ada Example',
  auditable_display_name: 'deploy request #102',
  remote_ip: '203.0.113.24',
  created_at: '2026-07-19T17:13:45.000Z',
  updated_at: '2026-07-19T17:13:45.000Z',
  metadata: { from: 'add-name-to-service-tokens', into: 'main' },
};
const required = ['id', 'audit_action', 'created_at'];
const optional = Object.keys(event).filter((name) => !required.includes(name));
const without = (names: readonly string[]) =>
  Object.fromEntries(Object.entries(event).filter(([name]) => !names.includes(name)));
const withNull = (names: readonly string[]) => ({ ...event, ...Object.fromEntries(names.map((name) => [name, null])) });

/** The event that a client reads from a page with this one item. */
const read = async (item: unknown) => {
  const { fake, client } = await serve();
  fake.failNext(listOf([item]));
  const [first] = (await client().page()).events;
  return first;
};

describe("an event of PlanetScale's OpenAPI file", () => {
  test('is read field by field', async () => expect(await read(event)).toEqual(event));
  test.each(optional)('is read with %s null', async (name) =>
    expect(await read(withNull([name]))).toEqual(withNull([name])),
  );
  test.each(optional)('is read without %s, which becomes null', async (name) =>
    expect(await read(without([name]))).toEqual(withNull([name])),
  );
  test('is read with every optional field null', async () =>
    expect(await read(withNull(optional))).toEqual(withNull(optional)));
  test('is read without any optional field', async () =>
    expect(await read(without(optional))).toEqual(withNull(optional)));
  test.each(required)('is invalid without %s', async (name) => {
    expect(await failure(read(without([name])))).toMatchObject({
      name: 'AuditResponseError',
      issues: [{ path: name }],
    });
  });
});

test('an event of 2021 keeps its type', async () => {
  const old = { type: 'AuditLogEvent', ...event };
  expect(await read(old)).toEqual(old);
});

test('a client accepts unknown actions and types', async () => {
  const strange = {
    ...event,
    audit_action: 'warp_drive.engaged',
    actor_type: 'Robot',
    auditable_type: 'WarpDrive',
    target_type: '',
  };
  expect(await read(strange)).toEqual(strange);
});

test('an event keeps fields that the API adds later', async () => {
  const more = { ...event, severity: 3, tags: ['a'], nested: { deep: [null] } };
  const received = await read(more);
  expect(received).toEqual(more);
  expect(received && JSON.parse(rawJson(received))).toEqual(more);
});

test('an event keeps metadata that is not an object', async () => {
  for (const metadata of [[1, 'two'], 'text', 7, true])
    expect(await read({ ...event, metadata })).toEqual({ ...event, metadata });
});

test('a client reads an event with metadata nested ten thousand levels deep', async () => {
  const { fake, client } = await serve();
  const deep = '['.repeat(10_000) + ']'.repeat(10_000);
  const raw = `{"id":"a","audit_action":"b","created_at":"c","metadata":{"deep":${deep}},"location":${deep}}`;
  fake.failNext({ status: 200, body: `{"has_next":false,"cursor_end":null,"data":[${raw}]}` });
  const [received] = (await client().page()).events;
  expect(received && rawJson(received)).toBe(raw);
});

test('a page needs only data, has_next and cursor_end', async () => {
  const { fake, client } = await serve();
  fake.failNext({ status: 200, body: { data: [event], has_next: false, cursor_end: null } });
  expect(await client().page()).toMatchObject({ events: [event], hasPrev: false, cursorStart: null });
});

test.each(['has_prev', 'cursor_start', 'type'])(
  'a page may have a null %s, alone or with all other optional fields',
  async (name) => {
    const { fake, client } = await serve();
    const envelope = { type: 'list', has_next: false, has_prev: false, cursor_start: event.id, cursor_end: event.id };
    const nothing = { has_prev: null, cursor_start: null, type: null };
    fake.failNext(listOf([event], { ...envelope, [name]: null }), listOf([event], { ...envelope, ...nothing }));
    expect(await client().page()).toMatchObject({ events: [event], cursorEnd: event.id });
    expect(await client().page()).toMatchObject({ events: [event], hasPrev: false, cursorStart: null });
  },
);

test.each(['data', 'has_next', 'cursor_end'])(
  'page() rejects an answer without %s with an AuditResponseError',
  async (name) => {
    const { fake, client } = await serve();
    const body: Record<string, unknown> = { data: [], has_next: false, cursor_end: null };
    delete body[name];
    fake.failNext({ status: 200, body });
    expect(await failure(client().page())).toMatchObject({ name: 'AuditResponseError', issues: [{ path: name }] });
  },
);

test('a page gives the 99 valid events beside an invalid one if the client has an onInvalidEvent function', async () => {
  const { fake, client } = await serve();
  const items = Array.from({ length: 100 }, (_, index) =>
    index === 42 ? { id: 'bad' } : { ...event, id: `event${index}` },
  );
  fake.failNext(listOf(items));
  const parked: string[] = [];
  const { events } = await client({ onInvalidEvent: ({ rawJson: json }) => void parked.push(json) }).page();
  expect(events).toHaveLength(99);
  expect(parked).toEqual(['{"id":"bad"}']);
});

test('a client reads a page with a byte order mark and with bytes that are not UTF-8', async () => {
  const body = Buffer.concat([
    Buffer.from(
      `\ufeff{"has_next":false,"cursor_end":null,"data":[{"id":"a","audit_action":"b","created_at":"c","location":"`,
    ),
    Buffer.from([0xff, 0xfe]),
    Buffer.from('"}]}'),
  ]);
  const client = new PlanetScaleAuditClient({
    organization: 'acme',
    serviceToken: 'id:token',
    fetch: async () => new Response(body),
  });
  expect((await client.page()).events).toMatchObject([{ id: 'a', location: '\ufffd\ufffd' }]);
});

test('the public samples have the same fields as the event of this test', () => {
  const samples: { events: { type?: string }[] } = JSON.parse(
    readFileSync(new URL('../support/samples.json', import.meta.url), 'utf8'),
  );
  const whole = samples.events.find(({ type }) => type === 'AuditLogEvent') ?? {};
  expect(
    Object.keys(whole)
      .filter((name) => name !== 'type')
      .sort(),
  ).toEqual(Object.keys(event).sort());
});
