import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { rawJson } from '../../src/audit-log/event.ts';
import { AuditConfigError } from '../../src/errors.ts';
import type { RunRevealContext } from '../../src/runreveal/context.ts';
import { runRevealColumns } from '../../src/runreveal/row/columns.ts';
import { planetscaleLogsDdl } from '../../src/runreveal/row/ddl.ts';
import { toJsonEachRow, toRunRevealRow } from '../../src/runreveal/row/row.ts';
import { runRevealRowSchema } from '../../src/runreveal/row/row-schema.ts';
import {
  arbitraryContext,
  arbitraryEvent,
  eventFromText,
  eventWith,
  extractableEvent,
  publicSample,
} from '../support/arbitrary-events.ts';
import { openClickHouse } from '../support/clickhouse.ts';
import { collect, serve } from '../support/served.ts';

const clickHouse = openClickHouse();
afterAll(() => clickHouse.close());

const receivedAt = new Date('2026-11-22T11:00:00Z');

test("the query on RunReveal's page that checks the table finds the inserted row", async () => {
  clickHouse.query(planetscaleLogsDdl());
  clickHouse.query(planetscaleLogsDdl());
  await clickHouse.insert('runreveal.planetscale_logs', [eventWith()]);
  expect(clickHouse.rows('SELECT * FROM runreveal.planetscale_logs LIMIT 10')).toHaveLength(1);
});

test('the table has the columns of runRevealColumns, with their types and in their order', () => {
  const table = clickHouse.newTable('described');
  const described = clickHouse.rows(`DESCRIBE TABLE ${table} SETTINGS print_pretty_type_names = 0`);
  expect(described.map(({ name, type }) => ({ name, type }))).toEqual(runRevealColumns);
});

