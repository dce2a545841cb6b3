// Copies new events into a table of SQLite, with the cursor in the same file, and ends once it has caught up. Run it from cron.
// An event that is delivered again is already in the table, and changes nothing.
// Set SQLITE_FILE, PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN.
import { DatabaseSync } from 'node:sqlite';
import { PlanetScaleAuditClient, poller, rawJson } from 'planetscale-audit';
import { cursorTableDdl, sqliteCursorStore } from 'planetscale-audit/stores';

// Without a timeout, a call throws while another process writes.
const database = new DatabaseSync(process.env.SQLITE_FILE ?? './audit.db', { timeout: 5000 });
database.exec(cursorTableDdl('sqlite'));
database.exec('CREATE TABLE IF NOT EXISTS audit_events (id TEXT PRIMARY KEY, event TEXT NOT NULL)');
const insert = database.prepare('INSERT INTO audit_events (id, event) VALUES (?, ?) ON CONFLICT (id) DO NOTHING');

const store = sqliteCursorStore(database);
const events = poller(PlanetScaleAuditClient.fromEnv(), { store, startFrom: 'oldest', drain: true });

for await (const batch of events.batches()) {
  database.exec('BEGIN IMMEDIATE');
  for (const event of batch) insert.run(event.id, rawJson(event));
  database.exec('COMMIT');
  console.log(`saved ${batch.length} event(s)`);
}
database.close();
