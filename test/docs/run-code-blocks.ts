import { mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openClickHouse } from '../support/clickhouse.ts';
import { serveOverHttp } from '../support/clickhouse-http.ts';
import { type MariadbServer, mariadb, startMariadb } from '../support/mariadb-server.ts';
import { type PostgresServer, postgres, startPostgres } from '../support/postgres-server.ts';
import { type Outcome, root, served, start } from '../support/programs.ts';
import { type RedisServer, redis, startRedis } from '../support/redis-server.ts';
import { idsOf, numbered, serveRaw } from '../support/served.ts';
import { describeWith } from '../support/server-process.ts';
import { type CodeBlock, codeBlocks } from './code-blocks.ts';

const events = numbered(250);
const all = idsOf(events);
/** These blocks start with the newest 200 events, which is the default. All others start with the oldest. */
const startsWithNewest: ReadonlySet<string> = new Set([
  'README.md 1',
  'docs/start.md 1',
  'docs/polling.md 1',
  'docs/polling.md 2',
  'docs/polling.md 3',
  'docs/runreveal.md 1',
]);

/** A block that runs in an empty directory, against a PlanetScale with these events. */
interface Run {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
}

interface Options {
  readonly env?: Readonly<Record<string, string>>;
  /** What a reader would write below the block. */
  readonly below?: string;
}

interface Started extends Run {
  /** The ids of the events that the block should deliver. */
  readonly expected: readonly string[];
  output(): string;
  /** Ends a block that polls for ever, and resolves with how it ended. */
  stop(): Promise<Outcome>;
  readonly ended: Promise<Outcome>;
}

const wasRun = new Set<CodeBlock>();

const blockOf = (page: string, number: number): CodeBlock => {
  const block = codeBlocks.find((found) => found.page === page && found.number === number);
  if (!block) throw new Error(`${page} has no block ${number}`);
  return block;
};

async function startBlock(page: string, number: number, { env, below = '' }: Options = {}): Promise<Started> {
  const block = blockOf(page, number);
  const directory = await mkdtemp(join(tmpdir(), 'block-'));
  await symlink(resolve(root, 'node_modules'), join(directory, 'node_modules'));
  await writeFile(join(directory, 'block.ts'), `${block.code}\n${below}\n`);
  const variables = { ...(await served(events.length)), PORT: '0', ...env };
  const expected = startsWithNewest.has(`${page} ${number}`) ? all.slice(-200) : all;
  const resolver = resolve(root, 'test/support/resolve-source.ts');
  const running = start(process.execPath, ['--import', resolver, 'block.ts'], { cwd: directory, env: variables });
  wasRun.add(block);
  const stop = () => {
    running.child.kill('SIGTERM');
    return running.ended;
  };
  return { directory, env: variables, expected, output: running.output, stop, ended: running.ended };
}

/** Runs a block that ends by itself, and returns its output. */
async function runBlock(page: string, number: number, options?: Options): Promise<string> {
  const { code, output } = await (await startBlock(page, number, options)).ended;
  expect(code, output).toBe(0);
  return output;
}

/** Lets a block poll until `read` returns every event, and then ends it. */
async function pollUntilWhole(
  started: Started,
  read: (output: string) => readonly string[] | Promise<readonly string[]>,
): Promise<void> {
  let ended: Outcome | undefined;
  void started.ended.then((outcome) => {
    ended = outcome;
  });
  await expect
    .poll(async () => ended ?? [...(await read(started.output()))].sort(), { timeout: 60_000 })
    .toEqual(started.expected);
  await started.stop();
}

/** The ids of events, each once, among any other text. */
const idsInLines = (output: string): string[] => [...new Set(output.match(/\bevent\d{7}\b/g))];

/** The same for RunReveal's webhook, whose events have a time and no id. */
const idsOfTimesIn = (received: string): string[] =>
  idsOf(events.filter(({ created_at }) => received.includes(`"eventTime":"${created_at}"`)));

const idsInFile = async (path: string): Promise<string[]> => idsInLines(await readFile(path, 'utf8').catch(() => ''));

/** A server that accepts what a block sends to it. */
async function createSink(answer: (body: string) => unknown) {
  let received = '';
  const url = await serveRaw(async (request, response) => {
    const body = await text(request);
    received += body;
    response.end(JSON.stringify(answer(body)));
  });
  return { url: new URL(url).origin, received: () => received };
}

