import { createPool as createCallbackPool } from 'mysql2';
import { type Connection, createConnection, createPool, type Pool } from 'mysql2/promise';
import { AuditConfigError, CursorConflictError, poller } from 'planetscale-audit';
import { type AtomicCursorStore, cursorTableDdl, mysqlCursorStore } from 'planetscale-audit/stores';
import { cursorStoreChecks, fakePlanetScale } from 'planetscale-audit/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type MariadbServer, mariadb, startMariadb } from '../support/mariadb-server.ts';
import { credentials, failure, numbered } from '../support/served.ts';
import { describeWith } from '../support/server-process.ts';
import { sourceOf } from '../support/source.ts';
import { badTables, configError, storeFailure, unknownClients, untyped } from './database-support.ts';

describeWith(mariadb, 'mysqlCursorStore', () => {
  let server: MariadbServer;
  let admin: Pool;

  beforeAll(async () => {
    server = await startMariadb();
    admin = createPool(server.url);
    await admin.query(cursorTableDdl('mysql'));
  }, 60_000);

  afterAll(async () => {
    await admin?.end();
    await server?.close();
  });

  const breakBackend = async () => {
    await server.stop();
    return () => server.start();
  };

  describe('passes the checks with a Pool of mysql2', () => {
    const pools: Pool[] = [];
    const open = () => {
      const pool = createPool({ uri: server.url, connectionLimit: 2 });
      pools.push(pool);
      return mysqlCursorStore(pool);
    };
    afterAll(() => Promise.all(pools.map((pool) => pool.end())));
    for (const { name, run } of cursorStoreChecks({ open, compareAndSet: true, breakBackend })) test(name, run);
  });

  describe('passes the checks with a Connection of mysql2', () => {
    const connections: Connection[] = [];
    const open = async () => {
      const connection = await createConnection(server.url);
      connection.on('error', () => {});
      connections.push(connection);
      return mysqlCursorStore(connection);
    };
    afterAll(() => connections.forEach((connection) => void connection.destroy()));
    for (const { name, run } of cursorStoreChecks({ open, compareAndSet: true })) test(name, run);
  });

  const calls: readonly (readonly [name: string, call: (store: AtomicCursorStore) => unknown])[] = [
    ['get', (store) => store.get('key')],
    ['set', (store) => store.set('key', 'v1:')],
    ['compareAndSet without a value', (store) => store.compareAndSet('new key', null, 'v1:')],
    ['compareAndSet of a value', (store) => store.compareAndSet('key', 'v1:', 'v1:')],
  ];

  const openPool = (options: { readonly user?: string; readonly charset?: string } = {}) => {
    const pool = createPool({ host: '127.0.0.1', port: server.port, user: 'root', database: 'app', ...options });
    onTestFinished(() => pool.end());
    return pool;
  };

  test.each(calls)('%s says which SQL creates a missing table', async (_, call) => {
    for (const table of ['missing', 'missing.missing']) {
      const error = await storeFailure(() => call(mysqlCursorStore(admin, { table })));
      expect(error.message).toMatch(/^mysqlCursorStore could not .*cursorTableDdl\('mysql'\)/);
      expect(error.retryable).toBe(false);
    }
  });

  const goodKey = 'cursor_key VARBINARY(1024) PRIMARY KEY';
  const goodValue = 'cursor_value LONGBLOB NOT NULL';
  test.each([
    [
      'cursor_key VARCHAR(255) COLLATE utf8mb4_general_ci PRIMARY KEY',
      goodValue,
      /cursor_key has the collation utf8mb4_general_ci/,
    ],
    [
      'cursor_key VARCHAR(255) CHARACTER SET latin1 COLLATE latin1_bin PRIMARY KEY',
      goodValue,
      /cursor_key has the collation latin1_bin/,
    ],
    ['cursor_key VARBINARY(100) PRIMARY KEY', goodValue, /cursor_key holds 100 bytes/],
    ['cursor_key VARBINARY(1024)', goodValue, /cursor_key is not the primary key/],
    [
      'cursor_key VARBINARY(1024), part INT, PRIMARY KEY (cursor_key, part)',
      goodValue,
      /cursor_key is not the primary key/,
    ],
    [goodKey, 'cursor_value LONGTEXT COLLATE utf8mb4_general_ci', /cursor_value has the collation utf8mb4_general_ci/],
    [goodKey, 'cursor_value BLOB', /cursor_value holds 65535 bytes/],
    [goodKey, 'state LONGBLOB', /it has no column cursor_value/],
  ])('refuses a table with the columns %s, %s', async (key, value, problem) => {
    await admin.query(`CREATE OR REPLACE TABLE unfit (${key}, ${value})`);
    const store = mysqlCursorStore(admin, { table: 'unfit' });
    for (const [, call] of calls) {
      const error = await failure((async () => call(store))());
      expect(error).toBeInstanceOf(AuditConfigError);
      expect(Object(error).message).toMatch(problem);
    }
    await admin.query(`CREATE OR REPLACE TABLE unfit (${goodKey}, ${goodValue})`);
    for (const [, call] of calls) await call(store);
  });

  test.each(['MyISAM', 'Aria'])('refuses a table of the engine %s, which does not roll back', async (engine) => {
    await admin.query(
      `CREATE OR REPLACE TABLE unfit (cursor_key VARBINARY(900) PRIMARY KEY, ${goodValue}) ENGINE=${engine}`,
    );
    const error = await failure((async () => mysqlCursorStore(admin, { table: 'unfit' }).get('key'))());
    expect(error).toBeInstanceOf(AuditConfigError);
    expect(Object(error).message).toContain(`its engine is ${engine} in place of InnoDB`);
  });

  test('cursorTableDdl makes a table that rolls back, whatever the default engine is', async () => {
    const connection = await admin.getConnection();
    onTestFinished(() => connection.destroy());
    await connection.query('SET default_storage_engine = Aria');
    await connection.query(cursorTableDdl('mysql', { table: 'app.of_default' }));
    const store = mysqlCursorStore(connection, { table: 'app.of_default' });
    await connection.beginTransaction();
    await store.set('key', 'v1:');
    await connection.rollback();
    expect(await store.get('key')).toBeNull();
  });

  test.each([
    ['the key is too long for the column', `cursor_key VARBINARY(1024) PRIMARY KEY, ${goodValue}`, 'x'.repeat(2000)],
    ['the table has a column without a default', `${goodKey}, ${goodValue}, team INT NOT NULL`, 'key'],
  ])('names the SQL of the table if %s', async (_, columns, key) => {
    await admin.query(`CREATE OR REPLACE TABLE unfit (${columns})`);
    const error = await storeFailure(() => mysqlCursorStore(admin, { table: 'unfit' }).set(key, 'v1:'));
    expect(error.message).toContain("cursorTableDdl('mysql')");
    expect(error.retryable).toBe(false);
  });

  test('asks for a database if the connection has none, or one that does not exist', async () => {
    const pool = createPool({ host: '127.0.0.1', port: server.port, user: 'root' });
    onTestFinished(() => pool.end());
    for (const store of [mysqlCursorStore(pool), mysqlCursorStore(createPool({ uri: `${server.url}x` }))]) {
      const error = await storeFailure(() => store.get('key'));
      expect(error.message).toContain('Name a database that exists');
      expect(error.retryable).toBe(false);
    }
  });

  test('refuses a pool whose rows are no objects', async () => {
    const pool = createPool({ uri: server.url, rowsAsArray: true });
    onTestFinished(() => pool.end());
    const error = await failure((async () => mysqlCursorStore(pool).get('key'))());
    expect(error).toBeInstanceOf(AuditConfigError);
    expect(Object(error).message).toContain('with rows as objects');
  });

  test('accepts text columns with a binary collation, and compares trailing spaces in them', async () => {
    const text = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
    await admin.query(
      `CREATE TABLE texts (cursor_key VARCHAR(255) ${text} PRIMARY KEY, cursor_value LONGTEXT ${text})`,
    );
    const store = mysqlCursorStore(admin, { table: 'app.texts' });
    await store.set('key', 'v1: ');
    expect(await store.compareAndSet('key', 'v1:', 'v1:2')).toBe(false);
    expect(await store.compareAndSet('key', 'v1: ', 'v1:2')).toBe(true);
    expect(await store.get('key')).toBe('v1:2');
  });

  test('a connection with another character set finds the same keys and values', async () => {
    await mysqlCursorStore(admin).set('acmé', 'v1:é');
    const store = mysqlCursorStore(openPool({ charset: 'latin1' }));
    expect(await store.get('acmé')).toBe('v1:é');
    expect(await store.compareAndSet('acmé', 'v1:é', 'v1:ü')).toBe(true);
    expect(await mysqlCursorStore(admin).get('acmé')).toBe('v1:ü');
  });

  test('a user without privileges learns which ones the store needs, and needs no others', async () => {
    await admin.query("CREATE USER poller@'%'");
    await admin.query('CREATE TABLE other (id INT)');
    await admin.query("GRANT SELECT ON app.other TO poller@'%'");
    const store = mysqlCursorStore(openPool({ user: 'poller' }));
    for (const [, call] of calls) {
      const error = await storeFailure(() => call(store));
      expect(error.message).toContain('Grant SELECT, INSERT and UPDATE on the table to this user');
      expect(error.retryable).toBe(false);
    }
    await admin.query("GRANT SELECT, INSERT, UPDATE ON app.planetscale_audit_cursors TO poller@'%'");
    for (const [, call] of calls) await call(store);

    await admin.query('SET GLOBAL read_only = 1');
    onTestFinished(async () => void (await admin.query('SET GLOBAL read_only = 0')));
    expect(await store.get('key')).toBe('v1:');
    for (const [, call] of calls.slice(1)) {
      const error = await storeFailure(() => call(store));
      expect(error.message).toContain('Connect to the primary');
      expect(error.retryable).toBe(true);
    }
  });

  test('asks for the user and the password if the server refuses the login', async () => {
    const error = await storeFailure(() => mysqlCursorStore(openPool({ user: 'unknown' })).get('key'));
    expect(error.message).toContain('Give the client the user and the password');
    expect(error.retryable).toBe(false);
  });

  test('says that the server is out of reach', async () => {
    const store = mysqlCursorStore(openPool());
    const repair = await breakBackend();
    const error = await storeFailure(() => store.get('key')).finally(repair);
    expect(error.message).toMatch(/could not read "key" \(.*ECONNREFUSED.*\)\. Make sure that MySQL runs/);
    expect(error.retryable).toBe(true);
  });

  test('says that a Connection does not connect again, and lets the poller end', async () => {
    const connection = await createConnection(server.url);
    connection.on('error', () => {});
    const store = mysqlCursorStore(connection);
    await store.get('key');
    await admin.query(`KILL ${connection.threadId}`);
    await expect
      .poll(async () => (await storeFailure(() => store.get('key'))).retryable, { timeout: 20_000 })
      .toBe(false);
    expect((await storeFailure(() => store.get('key'))).message).toContain('a Pool connects again');
  });

  test('a save that waits for too long for another transaction may be repeated', async () => {
    await mysqlCursorStore(admin).set('held', 'v1:');
    const holder = await admin.getConnection();
    await holder.beginTransaction();
    onTestFinished(() => holder.rollback().then(() => holder.release()));
    await mysqlCursorStore(holder).set('held', 'v1:1');
    const other = await admin.getConnection();
    onTestFinished(() => other.destroy());
    await other.query('SET innodb_lock_wait_timeout = 1');
    const error = await storeFailure(() => mysqlCursorStore(other).set('held', 'v1:2'));
    expect(error.message).toContain('Roll this one back, and begin another one');
    expect(error.retryable).toBe(true);
  });

  test('checkpoints() of a poller ask for a rollback if another one moved the cursor that the snapshot shows', async () => {
    const events = fakePlanetScale({ ...credentials, events: numbered(3) });
    const options = { store: mysqlCursorStore(admin), startFrom: 'oldest', drain: true, onNotice: () => {} } as const;
    const checkpoints = poller(sourceOf(events), options).checkpoints();
    const { value: checkpoint } = await checkpoints.next();
    const connection = await admin.getConnection();
    onTestFinished(() => connection.rollback().then(() => connection.release()));
    await connection.beginTransaction(); // REPEATABLE READ is the default of MySQL.
    await connection.query('SELECT * FROM planetscale_audit_cursors');
    for await (const { commitTo } of poller(sourceOf(events), options).checkpoints()) await commitTo(options.store);
    const error = await storeFailure(() => checkpoint?.commitTo(mysqlCursorStore(connection)));
    expect(error.message).toContain('Roll this transaction back');
    expect(error.retryable).toBe(true);
    await expect(checkpoints.next()).rejects.toThrow(CursorConflictError);
  });

  test('saves and rolls back with the transaction of a connection', async () => {
    const connection = await admin.getConnection();
    onTestFinished(() => connection.release());
    await connection.beginTransaction();
    expect(await mysqlCursorStore(connection).compareAndSet('in transaction', null, 'v1:')).toBe(true);
    await connection.rollback();
    expect(await mysqlCursorStore(admin).get('in transaction')).toBeNull();
  });
});

