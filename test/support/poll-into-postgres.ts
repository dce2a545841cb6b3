// Polls the PlanetScale of the environment into a table of PostgreSQL, with the cursor in the same transaction as the rows. It runs until
// a kill, or with `drain` until it has caught up. It prints what it does to its transactions, a word a line.
// Usage: poll-into-postgres.ts <connection string> <seed> [drain]
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, type PoolClient } from 'pg';
import { PlanetScaleAuditClient } from '../../src/client/client.ts';
import { CursorConflictError } from '../../src/errors.ts';
import { poller } from '../../src/poller/poller.ts';
import { postgresCursorStore } from '../../src/stores/postgres.ts';
import { mulberry32 } from '../poller/model/random.ts';

const [connectionString = '', seed = '0', mode = ''] = process.argv.slice(2);
const drain = mode === 'drain';
const random = mulberry32(Number(seed));
const report = (word: string) => console.log(word);

const pool = new Pool({ connectionString, max: 3, connectionTimeoutMillis: 2000 });
// The trial ends connections. Without both listeners, that ends the process.
pool.on('error', () => {});
pool.on('connect', (client) => client.on('error', () => {}));

const inTransaction = async (client: PoolClient, operation: () => Promise<unknown>): Promise<void> => {
  const fate = drain ? 1 : random();
  await client.query('BEGIN');
  await operation();
  if (fate < 0.05) {
    report('rolled-back');
    throw new Error('rolled back');
  }
  const committed = client.query('COMMIT');
  if (fate < 0.1) {
    report('cut-off');
    committed.catch(() => {});
    await sleep(random() < 0.5 ? 0 : 5);
    client.release(true); // The connection ends, and the server may still commit.
    throw new Error('the connection ended during the commit');
  }
  await committed;
};

const write = async (operation: (client: PoolClient) => Promise<unknown>): Promise<void> => {
  const client = await pool.connect();
  try {
    await inTransaction(client, () => operation(client));
    client.release();
  } catch (error) {
    try {
      client.release(true); // A connection that ends rolls its transaction back.
    } catch {} // It has been released already.
    throw error;
  }
};

const events = poller(PlanetScaleAuditClient.fromEnv({ requestsPerMinute: 60_000 }), {
  store: postgresCursorStore(pool),
  startFrom: 'oldest',
  intervalMs: 10,
  lookbackMs: 1000,
  drain,
  onNotice: ({ type }) => report(type),
});

try {
  for await (const { events: batch, commitTo } of events.checkpoints()) {
    if (!drain && random() < 0.03) {
      report('forgotten');
      continue;
    }
    try {
      await write(async (client) => {
        await client.query('INSERT INTO events (id) SELECT unnest($1::text[])', [batch.map(({ id }) => id)]);
        await commitTo(postgresCursorStore(client));
      });
      report('committed');
    } catch (error) {
      report(String(error).includes('committed after all') ? 'committed-late' : 'failed');
      if (error instanceof CursorConflictError || drain || random() < 0.2) throw error;
    }
  }
} catch (error) {
  report(error instanceof CursorConflictError ? 'conflict' : 'ended');
  if (drain) console.error(error);
  process.exitCode = 3; // Node itself ends with 1 after an error that nobody caught.
} finally {
  await pool.end();
}
