// The connections to PostgreSQL and the tables of the fleet. pg-boss keeps its own tables in the schema `pgboss`.
import { Pool } from 'pg';
import { cursorTableDdl } from 'planetscale-audit/stores';
import { databaseUrl } from './config.ts';

export const pool = new Pool({ connectionString: databaseUrl, connectionTimeoutMillis: 5000, query_timeout: 30_000 });
// Without both listeners, a connection that breaks while it runs no query can end the process.
pool.on('error', (error) => console.error(error.message));
pool.on('connect', (client) => client.on('error', () => {}));

/** A migration may create the tables instead. */
export async function createTables(): Promise<void> {
  await pool.query(`
    BEGIN;
    SELECT pg_advisory_xact_lock(hashtext('fleet_organizations')); -- Workers that start together take turns.
    ${cursorTableDdl('postgres')};
    CREATE TABLE IF NOT EXISTS fleet_organizations (
      organization text PRIMARY KEY,
      next_run_at timestamptz NOT NULL DEFAULT now(),
      failures integer NOT NULL DEFAULT 0,
      is_parked boolean NOT NULL DEFAULT false,
      last_success_at timestamptz,
      last_error text
    );
    CREATE TABLE IF NOT EXISTS audit_events (
      organization text, id text, event json NOT NULL, PRIMARY KEY (organization, id)
    );
    COMMIT;
  `);
}
