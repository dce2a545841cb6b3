// Copies new events into a table of MySQL, such as one at PlanetScale, with the cursor in the same database, and ends once it has
// caught up. Run it from cron. An event that is delivered again is already in the table, and changes nothing.
// Set DATABASE_URL, PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN.
import { createPool } from 'mysql2/promise';
import { PlanetScaleAuditClient, poller, rawJson } from 'planetscale-audit';
import { cursorTableDdl, mysqlCursorStore } from 'planetscale-audit/stores';

const pool = createPool({ uri: process.env.DATABASE_URL ?? '', connectTimeout: 5000 });

// A migration may create the tables instead. The program then needs no permission to do so.
await pool.query(cursorTableDdl('mysql'));
await pool.query('CREATE TABLE IF NOT EXISTS audit_events (id VARBINARY(255) PRIMARY KEY, event JSON NOT NULL)');

const store = mysqlCursorStore(pool);
const events = poller(PlanetScaleAuditClient.fromEnv(), { store, startFrom: 'oldest', drain: true });

for await (const batch of events.batches()) {
  // One statement for the whole batch.
  await pool.query('INSERT INTO audit_events (id, event) VALUES ? ON DUPLICATE KEY UPDATE id = id', [
    batch.map((event) => [event.id, rawJson(event)]),
  ]);
  console.log(`saved ${batch.length} event(s)`);
}
await pool.end();
