// Rows and cursor in one transaction of a real PostgreSQL, while everything around it fails. EVENTS=… sets the length, SEED=… repeats the
// choices of a run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { cursorTableDdl } from 'planetscale-audit/stores';
import { fakePlanetScale, listen } from 'planetscale-audit/testing';
import { expect, onTestFinished, test } from 'vitest';
import { type Bundle, bundled } from '../support/bundled.ts';
import { postgres, startPostgres } from '../support/postgres-server.ts';
import { credentials } from '../support/served.ts';
import { describeWith } from '../support/server-process.ts';
import { mulberry32 } from './model/random.ts';

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const eventCount = Number(process.env.EVENTS ?? 1000);
const maxPerRequest = 8;
const pollers = 2;

/** One save of the cursor in twenty fails at the commit, and one in ten takes a while there. */
const failingCommits = `
  CREATE SEQUENCE failed_commits;
  CREATE FUNCTION hinder() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF random() < 0.1 THEN PERFORM pg_sleep(random() * 0.03); END IF;
    IF random() < 0.05 THEN
      PERFORM nextval('failed_commits');
      RAISE EXCEPTION 'the commit fails';
    END IF;
    RETURN NULL;
  END $$;
  CREATE CONSTRAINT TRIGGER hinder AFTER UPDATE ON planetscale_audit_cursors
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hinder();
`;

/** A PlanetScale behind real HTTP. Each request brings new events, some of them late, until there are enough. */
const serveBusyPlanetScale = async (random: () => number) => {
  const fake = fakePlanetScale({ ...credentials, order: 'created' });
  const made: string[] = [];
  const addEvent = () => {
    const id = `event${String(made.length).padStart(7, '0')}`;
    const lateMs = random() < 0.2 ? random() * 900 : 0;
    fake.add({ id, created_at: new Date(Date.now() - lateMs).toISOString() });
    made.push(id);
  };
  const server = await listen({
    ...fake,
    fetch: (...request) => {
      const arrivals = Math.min(eventCount - made.length, Math.floor(random() * (maxPerRequest + 1)));
      for (let left = arrivals; left > 0; left--) addEvent();
      return fake.fetch(...request);
    },
  });
  onTestFinished(() => server.close());
  const env = {
    ...process.env,
    PLANETSCALE_API_URL: server.url,
    PLANETSCALE_ORG: 'acme',
    PLANETSCALE_SERVICE_TOKEN_ID: credentials.serviceTokenId,
    PLANETSCALE_SERVICE_TOKEN: credentials.serviceToken,
  };
  return { made, env };
};

/** Counts the words that the pollers print. */
class Tally {
  readonly #counts = new Map<string, number>();

  add(word: string): void {
    this.#counts.set(word, this.of(word) + 1);
  }

  of(word: string): number {
    return this.#counts.get(word) ?? 0;
  }

  toString(): string {
    return [...this.#counts].map(([word, count]) => `${word} ${count}`).join(', ');
  }
}

/** Ends some connection of the pollers, as an operator or a failover does. */
const endConnection = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1
`;

const openDatabase = async () => {
  const server = await startPostgres();
  onTestFinished(() => server.close());
  const admin = new Client({ connectionString: server.url });
  admin.on('error', () => {});
  await admin.connect();
  onTestFinished(() => admin.end());
  // No unique key: a row that is written twice must show.
  await admin.query(`CREATE TABLE events (id text); ${cursorTableDdl('postgres')}; ${failingCommits}`);
  const count = async (sql: string) => Number((await admin.query(`SELECT (${sql}) AS count`)).rows[0]?.count);
  return { url: server.url, admin, count };
};

const startPoller = ({ path }: Bundle, args: readonly string[], env: NodeJS.ProcessEnv, tally: Tally) => {
  const child = spawn(process.execPath, [path, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let hasCommitted = false;
  let rest = '';
  child.stdout.on('data', (data: Buffer) => {
    const lines = `${rest}${data}`.split('\n');
    rest = lines.pop() ?? '';
    for (const word of lines) {
      tally.add(word);
      if (word === 'committed') hasCommitted = true;
    }
  });
  return { child, ended: once(child, 'close'), hasCommitted: () => hasCommitted };
};

describeWith(postgres, 'checkpoints() with rows and cursor in one transaction', () => {
  test(`lose none of ${eventCount} events and write none twice, over kills, ended connections, failed commits and a rival (seed ${seed})`, {
    timeout: 3_600_000,
  }, async () => {
    const random = mulberry32(seed);
    const bundle = await bundled('poll-into-postgres.ts');
    onTestFinished(() => bundle.remove());
    const { url, admin, count } = await openDatabase();
    const { made, env } = await serveBusyPlanetScale(random);
    const tally = new Tally();
    const isBusy = () => made.length < eventCount;

    const killAgainAndAgain = async (): Promise<void> => {
      while (isBusy()) {
        const args = [url, String(Math.floor(random() * 2 ** 31))];
        tally.add('started');
        const { child, ended, hasCommitted } = startPoller(bundle, args, env, tally);
        let isOver = false;
        void ended.then(() => {
          isOver = true;
        });
        while (!isOver && !hasCommitted() && isBusy()) await sleep(5);
        for (let restMs = random() * 300; restMs > 0 && !isOver && isBusy(); restMs -= 5) await sleep(5);
        if (!isOver) {
          tally.add('killed');
          if (hasCommitted()) tally.add('killed-after-commit');
        }
        child.kill('SIGKILL');
        const [code] = await ended;
        expect([null, 3], 'the exit code of a poller: null after a kill, 3 after an error that it expects').toContain(
          code,
        );
      }
    };
    const endConnections = async (): Promise<void> => {
      for (; isBusy(); await sleep(random() * 300)) {
        const { rowCount } = await admin.query(endConnection);
        if (rowCount) tally.add('connection-ended');
      }
    };
    await Promise.all([...Array.from({ length: pollers }, killAgainAndAgain), endConnections()]);

    await admin.query('DROP TRIGGER hinder ON planetscale_audit_cursors');
    const { ended } = startPoller(bundle, [url, '0', 'drain'], env, tally);
    const [code] = await ended;
    expect(code).toBe(0);

    const rows: string[] = (await admin.query<{ id: string }>('SELECT id FROM events')).rows.map(({ id }) => id);
    const written = new Set(rows);
    const lost = made.filter((id) => !written.has(id));
    const failedCommits = await count('SELECT last_value FROM failed_commits');
    console.log(
      `${made.length} events: ${lost.length} lost, ${rows.length - written.size} twice; ${failedCommits} failed commits, ${tally} (seed ${seed}).`,
    );
    expect(lost).toEqual([]);
    expect(rows).toHaveLength(written.size);
    expect(tally.of('killed-after-commit')).toBeGreaterThan(0);
    expect(tally.of('possible-duplicates')).toBe(0);
  });
});
