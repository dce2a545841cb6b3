import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session } from 'chdb';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AuditConfigError } from '../src/errors.ts';
import type { AuditEvent } from '../src/event.ts';
import { runRevealColumns } from '../src/runreveal/columns.ts';
import type { RunRevealContext } from '../src/runreveal/context.ts';
import { planetscaleLogsTable } from '../src/runreveal/ddl.ts';
import { toJsonEachRow } from '../src/runreveal/json-each-row.ts';
import { toRunRevealRow } from '../src/runreveal/row.ts';
import { arbitraryEvent, eventFromText, eventWith, extractableEvent } from './support/arbitrary-events.ts';

// A real ClickHouse in this process. chdb has one data directory a process: one session for the whole file.
const directory = mkdtempSync(join(tmpdir(), 'planetscale-audit-chdb-'));
let clickHouse: Session;

beforeAll(() => {
  clickHouse = new Session(directory);
  clickHouse.query('CREATE DATABASE runreveal');
});

afterAll(() => {
  clickHouse.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Row {
  name?: string;
  type?: string;
  eventID?: string;
  sourceTTL?: number;
}

const rows = (query: string): Row[] =>
  clickHouse
    .query(query, 'JSONEachRow')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

/** A table of one's own for each test. */
const newTable = (table: string): string => {
  clickHouse.query(planetscaleLogsTable({ table }));
  return `runreveal.${table}`;
};

const insert = async (
  table: string,
  events: readonly AuditEvent[],
  context: RunRevealContext = {},
  settings: Record<string, string> = {},
): Promise<void> => {
  const values = Buffer.from(events.map((event) => `${toJsonEachRow(event, context)}\n`).join(''));
  await clickHouse.insert({ table, values, format: 'JSONEachRow', settings });
};

const receivedAt = new Date('2026-11-22T11:00:00Z');

const string = 'String';
const dateTime = "DateTime('UTC')";
const map = 'Map(String, String)';
const ip = (side: string) => [
  [`${side}IP`, string],
  [`${side}ASCountryCode`, string],
  [`${side}ASNumber`, 'UInt32'],
  [`${side}ASOrganization`, string],
  [`${side}City`, string],
  [`${side}ConnectionType`, string],
  [`${side}ISP`, string],
  [`${side}Latitude`, 'Float64'],
  [`${side}Longitude`, 'Float64'],
  [`${side}UserType`, string],
];

/** By hand, from https://docs.runreveal.com/sources/source-types/planetscale, the zone aside. */
const documented = [
  ['workspaceID', string],
  ['sourceID', string],
  ['sourceType', string],
  ['sourceTTL', 'UInt32'],
  ['receivedAt', dateTime],
  ['id', string],
  ['eventTime', dateTime],
  ['eventName', string],
  ['eventID', string],
  ...ip('src'),
  ...ip('dst'),
  ['actor', map],
  ['tags', map],
  ['resources', 'Array(String)'],
  ['serviceName', string],
  ['enrichments', 'Array(Tuple(data Map(String, String), name String, provider String, type String, value String))'],
  ['readOnly', 'Bool'],
  ['rawLog', string],
  ...[
    ...['psId', 'psAuditAction', 'psAction', 'psActorId', 'psActorType', 'psActorDisplayName'],
    ...['psAuditableId', 'psAuditableType', 'psAuditableDisplayName'],
    ...['psTargetId', 'psTargetType', 'psTargetDisplayName'],
    ...['psLocation', 'psRemoteIp', 'psCreatedAt', 'psUpdatedAt', 'psMetadata'],
  ].map((name) => [name, string]),
];

test("RunReveal's own check works as it stands on its page", async () => {
  clickHouse.query(planetscaleLogsTable());
  clickHouse.query(planetscaleLogsTable());
  await insert('runreveal.planetscale_logs', [eventWith()]);
  expect(rows('SELECT * FROM runreveal.planetscale_logs LIMIT 10')).toHaveLength(1);
});

test('the table has the 53 documented columns, and runRevealColumns says the same', () => {
  const table = newTable('described');
  const described = rows(`DESCRIBE TABLE ${table} SETTINGS print_pretty_type_names = 0`);
  expect(described.map(({ name, type }) => [name, type])).toEqual(documented);
  expect(runRevealColumns.map(({ name, type }) => [name, type])).toEqual(documented);
  expect(documented).toHaveLength(53);
});

test('a database and a table may have any name but an empty one', () => {
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
    clickHouse.query(planetscaleLogsTable({ database: name, table: name }));
    const found = rows('SELECT database, name FROM system.tables').filter((table) => table.name === name);
    expect(found).toEqual([{ database: name, name }]);
  }
  expect(() => planetscaleLogsTable({ database: '' })).toThrow(AuditConfigError);
  expect(() => planetscaleLogsTable({ table: '' })).toThrow(/empty table/);
});

test('what goes in comes out, in each of the 53 columns', async () => {
  const table = newTable('round_trip');
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
  await insert(table, [event], context);
  expect(rows(`SELECT * FROM ${table}`)).toEqual([toRunRevealRow(event, context)]);
});

test('any event goes in and comes out, whatever text it holds', async () => {
  const table = newTable('any_event');
  await fc.assert(
    fc.asyncProperty(fc.array(arbitraryEvent, { minLength: 1, maxLength: 100 }), async (events) => {
      clickHouse.query(`TRUNCATE TABLE ${table}`);
      const context = (index: number): RunRevealContext => ({
        receivedAt,
        workspaceID: String(index).padStart(5, '0'),
      });
      const lines = events.map((event, index) => toJsonEachRow(event, context(index)));
      await clickHouse.insert({ table, values: Buffer.from(lines.join('\n')), format: 'JSONEachRow' });
      expect(rows(`SELECT * FROM ${table} ORDER BY workspaceID`)).toEqual(
        events.map((event, index) => toRunRevealRow(event, context(index))),
      );
    }),
    { numRuns: 15 },
  );
});

test('extremes go in and come out', async () => {
  const table = newTable('extremes');
  const events = [
    eventWith({ id: 'nul', location: '\0', metadata: { '\0': '\0' } }),
    eventWith({ id: 'surrogate', location: '\ud800', metadata: { a: '\udfff' } }),
    eventWith({ id: 'separators', location: '\u2028\u2029\u0085\r\n' }),
    eventWith({ id: 'megabyte', metadata: { text: 'é"\\😀'.repeat(200_000) } }),
    eventFromText(
      `{"id":"nested","audit_action":"x.y","created_at":"1969","metadata":${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}}`,
    ),
    eventFromText('{"id":"numbers","audit_action":"x.y","created_at":"2107-01-01T00:00:00Z","metadata":{"a":1e400}}'),
    eventFromText(
      '{"id":"keys","audit_action":"x.y","created_at":"1969-01-01T00:00:00Z","metadata":{"__proto__":1,"constructor":2}}',
    ),
  ];
  await insert(table, events, { receivedAt });
  const byId = new Map(rows(`SELECT * FROM ${table}`).map((row) => [row.eventID, row]));
  for (const event of events) expect(byId.get(event.id)).toEqual(toRunRevealRow(event, { receivedAt }));
});

test('times are UTC, also where the session is in another zone', async () => {
  const table = newTable('zones');
  await insert(table, [eventWith()], { receivedAt }, { session_timezone: 'Asia/Tokyo' });
  expect(
    rows(`SELECT toUnixTimestamp(eventTime) AS event, toUnixTimestamp(receivedAt) AS received FROM ${table}`),
  ).toEqual([{ event: Date.UTC(2021, 6, 19, 17, 13, 45) / 1000, received: receivedAt.getTime() / 1000 }]);
});

const textFields = runRevealColumns
  .map(({ name }) => name)
  .filter((name) => name.startsWith('ps') && name !== 'psMetadata')
  .map((name) => [name, name.slice(2).replace(/[A-Z]/g, (letter, at) => (at > 0 ? '_' : '') + letter.toLowerCase())]);

test("the ps columns are what ClickHouse's own JSONExtract finds in rawLog", async () => {
  expect(textFields).toHaveLength(16);
  const table = newTable('extracted');
  const differences = [
    ...textFields.map(([column, field]) => `if(${column} = JSONExtractString(rawLog, '${field}'), '', '${column}')`),
    "if(psMetadata = JSONExtractRaw(rawLog, 'metadata'), '', 'psMetadata')",
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(extractableEvent, { minLength: 1, maxLength: 100 }), async (events) => {
      clickHouse.query(`TRUNCATE TABLE ${table}`);
      await insert(table, [eventWith(), ...events], { receivedAt });
      const query = `SELECT arrayFilter(x -> x != '', [${differences.join(', ')}]) AS differences, rawLog FROM ${table} WHERE notEmpty(differences)`;
      expect(rows(query)).toEqual([]);
    }),
    { numRuns: 15 },
  );
});

