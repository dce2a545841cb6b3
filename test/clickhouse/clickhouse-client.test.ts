import { Readable } from 'node:stream';
import { type ClickHouseClientConfigOptions, createClient, drainStream } from '@clickhouse/client';
import { createChdbConnection } from 'chdb/connection';
import {
  type AuditEvent,
  planetscaleLogsDdl,
  poller,
  type RunRevealRow,
  runRevealColumns,
  runRevealRowSchema,
  toJsonEachRow,
  toRunRevealRow,
} from 'planetscale-audit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { eventWith } from '../support/arbitrary-events.ts';
import { numbered, serve } from '../support/served.ts';

// ClickHouse's own client as users call it, connected to a ClickHouse in this process instead of one over HTTP.
const connection = createChdbConnection({ path: ':memory:' });
const clickHouse = createClient({
  // The assertion is needed because chdb and the client each declare the same types.
  connection: connection as unknown as NonNullable<ClickHouseClientConfigOptions['connection']>,
});
const table = 'runreveal.planetscale_logs';

beforeAll(async () => {
  await clickHouse.command({ query: 'CREATE DATABASE runreveal' });
  await clickHouse.command({ query: planetscaleLogsDdl() });
});
beforeEach(async () => {
  await clickHouse.command({ query: `TRUNCATE TABLE ${table}` });
});
afterAll(() => clickHouse.close());

const select = async <Row>(query: string): Promise<Row[]> => {
  const result = await clickHouse.query({ query, format: 'JSONEachRow' });
  return result.json<Row>();
};

const receivedAt = new Date('2026-11-22T11:00:00Z');
const context = {
  sourceID: 'planetscale-acme',
  receivedAt,
  tags: { "it's": 'a "tag"\\' },
  enrichments: [{ data: { score: '1' }, name: 'n', provider: 'p', type: 't', value: 'v' }],
};
const events: readonly AuditEvent[] = [
  eventWith({ id: 'a' }),
  eventWith({
    id: 'b',
    location: "'; DROP TABLE runreveal.planetscale_logs; --",
    metadata: { '{name:String}': '\\N\0' },
  }),
  eventWith({ id: 'c', location: '\ud800\u2028😀\r\n', audit_action: 'user.signed_in', remote_ip: null }),
];
const rows = events.map((event) => toRunRevealRow(event, context));

test("ClickHouse's client inserts rows as objects and reads them back unchanged", async () => {
  await clickHouse.insert({ table, values: rows, format: 'JSONEachRow' });
  const stored = await select<RunRevealRow>(`SELECT * FROM ${table} ORDER BY eventID`);
  expect(stored).toEqual(rows);
  expect(stored.map((row) => runRevealRowSchema.parse(row))).toEqual(rows);
});

test("ClickHouse's client inserts lines of toJsonEachRow as a stream", async () => {
  const { stream } = await clickHouse.exec({
    query: `INSERT INTO ${table} FORMAT JSONEachRow`,
    values: Readable.from(events.map((event) => `${toJsonEachRow(event, context)}\n`)),
  });
  await drainStream(stream);
  expect(await select(`SELECT * FROM ${table} ORDER BY eventID`)).toEqual(rows);
});

test('DESCRIBE TABLE gives the names and types of runRevealColumns', async () => {
  const columns = await select<{ name: string; type: string }>(
    `DESCRIBE TABLE ${table} SETTINGS print_pretty_type_names = 0`,
  );
  expect(columns.map(({ name, type }) => ({ name, type }))).toEqual(runRevealColumns);
});

test('FINAL shows every event once after a poller stopped between insert and commit', async () => {
  const { client } = await serve({ events: numbered(250) });
  const store = new Map<string, string>();
  const poll = async (stopAfter: number) => {
    let inserted = 0;
    const batches = poller(client(), { store, startFrom: 'oldest', drain: true }).batches();
    try {
      for await (const batch of batches) {
        await clickHouse.insert({
          table,
          values: batch.map((event) => toRunRevealRow(event, { sourceID: 'planetscale-acme' })),
          format: 'JSONEachRow',
        });
        inserted += batch.length;
        if (inserted >= stopAfter) throw new Error('stopped');
      }
    } catch (error) {
      if (!(error instanceof Error && error.message === 'stopped')) throw error;
    }
    return inserted;
  };
  const first = await poll(150);
  const second = await poll(Number.POSITIVE_INFINITY);
  expect(first + second).toBeGreaterThan(250);
  expect(await select(`SELECT eventID FROM ${table} FINAL ORDER BY eventID`)).toEqual(
    numbered(250).map(({ id }) => ({ eventID: id })),
  );
});
