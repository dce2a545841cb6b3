import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openClickHouse } from '../support/clickhouse.ts';
import { numberedEvents } from '../support/recording-webhook.ts';

// docs/runreveal.md, "Materialized views", says what these tests show.
const clickHouse = openClickHouse();
afterAll(() => clickHouse.close());

/** The views that docs/runreveal.md recommends. */
const documentedViews = [
  ...readFileSync(new URL('../../docs/runreveal.md', import.meta.url), 'utf8').matchAll(/```sql\n([^`]*VIEW[^`]*)```/g),
].map(([, sql = '']) => sql);

const table = 'runreveal.planetscale_logs';
const countIn = (query: string) => clickHouse.rows(query).map(({ events }) => Number(events));

beforeAll(async () => {
  clickHouse.newTable('planetscale_logs');
  clickHouse.query(`
    CREATE MATERIALIZED VIEW runreveal.counted ENGINE = SummingMergeTree ORDER BY eventName
    AS SELECT eventName, count() AS events FROM ${table} GROUP BY eventName`);
  for (const sql of documentedViews) clickHouse.query(sql);
  // A batch of 3 events, delivered again after a crash together with 2 newer ones.
  await clickHouse.insert(table, numberedEvents(3), { sourceID: 'planetscale-acme' });
  await clickHouse.insert(table, numberedEvents(5), { sourceID: 'planetscale-acme' });
});

test('a materialized view that counts rows counts an event twice if its batch is inserted twice', () => {
  expect(countIn('SELECT sum(events) AS events FROM runreveal.counted')).toEqual([8]);
  clickHouse.query(`OPTIMIZE TABLE ${table} FINAL`);
  expect(countIn(`SELECT count() AS events FROM ${table}`)).toEqual([5]);
  expect(countIn('SELECT sum(events) AS events FROM runreveal.counted')).toEqual([8]);
});

test('a materialized view that aggregates the ids of the events counts each event once', () => {
  expect(countIn('SELECT uniqExactMerge(ids) AS events FROM runreveal.unique_events')).toEqual([5]);
});

test('a refreshable materialized view over FINAL counts each event once', () => {
  clickHouse.query('SYSTEM REFRESH VIEW runreveal.refreshed');
  clickHouse.query('SYSTEM WAIT VIEW runreveal.refreshed');
  expect(countIn('SELECT sum(events) AS events FROM runreveal.refreshed')).toEqual([5]);
});