test('a row that is sent again, even in another month, is one row with FINAL, and after a merge: the later one', async () => {
  const table = newTable('resent');
  const events = [
    eventWith({ id: 'a' }),
    eventWith({ id: 'b' }),
    eventWith({ id: 'c', created_at: '2021-08-01T00:00:00Z' }),
  ];
  await insert(table, events, { sourceID: 's', receivedAt });
  await insert(table, events, { sourceID: 's', receivedAt: new Date('2026-12-22T11:00:00Z') });
  await insert(table, events.slice(0, 1), { sourceID: 'another source', receivedAt });
  expect(rows(`SELECT eventID, receivedAt FROM ${table} FINAL WHERE sourceID = 's' ORDER BY eventID`)).toEqual([
    { eventID: 'a', receivedAt: '2026-12-22 11:00:00' },
    { eventID: 'b', receivedAt: '2026-12-22 11:00:00' },
    { eventID: 'c', receivedAt: '2026-12-22 11:00:00' },
  ]);
  const count = (final: string) => rows(`SELECT toUInt32(count()) AS count FROM ${table} ${final}`);
  expect(count('FINAL')).toEqual([{ count: 4 }]);
  expect(count('')).toEqual([{ count: 7 }]);
  clickHouse.query(`OPTIMIZE TABLE ${table} FINAL`);
  expect(count('')).toEqual([{ count: 4 }]);
});

test('rows stay for sourceTTL days after they were received, for ever where it is 0 or ends beyond 2106', async () => {
  const table = newTable('kept');
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
  const ttls = [0, 1, 9, 11, 365, 28_000, 30_000, 36_500, 40_000, 100_000, 4_294_967_295];
  for (const sourceTTL of ttls) {
    await insert(table, [eventWith({ id: String(sourceTTL) })], { sourceTTL, receivedAt: daysAgo(10) });
  }
  clickHouse.query(`OPTIMIZE TABLE ${table} FINAL`);
  expect(rows(`SELECT sourceTTL FROM ${table} ORDER BY sourceTTL`).map((row) => row.sourceTTL)).toEqual(
    ttls.filter((ttl) => ttl !== 1 && ttl !== 9),
  );
});