describe('the code block', () => {
  test.each([
    ['docs/backfill.md', 1],
    ['docs/gaps.md', 1],
    ['docs/monitoring.md', 1],
    ['docs/monitoring.md', 2],
  ])('of %s (%i) prints every event', async (page, number) => {
    await pollUntilWhole(await startBlock(page, number), idsInLines);
  });

  test.each([
    ['README.md', 1],
    ['docs/start.md', 1],
  ])('of %s (%i) prints a line for every event', async (page, number) => {
    const started = await startBlock(page, number);
    const lines = events.slice(-200).map(({ created_at, audit_action }) => `${created_at} ${audit_action} `);
    await expect.poll(() => lines.filter((line) => !started.output().includes(line)), { timeout: 60_000 }).toEqual([]);
    await started.stop();
  });

  test('of docs/backfill.md (2) prints the events of seven days', async () => {
    const hour = 60 * 60_000;
    const changes = events.map((_, index) => ({
      created_at: new Date(Date.now() - (events.length - index) * hour).toISOString(),
    }));
    const env = await served(events.length, changes);
    const output = await runBlock('docs/backfill.md', 2, { env });
    const newest = all.slice(-7 * 24).reverse();
    expect([newest, newest.slice(0, -1)]).toContainEqual(idsInLines(output)); // An event may leave the week meanwhile.
  });

  test('of docs/polling.md (1) appends every event to a file', async () => {
    const started = await startBlock('docs/polling.md', 1);
    await pollUntilWhole(started, () => idsInFile(join(started.directory, 'audit.ndjson')));
  });

  test('of docs/destinations.md (3) appends every event to a file, as OCSF', async () => {
    const started = await startBlock('docs/destinations.md', 3);
    await pollUntilWhole(started, () => idsInFile(join(started.directory, 'ocsf.ndjson')));
  });

  test('of docs/running.md (2) copies every organization, and goes on if one token is missing', async () => {
    const env = await served(events.length);
    const token = `${env.PLANETSCALE_SERVICE_TOKEN_ID}:${env.PLANETSCALE_SERVICE_TOKEN}`;
    const started = await startBlock('docs/running.md', 2, { env: { ACME_TOKEN: token } });
    await pollUntilWhole(started, () => idsInFile(join(started.directory, 'acme.ndjson')));
    expect(started.output()).toContain('example');
  });

  test.each([
    ['docs/start.md', 2],
    ['docs/polling.md', 3],
  ])('of %s (%i) copies every event into SQLite', async (page, number) => {
    const started = await startBlock(page, number);
    await pollUntilWhole({ ...started, ended: new Promise(() => {}) }, () => {
      const database = new DatabaseSync(join(started.directory, 'audit.db'), { timeout: 5000 });
      try {
        return database
          .prepare('SELECT id FROM audit_events ORDER BY id')
          .all()
          .map(({ id }) => String(id));
      } catch {
        return []; // The table does not exist yet.
      } finally {
        database.close();
      }
    });
  });

  test('of docs/stores.md (5) makes a store that keeps a value', async () => {
    const below = "await store.set('key', 'value');\nconsole.log(await store.get('key'));";
    expect(await runBlock('docs/stores.md', 5, { below })).toBe('value\n');
  });

  test('of docs/stores.md (1) prints the tables', async () => {
    expect((await runBlock('docs/stores.md', 1)).match(/CREATE TABLE/g)).toHaveLength(2);
  });

  test('of docs/errors.md (1) says that the token can read the audit log, and why another one cannot', async () => {
    expect(await runBlock('docs/errors.md', 1)).toBe('The token can read the audit log.\n');
    const env = { PLANETSCALE_SERVICE_TOKEN: 'pscale_tkn_wrong' };
    expect(await runBlock('docs/errors.md', 1, { env })).toContain('invalid-credentials: ');
  });

  test('of docs/errors.md (2) prints the number of events, or the error', async () => {
    expect(await runBlock('docs/errors.md', 2)).toBe('100\n');
    expect(await runBlock('docs/errors.md', 2, { env: { PLANETSCALE_SERVICE_TOKEN: 'pscale_tkn_wrong' } })).toMatch(
      /^404 /,
    );
  });

  test('of docs/scaling.md makes a client for each organization', async () => {
    const below = 'const [acme] = clients;\nconsole.log(clients.length, (await acme?.page())?.events.length);';
    expect(await runBlock('docs/scaling.md', 1, { below })).toBe('2 100\n');
  });

  test.each([1, 2, 3, 4, 5, 6])('of docs/testing.md (%i) passes', async (number) => {
    await runBlock('docs/testing.md', number);
  });
});

