// Inserts new events into RunReveal's table in your own ClickHouse, and ends once it has caught up. Run it from cron.
// An event that is delivered again replaces its first row when ClickHouse merges the two. Read the table with FINAL.
// Set CLICKHOUSE_URL, such as http://user:password@127.0.0.1:8123, PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and
// PLANETSCALE_SERVICE_TOKEN.
import { createClient } from '@clickhouse/client';
import { PlanetScaleAuditClient, planetscaleLogsDdl, poller, toRunRevealRow } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';

const clickHouse = createClient({ url: process.env.CLICKHOUSE_URL ?? 'http://127.0.0.1:8123' });

// A migration may create the table instead. The program then needs no permission to do so.
await clickHouse.command({ query: 'CREATE DATABASE IF NOT EXISTS runreveal' });
await clickHouse.command({ query: planetscaleLogsDdl() });

const client = PlanetScaleAuditClient.fromEnv();
const events = poller(client, {
  store: fileCursorStore(process.env.CURSOR_DIRECTORY ?? './cursors'),
  key: `clickhouse:${client.organization}`,
  startFrom: 'oldest',
  drain: true,
});

for await (const batch of events.batches()) {
  await clickHouse.insert({
    table: 'runreveal.planetscale_logs',
    // With the organization as its source, the rows of several organizations never replace each other.
    values: batch.map((event) => toRunRevealRow(event, { sourceID: client.organization })),
    format: 'JSONEachRow',
  });
  console.log(`saved ${batch.length} event(s)`);
}
await clickHouse.close();
