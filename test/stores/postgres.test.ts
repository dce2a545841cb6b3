import { createPool } from 'mysql2/promise';
import { Client, Pool } from 'pg';
import { AuditConfigError } from 'planetscale-audit';
import {
  type AtomicCursorStore,
  cursorTableDdl,
  type PostgresLike,
  postgresCursorStore,
} from 'planetscale-audit/stores';
import { cursorStoreChecks } from 'planetscale-audit/testing';
import postgresJs from 'postgres';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type PostgresServer, postgres, startPostgres } from '../support/postgres-server.ts';
import { failure } from '../support/served.ts';
import { describeWith } from '../support/server-process.ts';
import { badTables, configError, storeFailure, unknownClients, untyped } from './database-support.ts';

describeWith(postgres, 'postgresCursorStore', () => {
  let server: PostgresServer;
  let admin: Pool;

  const openPool = (user = 'postgres', options?: string) => {
    const pool = new Pool({ host: '127.0.0.1', port: server.port, user, database: 'postgres', max: 50, options });
    pool.on('connect', (client) => client.on('error', () => {})); // A connection broke while the pool closed it.
    pool.on('error', () => {}); // An idle connection broke.
    return pool;
  };

  beforeAll(async () => {
    server = await startPostgres();
    admin = openPool();
    await admin.query(cursorTableDdl('postgres'));
  }, 60_000);

  afterAll(async () => {
    await admin?.end();
    await server?.close();
  });

  const breakBackend = async () => {
    await server.stop();
    return () => server.start();
  };

  describe('passes the checks with a Pool of pg', () => {
    const pools: Pool[] = [];
    const open = () => {
      const pool = openPool();
      pools.push(pool);
      return postgresCursorStore(pool);
    };
    afterAll(() => Promise.all(pools.map((pool) => pool.end())));
    for (const { name, run } of cursorStoreChecks({ open, compareAndSet: true, breakBackend })) test(name, run);
  });

  describe('passes the checks with Clients of pg that the application replaces after an outage', () => {
    const handles: { client: Client }[] = [];
    const connected = async () => {
      const client = new Client(server.url);
      client.on('error', () => {});
      await client.connect();
      return client;
    };
    const open = async () => {
      const handle = { client: await connected() };
      handles.push(handle);
      return postgresCursorStore({ query: (text, values) => handle.client.query(text, values) });
    };
    const breakAndReconnect = async () => {
      const repair = await breakBackend();
      return async () => {
        await repair();
        await Promise.all(
          handles.map(async (handle) => {
            handle.client = await connected();
          }),
        );
      };
    };
    afterAll(() => Promise.all(handles.map(({ client }) => client.end())));
    const store = { open, compareAndSet: true, breakBackend: breakAndReconnect };
    for (const { name, run } of cursorStoreChecks(store)) test(name, run);
  });

  describe('passes the checks with postgres', () => {
    const clients: postgresJs.Sql[] = [];
    const open = () => {
      const sql = postgresJs(server.url, { max: 1, backoff: false });
      clients.push(sql);
      return postgresCursorStore(sql);
    };
    afterAll(() => Promise.all(clients.map((sql) => sql.end({ timeout: 1 }))));
    for (const { name, run } of cursorStoreChecks({ open, compareAndSet: true, breakBackend })) test(name, run);
  });

  const calls: readonly (readonly [name: string, call: (store: AtomicCursorStore) => unknown])[] = [
    ['get', (store) => store.get('key')],
    ['set', (store) => store.set('key', 'v1:')],
    ['compareAndSet without a value', (store) => store.compareAndSet('new key', null, 'v1:')],
    ['compareAndSet of a value', (store) => store.compareAndSet('key', 'v1:', 'v1:')],
  ];
  const saving = calls.slice(1);

  const withUser = async (name: string) => {
    await admin.query(`CREATE ROLE ${name} LOGIN`);
    const pool = openPool(name);
    onTestFinished(() => pool.end());
    return pool;
  };

  test.each(calls)('%s says which SQL creates a missing table, and which schema is missing', async (_, call) => {
    for (const table of ['missing', 'missing.missing']) {
      const error = await storeFailure(() => call(postgresCursorStore(admin, { table })));
      expect(error.message).toMatch(/^postgresCursorStore could not .*cursorTableDdl\('postgres'\)/);
      expect(error.retryable).toBe(false);
    }
  });

  test.each(calls)('%s refuses a table with other columns, or without a primary key', async (name, call) => {
    await admin.query('CREATE TABLE IF NOT EXISTS of_others (id text, cursor_key int)');
    const error = await storeFailure(() => call(postgresCursorStore(admin, { table: 'of_others' })));
    expect(error.message).toContain("cursorTableDdl('postgres')");
    if (name === 'get' || name.endsWith('of a value')) return;
    await admin.query('CREATE TABLE IF NOT EXISTS without_key (cursor_key text, cursor_value text)');
    const keyless = await storeFailure(() => call(postgresCursorStore(admin, { table: 'without_key' })));
    expect(keyless.message).toContain("cursorTableDdl('postgres')");
  });

  test('a user without privileges learns which ones the store needs, and needs no others', async () => {
    const store = postgresCursorStore(await withUser('poller'));
    for (const [, call] of calls) {
      const error = await storeFailure(() => call(store));
      expect(error.message).toContain('Grant SELECT, INSERT and UPDATE on the table to this user');
      expect(error.retryable).toBe(false);
    }
    await admin.query('GRANT SELECT, INSERT, UPDATE ON planetscale_audit_cursors TO poller');
    for (const [, call] of calls) await call(store);
    expect(await store.get('key')).toBe('v1:');
  });

  test.each(saving)('%s on a server that only reads says where to connect', async (_, call) => {
    const pool = openPool('postgres', '-c default_transaction_read_only=on');
    onTestFinished(() => pool.end());
    const error = await storeFailure(() => call(postgresCursorStore(pool)));
    expect(error.message).toContain('Connect to the primary');
    expect(error.retryable).toBe(true);
  });

  test.each([
    ['a Pool of pg', () => openPool()],
    ['postgres', () => postgresJs(server.url)],
  ])('says that the server is out of reach, with %s', async (_, create) => {
    const client = create();
    onTestFinished(() => client.end());
    const repair = await breakBackend();
    const error = await storeFailure(() => postgresCursorStore(client).get('key')).finally(repair);
    expect(error.message).toMatch(/could not read "key" \(.*ECONNREFUSED.*\)\. Make sure that PostgreSQL runs/);
    expect(error.retryable).toBe(true);
  });

  test('says that a Client of pg does not connect again, and lets the poller end', async () => {
    const client = new Client(server.url);
    client.on('error', () => {});
    await client.connect();
    const store = postgresCursorStore(client);
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    await admin.query('SELECT pg_terminate_backend($1)', [rows[0].pid]);
    await expect
      .poll(async () => (await storeFailure(() => store.get('key'))).retryable, { timeout: 20_000 })
      .toBe(false);
    const error = await storeFailure(() => store.get('key'));
    expect(error.message).toContain('a Pool connects again');
  });

  test.each([
    ['a Pool of pg', () => openPool()],
    ['postgres', () => postgresJs(server.url)],
  ])('says that a client is closed, with %s', async (_, create) => {
    const client = create();
    await client.end();
    const error = await storeFailure(() => postgresCursorStore(client).get('key'));
    expect(error.message).toContain('Pass a client that is open');
    expect(error.retryable).toBe(false);
  });

  test.each<[string, (work: (client: PostgresLike) => Promise<void>) => Promise<unknown>]>([
    [
      'pg',
      async (work) => {
        const client = await admin.connect();
        await client.query('BEGIN');
        await work(client).finally(() => client.query('ROLLBACK').finally(() => client.release()));
      },
    ],
    [
      'postgres',
      async (work) => {
        const sql = postgresJs(server.url);
        const rolledBack = new Error('roll back');
        const transaction = sql.begin(async (tx) => {
          await work(tx);
          throw rolledBack;
        });
        expect(await failure(transaction)).toBe(rolledBack);
        await sql.end();
      },
    ],
  ])('saves and rolls back with the transaction of a client of %s', async (name, inTransaction) => {
    const key = `in transaction of ${name}`;
    await inTransaction(async (client) => {
      expect(await postgresCursorStore(client).compareAndSet(key, null, 'v1:')).toBe(true);
      expect(await postgresCursorStore(admin).get(key)).toBeNull();
    });
    expect(await postgresCursorStore(admin).get(key)).toBeNull();
  });

  test('asks for the user and the password if the server refuses the login', async () => {
    const pool = openPool('unknown');
    onTestFinished(() => pool.end());
    const error = await storeFailure(() => postgresCursorStore(pool).get('key'));
    expect(error.message).toContain('Give the client the user and the password');
    expect(error.retryable).toBe(false);
  });

  test('asks for a rollback after an earlier statement of the transaction has failed', async () => {
    const client = await admin.connect();
    onTestFinished(() => client.query('ROLLBACK').then(() => client.release()));
    await client.query('BEGIN');
    await failure(client.query('SELECT 1 / 0'));
    const error = await storeFailure(() => postgresCursorStore(client).get('key'));
    expect(error.message).toContain('Roll the transaction back');
    expect(error.retryable).toBe(false);
  });

  test.each(['varchar(255)', 'json', 'jsonb'])('refuses a table whose values are of type %s', async (type) => {
    await admin.query(
      `DROP TABLE IF EXISTS unfit; CREATE TABLE unfit (cursor_key text PRIMARY KEY, cursor_value ${type})`,
    );
    const store = postgresCursorStore(admin, { table: 'unfit' });
    const error = await storeFailure(() => store.compareAndSet('key', null, `v1:${'x'.repeat(255)}`));
    expect(error.message).toContain("cursorTableDdl('postgres')");
    expect(error.retryable).toBe(false);
  });

  test('names the SQL of the table if a column of it has no default, and a database that does not exist', async () => {
    await admin.query('CREATE TABLE of_team (cursor_key text PRIMARY KEY, cursor_value text, team int NOT NULL)');
    const error = await storeFailure(() => postgresCursorStore(admin, { table: 'of_team' }).set('key', 'v1:'));
    expect(error.message).toContain("cursorTableDdl('postgres')");
    expect(error.retryable).toBe(false);
    const pool = new Pool({ host: '127.0.0.1', port: server.port, user: 'postgres', database: 'nowhere' });
    onTestFinished(() => pool.end());
    const missing = await storeFailure(() => postgresCursorStore(pool).get('key'));
    expect(missing.message).toContain('Connect to a database that exists');
    expect(missing.retryable).toBe(false);
  });

  test('refuses a key with U+0000, which PostgreSQL cannot keep', async () => {
    const error = await storeFailure(() => postgresCursorStore(admin).get('a\0b'));
    expect(error.message).toContain('a key without the character U+0000');
    expect(error.retryable).toBe(false);
  });

  const inTransaction = async (begin: string) => {
    const client = await admin.connect();
    onTestFinished(() => client.query('ROLLBACK').then(() => client.release()));
    await client.query(begin);
    return { client, store: postgresCursorStore(client) };
  };

  test.each([
    ['lock_timeout', 'Roll this one back'],
    ['statement_timeout', 'Look for a session that holds the row'],
  ])('a save that waits for longer than %s for another transaction may be repeated', async (limit, advice) => {
    await postgresCursorStore(admin).set('held', 'v1:');
    const holder = await inTransaction('BEGIN');
    await holder.store.set('held', 'v1:1');
    const other = await inTransaction(`BEGIN; SET LOCAL ${limit} = 100`);
    const error = await storeFailure(() => other.store.set('held', 'v1:2'));
    expect(error.message).toContain(advice);
    expect(error.retryable).toBe(true);
  });

  test('a save in a snapshot that another transaction has overtaken asks for a rollback', async () => {
    await postgresCursorStore(admin).set('overtaken', 'v1:');
    const { store } = await inTransaction('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await store.get('overtaken');
    await postgresCursorStore(admin).set('overtaken', 'v1:1');
    const error = await storeFailure(() => store.compareAndSet('overtaken', 'v1:', 'v1:2'));
    expect(error.message).toContain('Roll this one back, and begin another one');
    expect(error.retryable).toBe(true);
  });

  test('keeps cursors in the schema and table of the option', async () => {
    await admin.query('CREATE SCHEMA "Audit"');
    const options = { table: 'Audit.Cursors$1' };
    await admin.query(cursorTableDdl('postgres', options));
    await postgresCursorStore(admin, options).set('key', 'v1:elsewhere');
    const { rows } = await admin.query('SELECT * FROM "Audit"."Cursors$1"');
    expect(rows).toEqual([{ cursor_key: 'key', cursor_value: 'v1:elsewhere' }]);
  });

  test('reads rows whose columns postgres renames in camel case', async () => {
    const sql = postgresJs(server.url, { transform: postgresJs.camel });
    onTestFinished(() => sql.end());
    const store = postgresCursorStore(sql);
    await store.set('camel', 'v1:');
    expect(await store.get('camel')).toBe('v1:');
  });
});

test('the error of a host with several addresses, which has a code and no message, shows the code', async () => {
  const refused = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
  const error = await storeFailure(() => postgresCursorStore({ query: () => Promise.reject(refused) }).get('key'));
  expect(error.message).toContain('could not read "key" (ECONNREFUSED)');
});

test.each([...unknownClients, ['a client of MySQL', untyped(createPool({}))] as const])(
  'postgresCursorStore refuses %s, and shows nothing of it',
  (_, client) => {
    const error = configError(() => postgresCursorStore(client));
    expect(error.message).toMatch(
      /^postgresCursorStore does not know .*Pass a Client or Pool of pg, or the sql function/,
    );
    expect(error.message).not.toContain('secret');
  },
);

test.each<[client: string, client: never]>([
  ['pg-promise and TypeORM, which answer with the rows', untyped({ query: async () => [] })],
  ['a wrapper of postgres, which answers with a result', untyped({ unsafe: async () => ({ rows: [] }) })],
  ['a client that lacks a method', untyped({ query: () => Reflect.get(globalThis, 'missing')() })],
  ['a client that answers with nothing', untyped({ query: async () => undefined })],
])('postgresCursorStore refuses a client of the same shape at its first answer: %s', async (_, client) => {
  const store = postgresCursorStore(client);
  for (const call of [() => store.get('key'), () => store.set('key', 'v1:')]) {
    const error = await failure((async () => call())());
    expect(error).toBeInstanceOf(AuditConfigError);
    expect(error).toHaveProperty('message', expect.stringContaining('Pass a Client or Pool of pg'));
  }
});

test.each(badTables)('postgresCursorStore and cursorTableDdl refuse the name %j, which is no identifier', (table) => {
  const message = 'table: must be the name of a table';
  expect(configError(() => postgresCursorStore(new Pool(), { table })).message).toContain(message);
  expect(configError(() => cursorTableDdl('postgres', { table })).message).toContain(message);
});

test('cursorTableDdl refuses a dialect that it does not know, and an option that it does not have', () => {
  expect(configError(() => cursorTableDdl(untyped('oracle'))).message).toContain('must be postgres, mysql, sqlite');
  expect(configError(() => cursorTableDdl('mysql', untyped({ tabel: 'a' }))).message).toContain('did you mean table?');
});
