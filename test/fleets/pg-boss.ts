import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import { startPostgres } from '../support/postgres-server.ts';
import { type Fleet, groupByOrganization } from './fleet.ts';
import type { Delivery } from './verdict.ts';

/** The triggers count in the transaction that they observe. The first one also counts rows that are in the table already. */
const observers = `
  CREATE TABLE trial_deliveries (at bigserial, organization text, id text, batch text);
  CREATE FUNCTION trial_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO trial_deliveries (organization, id, batch) VALUES (NEW.organization, NEW.id, txid_current()::text);
    RETURN NEW;
  END $$;
  CREATE TRIGGER trial_delivery BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION trial_delivery();

  CREATE TABLE trial_saves (at bigserial, key text, value text);
  CREATE FUNCTION trial_save() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO trial_saves (key, value) VALUES (NEW.cursor_key, NEW.cursor_value);
    RETURN NULL;
  END $$;
  CREATE TRIGGER trial_save AFTER INSERT OR UPDATE ON planetscale_audit_cursors
    FOR EACH ROW EXECUTE FUNCTION trial_save();
`;

export async function pgBossFleet(): Promise<Fleet> {
  const server = await startPostgres();
  const pool = new Pool({ connectionString: server.url, max: 2 });
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  const rows = async <Row extends object>(sql: string) => (await pool.query<Row>(sql)).rows;
  return {
    name: 'fleet-pg-boss',
    env: { DATABASE_URL: server.url },
    observe: async () => void (await pool.query(observers)),
    interrupt: async (downMs) => {
      await server.stop('SIGQUIT'); // An immediate shutdown: the next start recovers from the log.
      await sleep(downMs);
      await server.start();
    },
    deliveries: () => rows<Delivery>('SELECT organization, id, batch FROM trial_deliveries ORDER BY at'),
    savedStates: async () =>
      groupByOrganization(await rows<{ key: string; value: string }>('SELECT key, value FROM trial_saves ORDER BY at')),
    successes: async () => {
      const found = await rows<{ organization: string; last_success_at: Date | null }>(
        'SELECT organization, last_success_at FROM fleet_organizations',
      );
      return new Map(found.map((row) => [row.organization, row.last_success_at?.getTime() ?? 0]));
    },
    waitingSinceMs: async () => {
      const [row] = await rows<{ since: Date | null }>(
        "SELECT min(created_on) AS since FROM pgboss.job WHERE name = 'planetscale-audit' AND state < 'completed'",
      );
      return row?.since?.getTime() ?? Number.POSITIVE_INFINITY;
    },
    everythingKept: async () => {
      const tables = ['pgboss.job', 'fleet_organizations', 'trial_saves'];
      const selects = tables.map((table) => `SELECT string_agg(t::text, ' ') AS text FROM ${table} t`);
      return (await rows<{ text: string | null }>(selects.join(' UNION ALL '))).map(({ text }) => text ?? '');
    },
    close: async () => {
      await pool.end();
      await server.close();
    },
  };
}
