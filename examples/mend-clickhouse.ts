// Proves that RunReveal's table in your own ClickHouse has every event that PlanetScale still lists, inserts the missing ones, and ends.
// Run it from cron daily, and after a notice of a possible gap. It leaves out the newest ten minutes, which a poller may not have
// inserted yet, and cannot know what PlanetScale has deleted.
// Set CLICKHOUSE_URL, such as http://user:password@127.0.0.1:8123, PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and
// PLANETSCALE_SERVICE_TOKEN.
import { createClient } from '@clickhouse/client';
import { type AuditEvent, missingEvents, PlanetScaleAuditClient, printable, toRunRevealRow } from 'planetscale-audit';

const table = 'runreveal.planetscale_logs';
const clickHouse = createClient({ url: process.env.CLICKHOUSE_URL ?? 'http://127.0.0.1:8123' });
const client = PlanetScaleAuditClient.fromEnv();
const sourceID = client.organization; // As in to-clickhouse.ts.

/** Which of these events the table has. */
async function has(ids: readonly string[]): Promise<string[]> {
  const answer = await clickHouse.query({
    query: `SELECT DISTINCT eventID FROM ${table} WHERE sourceID = {sourceID:String} AND eventID IN {ids:Array(String)}`,
    query_params: { sourceID, ids: [...ids] },
    format: 'JSONEachRow',
  });
  const rows = await answer.json<{ eventID: string }>();
  return rows.map(({ eventID }) => eventID);
}

let inserted = 0;
let missing: AuditEvent[] = [];

/** One INSERT for many events, because ClickHouse makes a part of each. */
async function insertMissing(): Promise<void> {
  await clickHouse.insert({
    table,
    values: missing.map((event) => toRunRevealRow(event, { sourceID })),
    format: 'JSONEachRow',
  });
  for (const event of missing) console.log(printable(`inserted ${event.id} ${event.created_at} ${event.audit_action}`));
  inserted += missing.length;
  missing = [];
}

for await (const event of missingEvents(client, {}, has)) {
  missing.push(event);
  if (missing.length === 100) await insertMissing();
}
if (missing.length > 0) await insertMissing();
console.log(inserted === 0 ? 'no event was missing' : `${inserted} event(s) were missing`);
await clickHouse.close();