test('a database and a table may have any name except an empty one', () => {
  for (const name of [
    'plain',
    'with space',
    'a`b',
    'a\\b',
    "a'b",
    'a"b',
    '`',
    '\\`',
    '`; DROP DATABASE runreveal; --',
  ]) {
    clickHouse.query(`CREATE DATABASE \`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``);
    clickHouse.query(planetscaleLogsDdl({ database: name, table: name }));
    const found = clickHouse.rows('SELECT database, name FROM system.tables').filter((table) => table.name === name);
    expect(found).toEqual([{ database: name, name }]);
  }
  expect(() => planetscaleLogsDdl({ database: '' })).toThrow(AuditConfigError);
  expect(() => planetscaleLogsDdl({ table: '' })).toThrow(/empty name for the table/);
});

test('a row comes back from ClickHouse with the same value in every column', async () => {
  const table = clickHouse.newTable('round_trip');
  const event = eventWith({ actor_display_name: 'ada@example.com', audit_action: 'user.signed_in' });
  const context: RunRevealContext = {
    workspaceID: 'w',
    sourceID: 's',
    sourceTTL: 4_294_967_295,
    receivedAt,
    enrichments: [{ data: { score: '1' }, name: 'n', provider: 'p', type: 't', value: 'v' }],
    lookupIp: () => ({
      asCountryCode: 'US',
      asNumber: 4_294_967_295,
      asOrganization: 'Example',
      city: 'Chicago',
      connectionType: 'Corporate',
      isp: 'Example',
      latitude: 41.850033,
      longitude: -87.650052,
      userType: 'business',
    }),
  };
  await clickHouse.insert(table, [event], context);
  expect(clickHouse.rows(`SELECT * FROM ${table}`)).toEqual([toRunRevealRow(event, context)]);
});

// SEED=… repeats a failed run.
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const sample = <Value>(arbitrary: fc.Arbitrary<Value>, count: number) => fc.sample(arbitrary, { numRuns: count, seed });

const columnOfField = runRevealColumns
  .map(({ name }) => name)
  .filter((name) => name.startsWith('ps') && name !== 'psMetadata')
  .map((name) => [name, name.slice(2).replace(/[A-Z]/g, (letter, at) => (at > 0 ? '_' : '') + letter.toLowerCase())]);

test(`10,000 rows come back from ClickHouse unchanged, and their ps columns equal the fields that it extracts from rawLog (seed ${seed})`, {
  timeout: 120_000,
}, async () => {
  const table = clickHouse.newTable('events');
  const extractable = sample(extractableEvent, 8000);
  const events = [...extractable, ...sample(arbitraryEvent, 2000)];
  const contexts = sample(arbitraryContext, 100);
  // Received now, so that rows with a small sourceTTL have not expired. Each row has its own workspace, which identifies it.
  const now = new Date();
  const contextOf = (index: number): RunRevealContext => ({
    ...contexts[index % contexts.length],
    receivedAt: now,
    workspaceID: String(index).padStart(5, '0'),
  });
  await clickHouse.insertLines(
    table,
    events.map((event, index) => toJsonEachRow(event, contextOf(index))),
  );

  const stored = clickHouse.rows(`SELECT * FROM ${table} ORDER BY workspaceID`);
  expect(stored).toHaveLength(events.length);
  events.forEach((event, index) => {
    const row = toRunRevealRow(event, contextOf(index));
    // Compared as text first, because toEqual takes seconds for this many rows.
    if (JSON.stringify(stored[index]) !== JSON.stringify(row)) expect(stored[index]).toEqual(row);
    expect(runRevealRowSchema.safeParse(stored[index]).error).toBeUndefined();
  });

  const { type: _, metadata: __, ...fields } = publicSample;
  expect(columnOfField.map(([, field]) => field)).toEqual(expect.arrayContaining(Object.keys(fields)));
  const differences = [
    ...columnOfField.map(([column, field]) => `if(${column} = JSONExtractString(rawLog, '${field}'), '', '${column}')`),
    "if(psMetadata = JSONExtractRaw(rawLog, 'metadata'), '', 'psMetadata')",
  ];
  const differing = clickHouse.rows(`
    SELECT arrayFilter(column -> column != '', [${differences.join(', ')}]) AS differing, rawLog
    FROM ${table} WHERE toUInt32(workspaceID) < ${extractable.length} AND notEmpty(differing)`);
  expect(differing).toEqual([]);
});

/** The JSON of an event in a response, with these fields besides the required ones. */
const eventJson = (id: string, fields: string, created_at = '2026-11-22T10:00:00.000Z') =>
  `{"id":"${id}","audit_action":"database.created","created_at":"${created_at}",${fields}}`;
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

const unusual: Record<string, string> = {
  nul: eventJson('nul', '"location":"\\u0000","metadata":{"\\u0000":"\\u0000"}'),
  'lone surrogate': eventJson('lone surrogate', '"location":"\\ud800","metadata":{"\\udfff":"\\ud800"}'),
  'line separators': eventJson(
    'line separators',
    '"location":"\u2028\u2029\u0085\\r\\n","metadata":{"\u2028":"\u2029"}',
  ),
  emoji: eventJson('emoji', '"actor_display_name":"👩🏽‍💻 \\ud83d\\ude00","metadata":{"😀":"😀"}'),
  noncharacters: eventJson('noncharacters', '"location":"\ufffe\uffff\ufeff"'),
  megabyte: eventJson('megabyte', `"metadata":{"text":"${'é\\"\\\\😀'.repeat(130_000)}"}`),
  nested: eventJson('nested', `"metadata":${nested(2000)}`),
  keys: eventJson(
    'keys',
    '"__proto__":{"location":"x"},"metadata":{"__proto__":{"a":1},"constructor":{"prototype":2}}',
  ),
  integers: eventJson(
    'integers',
    '"metadata":{"a":18446744073709551616,"b":-9223372036854775809,"c":9007199254740993}',
  ),
  infinite: eventJson('infinite', '"metadata":{"a":1e400}'),
  twice: eventJson('twice', '"location":"first","location":"second"'),
  nulls: eventJson('nulls', '"actor_id":null,"remote_ip":null,"metadata":null,"updated_at":null'),
  'other types': eventJson('other types', '"actor_id":1,"location":{"city":"x"},"metadata":[1],"updated_at":true'),
  'no time': eventJson('no time', '"location":""', 'yesterday'),
  'before 1970': eventJson('before 1970', '"location":""', '1969-12-31T23:59:59Z'),
  'after 2106': eventJson('after 2106', '"location":""', '2107-01-01T00:00:00Z'),
};

test('an event with unusual text passes unchanged through the client, the row and ClickHouse', async () => {
  const { fake, client } = await serve();
  fake.failNext({ status: 200, body: `{"data":[${Object.values(unusual).join()}],"has_next":false,"cursor_end":"x"}` });
  const events = await collect(client().events());
  expect(events.map(({ id }) => id)).toEqual(Object.keys(unusual));

  const table = clickHouse.newTable('unusual');
  await clickHouse.insert(table, events, { receivedAt });
  const stored = new Map(clickHouse.rows(`SELECT * FROM ${table}`).map((row) => [row.eventID, row]));
  for (const event of events) {
    expect(stored.get(event.id)).toEqual(toRunRevealRow(event, { receivedAt }));
    expect(stored.get(event.id)).toMatchObject({ rawLog: unusual[event.id], psId: event.id });
  }
});

// ClickHouse stores all of these. docs/runreveal.md documents how its functions read them.
test.each([
  ['an integer of 2^64', '"metadata":{"a":18446744073709551616}'],
  ['a number beyond a Float64', '"metadata":{"a":1e400}'],
  ['nesting of 2,000 levels', `"metadata":${nested(2000)}`],
  ['a lone surrogate', '"metadata":{"a":"\\ud800"}'],
])('JSONExtract finds nothing in a rawLog with %s, and the ps columns hold the fields', async (_, metadata) => {
  const table = clickHouse.newTable('unreadable');
  clickHouse.query(`TRUNCATE TABLE ${table}`);
  const event = eventFromText(eventJson('a', `"location":"Chicago, IL",${metadata}`));
  await clickHouse.insert(table, [event], { receivedAt });
  const query = `
    SELECT isValidJSON(rawLog) AS valid, JSONExtractString(rawLog, 'location') AS extracted,
      simpleJSONExtractString(rawLog, 'location') AS simply, psLocation, rawLog FROM ${table}`;
  expect(clickHouse.rows(query)).toEqual([
    { valid: 0, extracted: '', simply: 'Chicago, IL', psLocation: 'Chicago, IL', rawLog: rawJson(event) },
  ]);
});

test.each([
  ['null', '', 'null'],
  ['{"a":9007199254740993}', '{"a":9007199254740992}', '{"a":9007199254740993}'],
  ['{"a":1e21}', '{"a":1e+21}', '{"a":1e21}'],
  ['{"b":1,"1":2}', '{"1":2,"b":1}', '{"b":1,"1":2}'],
  ['{"a":"\u2028"}', '{"a":"\u2028"}', '{"a":"\\u2028"}'],
])('the metadata %s is "%s" in psMetadata and "%s" by JSONExtractRaw', async (metadata, psMetadata, extracted) => {
  const table = clickHouse.newTable('spelling');
  clickHouse.query(`TRUNCATE TABLE ${table}`);
  await clickHouse.insert(table, [eventFromText(eventJson('a', `"metadata":${metadata}`))], { receivedAt });
  const query = `SELECT psMetadata, JSONExtractRaw(rawLog, 'metadata') AS extracted FROM ${table}`;
  expect(clickHouse.rows(query)).toEqual([{ psMetadata, extracted }]);
});

test('FINAL and a merge both keep only the later row of an event that is inserted again, even in another month', async () => {
  const table = clickHouse.newTable('resent');
  clickHouse.query(`SYSTEM STOP MERGES ${table}`);
  const events = [
    eventWith({ id: 'a' }),
    eventWith({ id: 'b' }),
    eventWith({ id: 'c', created_at: '2021-08-01T00:00:00Z' }),
  ];
  await clickHouse.insert(table, events, { sourceID: 's', receivedAt });
  await clickHouse.insert(table, events, { sourceID: 's', receivedAt: new Date('2026-12-22T11:00:00Z') });
  await clickHouse.insert(table, events.slice(0, 1), { sourceID: 'another source', receivedAt });
  expect(
    clickHouse.rows(`SELECT eventID, receivedAt FROM ${table} FINAL WHERE sourceID = 's' ORDER BY eventID`),
  ).toEqual([
    { eventID: 'a', receivedAt: '2026-12-22 11:00:00' },
    { eventID: 'b', receivedAt: '2026-12-22 11:00:00' },
    { eventID: 'c', receivedAt: '2026-12-22 11:00:00' },
  ]);
  const count = (final: string) => clickHouse.rows(`SELECT toUInt32(count()) AS count FROM ${table} ${final}`);
  expect(count('FINAL')).toEqual([{ count: 4 }]);
  expect(count('')).toEqual([{ count: 7 }]);
  clickHouse.query(`SYSTEM START MERGES ${table}`);
  clickHouse.query(`OPTIMIZE TABLE ${table} FINAL`);
  expect(count('')).toEqual([{ count: 4 }]);
});

test('a row is kept for sourceTTL days after receivedAt, and for ever if sourceTTL is 0 or ends after 2106', async () => {
  const table = clickHouse.newTable('kept');
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
  const ttls = [0, 1, 9, 11, 365, 28_000, 30_000, 36_500, 40_000, 100_000, 4_294_967_295];
  for (const sourceTTL of ttls) {
    await clickHouse.insert(table, [eventWith({ id: String(sourceTTL) })], { sourceTTL, receivedAt: daysAgo(10) });
  }
  clickHouse.query(`OPTIMIZE TABLE ${table} FINAL`);
  expect(clickHouse.rows(`SELECT sourceTTL FROM ${table} ORDER BY sourceTTL`).map((row) => row.sourceTTL)).toEqual(
    ttls.filter((ttl) => ttl !== 1 && ttl !== 9),
  );
});
