import { afterAll, expect, test } from 'vitest';
import { toJsonEachRow } from '../../src/runreveal/row/row.ts';
import { eventWith } from '../support/arbitrary-events.ts';
import { openClickHouse } from '../support/clickhouse.ts';

// ClickHouse reads TZ once, when it starts, so this file has its own process. JavaScript's Date uses TZ too.
process.env.TZ = 'Asia/Tokyo';
const clickHouse = openClickHouse();
afterAll(() => clickHouse.close());

test('a server in another time zone stores the same instants', async () => {
  expect(clickHouse.rows('SELECT serverTimezone() AS zone')).toEqual([{ zone: 'Asia/Tokyo' }]);
  expect(new Date(0).getHours()).toBe(9);

  const table = clickHouse.newTable('zones');
  const receivedAt = new Date('2026-11-22T11:00:00Z');
  await clickHouse.insert(table, [eventWith({ created_at: '2021-07-19T17:13:45.000Z' })], { receivedAt });

  const seconds = `SELECT toUnixTimestamp(eventTime) AS event, toUnixTimestamp(receivedAt) AS received FROM ${table}`;
  expect(clickHouse.rows(seconds)).toEqual([
    { event: Date.UTC(2021, 6, 19, 17, 13, 45) / 1000, received: receivedAt.getTime() / 1000 },
  ]);
  expect(clickHouse.rows(`SELECT eventTime, receivedAt FROM ${table}`)).toEqual([
    { eventTime: '2021-07-19 17:13:45', receivedAt: '2026-11-22 11:00:00' },
  ]);
});

test('a session in another time zone than its server stores the same instants', async () => {
  const table = clickHouse.newTable('session');
  const lines = [toJsonEachRow(eventWith({ created_at: '2021-07-19T17:13:45.000Z' }))];
  await clickHouse.insertLines(table, lines, { session_timezone: 'America/New_York' });
  expect(clickHouse.rows(`SELECT toUnixTimestamp(eventTime) AS event FROM ${table}`)).toEqual([
    { event: Date.UTC(2021, 6, 19, 17, 13, 45) / 1000 },
  ]);
});
