// Copies new events into a table of PostgreSQL, and commits the cursor in the same transaction: no event is lost, and none gets a
// second row. Ends once it has caught up. Run it from cron.
// Set DATABASE_URL, PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN.
import { Pool, type PoolClient } from 'pg';
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
await pool.query('CREATE TABLE IF NOT EXISTS audit_events (id text, event json NOT NULL)');

const store = postgresCursorStore(pool);
const events = poller(PlanetScaleAuditClient.fromEnv(), { store, startFrom: 'oldest', drain: true });

for await (const { events: batch, commitTo } of events.checkpoints()) {
  await inTransaction(async (tx) => {
    await tx.query('INSERT INTO audit_events SELECT * FROM unnest($1::text[], $2::json[])', [
      batch.map(({ id }) => id),
      batch.map((event) => rawJson(event)),
    ]);
    await commitTo(postgresCursorStore(tx)); // Over the transaction, and not over the pool.
  });
  console.log(`saved ${batch.length} event(s)`);
}
await pool.end();

async function inTransaction(work: (tx: PoolClient) => Promise<void>): Promise<void> {
  const tx = await pool.connect();
  try {
    await tx.query('BEGIN');
    await work(tx);
    await tx.query('COMMIT');
    tx.release();
  } catch (error) {
    tx.release(true); // The connection ends, and the transaction is rolled back.
    throw error;
  }
}