describe('the code block that sends to', () => {
  const clickHouse = openClickHouse();
  afterAll(() => clickHouse.close());

  test.each(['docs/destinations.md', 'docs/runreveal.md'])('ClickHouse (%s) inserts every event', async (page) => {
    clickHouse.query('DROP DATABASE IF EXISTS runreveal');
    const started = await startBlock(page, 1, { env: { CLICKHOUSE_URL: await serveOverHttp(clickHouse) } });
    await pollUntilWhole(started, () => {
      try {
        return clickHouse.rows('SELECT eventID FROM runreveal.planetscale_logs').map(({ eventID }) => String(eventID));
      } catch {
        return []; // The table does not exist yet.
      }
    });
  });

  test('RunReveal sends every event', async () => {
    const sink = await createSink(() => ({}));
    const env = {
      RUNREVEAL_WEBHOOK_URL: `${sink.url}/sources/hook/kT8vQz2LmW5xRn7c`,
      RUNREVEAL_WEBHOOK_TOKEN: 'rr_made_up',
    };
    await pollUntilWhole(await startBlock('docs/destinations.md', 2, { env }), () => idsOfTimesIn(sink.received()));
  });

  test('a webhook (docs/runreveal.md) sends a batch', async () => {
    const sink = await createSink(() => ({}));
    const below = `
      const { PlanetScaleAuditClient } = await import('planetscale-audit');
      await send((await PlanetScaleAuditClient.fromEnv().page()).events);
    `;
    await runBlock('docs/runreveal.md', 2, {
      below,
      env: { RUNREVEAL_WEBHOOK_URL: `${sink.url}/sources/hook/kT8vQz2LmW5xRn7c` },
    });
    expect(idsOfTimesIn(sink.received())).toHaveLength(100);
  });

  test('Splunk sends every event', async () => {
    const sink = await createSink(() => ({ text: 'Success', code: 0 }));
    const env = { SPLUNK_HEC_URL: sink.url, SPLUNK_HEC_TOKEN: 'made-up' };
    await pollUntilWhole(await startBlock('docs/destinations.md', 4, { env }), () => idsInLines(sink.received()));
  });

  test('Elastic sends every event', async () => {
    const sink = await createSink((body) => ({
      errors: false,
      items: body.match(/\{"create":/g)?.map(() => ({ create: { status: 201 } })),
    }));
    const env = { ELASTIC_URL: sink.url, ELASTIC_API_KEY: 'made-up' };
    await pollUntilWhole(await startBlock('docs/destinations.md', 5, { env }), () => idsInLines(sink.received()));
  });
});

const keepsValue = `
  await store.set('key', 'value');
  console.log(await store.get('key'));
  process.exit();
`;

describeWith(postgres, 'the code block for PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.close());

  /** A new database with the tables that the guides name. */
  const createDatabase = async () => {
    const { cursorTableDdl } = await import('planetscale-audit/stores');
    const client = new Client(server.url);
    await client.connect();
    onTestFinished(() => client.end());
    await client.query('DROP TABLE IF EXISTS planetscale_audit_cursors, audit_events');
    await client.query(
      `${cursorTableDdl('postgres')}; CREATE TABLE audit_events (id TEXT PRIMARY KEY, event TEXT NOT NULL)`,
    );
    const ids = async () =>
      (await client.query('SELECT id FROM audit_events ORDER BY id')).rows.map(({ id }) => String(id));
    return { env: { DATABASE_URL: server.url }, ids };
  };

  test('of docs/stores.md makes a store that keeps a value', async () => {
    const { env } = await createDatabase();
    expect(await runBlock('docs/stores.md', 3, { env, below: keepsValue })).toBe('value\n');
  });

  test('of docs/polling.md commits every event with the cursor', async () => {
    const { env, ids } = await createDatabase();
    await pollUntilWhole(await startBlock('docs/polling.md', 2, { env }), ids);
  });

  test('of docs/running.md copies every event in one call', async () => {
    const { env, ids } = await createDatabase();
    await runBlock('docs/running.md', 1, {
      env,
      below: 'await handler({}, { getRemainingTimeInMillis: () => 120_000 });\nawait pool.end();',
    });
    expect(await ids()).toEqual(all);
  });

  test('of docs/deployment.md reads every event in one call', async () => {
    const { env } = await createDatabase();
    const output = await runBlock('docs/deployment.md', 1, { env, below: 'await handler();\nawait pool.end();' });
    const counts = [...output.matchAll(/Write (\d+) events/g)].map(([, count]) => Number(count));
    expect(counts.reduce((a, b) => a + b, 0)).toBe(events.length);
  });
});

describeWith(redis, 'the code block for Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());

  test('of docs/stores.md makes a store that keeps a value', async () => {
    const env = { REDIS_URL: `redis://127.0.0.1:${server.port}` };
    expect(await runBlock('docs/stores.md', 2, { env, below: keepsValue })).toBe('value\n');
  });
});

describeWith(mariadb, 'the code block for MySQL', () => {
  let server: MariadbServer;
  beforeAll(async () => {
    server = await startMariadb();
  });
  afterAll(() => server.close());

  test('of docs/stores.md makes a store that keeps a value', async () => {
    const below = `
      const { cursorTableDdl } = await import('planetscale-audit/stores');
      await pool.query(cursorTableDdl('mysql'));
      ${keepsValue}
    `;
    expect(await runBlock('docs/stores.md', 4, { env: { DATABASE_URL: server.url }, below })).toBe('value\n');
  });
});

test('every code block was run', () => {
  const left = codeBlocks.filter((block) => !wasRun.has(block));
  expect(left.map(({ page, line }) => `${page}:${line}`)).toEqual([]);
});