test.each<[client: string, client: never]>([
  ['@planetscale/database, which answers with a result', untyped({ execute: async () => ({ rows: [] }) })],
  ['mariadb, which answers with the rows', untyped({ execute: async () => [{ value: 'v1:' }] })],
  ['mariadb, if there are no rows', untyped({ execute: async () => [] })],
])('mysqlCursorStore refuses a client of the same shape at its first answer: %s', async (_, client) => {
  const store = mysqlCursorStore(client);
  for (const call of [() => store.get('key'), () => store.set('key', 'v1:')]) {
    const error = await failure((async () => call())());
    expect(error).toBeInstanceOf(AuditConfigError);
    expect(error).toHaveProperty('message', expect.stringContaining('Pass a Connection or Pool of mysql2/promise'));
  }
});

// The server closes the connection at once, and its error may not arrive.
test('a text that is larger than max_allowed_packet has an error that says so', async () => {
  const tooLarge = Object.assign(new Error('Got a packet bigger than allowed'), { code: 'ER_NET_PACKET_TOO_LARGE' });
  const error = await storeFailure(() => mysqlCursorStore({ execute: () => Promise.reject(tooLarge) }).set('key', ''));
  expect(error.message).toContain('Raise max_allowed_packet');
  expect(error.retryable).toBe(false);
});

test.each([...unknownClients, ['a Pool without promises', untyped(createCallbackPool({}))] as const])(
  'mysqlCursorStore refuses %s, and shows nothing of it',
  (_, client) => {
    const error = configError(() => mysqlCursorStore(client));
    expect(error.message).toMatch(
      /^mysqlCursorStore does not know .*Pass a Connection or Pool of mysql2\/promise, such as pool\.promise\(\)\.$/,
    );
    expect(error.message).not.toContain('secret');
  },
);

test.each(badTables)('mysqlCursorStore and cursorTableDdl refuse the name %j, which is no identifier', (table) => {
  const message = 'table: must be the name of a table';
  expect(configError(() => mysqlCursorStore(createPool({}), { table })).message).toContain(message);
  expect(configError(() => cursorTableDdl('mysql', { table })).message).toContain(message);
});
