// Copies new events into a table of PostgreSQL, with the cursor in the same database, and ends once it has caught up. Run it from cron.
// An event that is delivered again is already in the table, and changes nothing.
// Set DATABASE_URL, PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN.
import { Pool } from 'pg';
import { PlanetScaleAuditClient, poller, rawJson } from 'planetscale-audit';
import { cursorTableDdl, postgresCursorStore } from 'planetscale-audit/stores';

const pool = new Pool({
  connectionString: process.env.DATABASE_URL,
  connectionTimeoutMillis: 5000,
  query_timeout: 30_000,
});
// Without both listeners, a connection that breaks while it runs no query can end the process.
pool.on('error', (error) => console.error(error.message));
pool.on('connect', (client) => client.on('error', () => {}));

// A migration may create the tables instead. The program then needs no permission to do so.
await pool.query(cursorTableDdl('postgres'));
await pool.query('CREATE TABLE IF NOT EXISTS audit_events (id text PRIMARY KEY, event json NOT NULL)');

const store = postgresCursorStore(pool);
const events = poller(PlanetScaleAuditClient.fromEnv(), { store, startFrom: 'oldest', drain: true });

for await (const batch of events.batches()) {
  // One statement for the whole batch.
  await pool.query(
    'INSERT INTO audit_events SELECT * FROM unnest($1::text[], $2::json[]) ON CONFLICT (id) DO NOTHING',
    [batch.map(({ id }) => id), batch.map((event) => rawJson(event))],
  );
  console.log(`saved ${batch.length} event(s)`);
}
await pool.end();
