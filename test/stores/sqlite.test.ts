import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import BetterSqlite3 from 'better-sqlite3';
import { cursorTableDdl, type SqliteLike, sqliteCursorStore } from 'planetscale-audit/stores';
import { cursorStoreChecks } from 'planetscale-audit/testing';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { badTables, configError, storeFailure, unknownClients } from './database-support.ts';

interface OpenDatabase extends SqliteLike {
  exec(sql: string): unknown;
  close(): unknown;
}

interface OpenOptions {
  readonly readOnly?: boolean;
}

const openers: readonly (readonly [client: string, open: (path: string, options?: OpenOptions) => OpenDatabase])[] = [
  ['node:sqlite', (path, options = {}) => new DatabaseSync(path, options)],
  ['better-sqlite3', (path, { readOnly = false } = {}) => new BetterSqlite3(path, { timeout: 0, readonly: readOnly })],
];

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

describe.each(openers)('sqliteCursorStore with %s', (client, openDatabase) => {
  const directory = mkdtempSync(join(tmpdir(), 'sqlite-'));
  const path = join(directory, 'audit.db');
  const databases: OpenDatabase[] = [];
  afterAll(() => {
    for (const database of databases) database.close();
    rmSync(directory, { recursive: true });
  });

  const opened = (options?: OpenOptions, file = path) => {
    const database = openDatabase(file, options);
    databases.push(database);
    return database;
  };
  opened().exec(cursorTableDdl('sqlite'));

  // Two builds of SQLite in one process do not see each other's locks, so the rival uses the same one.
  const lock = () => {
    const rival = openDatabase(path);
    rival.exec('BEGIN EXCLUSIVE');
    return () => void rival.close();
  };

  describe('passes the checks', () => {
    const store = { open: () => sqliteCursorStore(opened()), compareAndSet: true, breakBackend: lock };
    for (const { name, run } of cursorStoreChecks(store)) test(name, run);
  });

  test('lets one of several processes win each round of a race', async () => {
    const racers = await Promise.all(
      Array.from({ length: 4 }, () =>
        promisify(execFile)(process.execPath, ['test/support/sqlite-racer.ts', client, path, '100']),
      ),
    );
    const wins = racers.flatMap(({ stdout }) => stdout.trim().split('\n').filter(Boolean).map(Number));
    expect(wins.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, round) => round));
  });

  test.each(['cursor_value INTEGER', 'cursor_value TEXT, team INT NOT NULL'])(
    'names the SQL of the table if its columns do not fit: %s',
    async (columns) => {
      const database = opened();
      database.exec(`DROP TABLE IF EXISTS unfit; CREATE TABLE unfit (cursor_key TEXT PRIMARY KEY, ${columns}) STRICT`);
      const error = await storeFailure(() => sqliteCursorStore(database, { table: 'unfit' }).set('key', 'v1:'));
      expect(error.message).toContain("cursorTableDdl('sqlite')");
      expect(error.retryable).toBe(false);
    },
  );

  test('says which SQL creates a missing table', async () => {
    const store = sqliteCursorStore(opened(), { table: 'missing' });
    const error = await storeFailure(() => store.get('key'));
    expect(error.message).toMatch(/no such table: missing.*cursorTableDdl\('sqlite'\)/);
    expect(error.retryable).toBe(false);
  });

  test('names the timeout if another process holds the database', async () => {
    const store = sqliteCursorStore(opened());
    const unlock = lock();
    onTestFinished(unlock);
    const error = await storeFailure(() => store.set('key', 'v1:'));
    expect(error.message).toMatch(/locked.*timeout/);
    expect(error.retryable).toBe(true);
  });

  test('asks for BEGIN IMMEDIATE if another process has written since the first read of a transaction', async () => {
    const file = join(directory, 'write-ahead.db');
    const database = opened({}, file);
    database.exec(`PRAGMA journal_mode = WAL; ${cursorTableDdl('sqlite')}; BEGIN`);
    const store = sqliteCursorStore(database);
    await store.get('key');
    await sqliteCursorStore(opened({}, file)).set('key', 'v1:');
    const error = await storeFailure(() => store.set('key', 'v1:'));
    expect(error.message).toMatch(/locked.*BEGIN IMMEDIATE/);
    expect(error.retryable).toBe(true);
  });

  test('says what to do about a database that is opened for reading only', async () => {
    const store = sqliteCursorStore(opened({ readOnly: true }));
    expect(await store.get('missing')).toBeNull();
    const error = await storeFailure(() => store.compareAndSet('key', null, 'v1:'));
    expect(error.message).toMatch(/readonly database.*without readOnly/);
    expect(error.retryable).toBe(false);
  });

  test('says that a closed database is closed', async () => {
    const database = openDatabase(path);
    database.close();
    const error = await storeFailure(() => sqliteCursorStore(database).get('key'));
    expect(error.message).toContain('Pass a database that is open');
    expect(error.retryable).toBe(false);
  });

  test('says what to do about a file that is no database', async () => {
    const file = join(directory, 'rubbish.db');
    writeFileSync(file, 'rubbish'.repeat(1000));
    const error = await storeFailure(() => sqliteCursorStore(opened({}, file)).get('key'));
    expect(error.message).toContain('Restore the file of the database from a backup');
    expect(error.retryable).toBe(false);
  });

  test('saves and rolls back with the rows of a transaction', async () => {
    const database = opened();
    const store = sqliteCursorStore(database);
    database.exec('CREATE TABLE rows_of_user (id TEXT)');
    database.exec("BEGIN; INSERT INTO rows_of_user VALUES ('1')");
    expect(await store.compareAndSet('in transaction', null, 'v1:')).toBe(true);
    database.exec('ROLLBACK');
    expect(await store.get('in transaction')).toBeNull();
  });

  test('says which permission is missing to a process that may not write the file', async () => {
    const file = join(directory, 'of-root.db');
    const database = openDatabase(file);
    database.exec(cursorTableDdl('sqlite'));
    database.close();
    chmodSync(directory, 0o755);
    chmodSync(file, 0o444);
    // A process of its own, because a change of the user id would last. Nothing is forbidden to root.
    const user = isRoot ? { uid: nobody, gid: nobody } : {};
    const run = promisify(execFile)(process.execPath, ['test/support/sqlite-racer.ts', client, file, '1'], user);
    await expect(run).rejects.toThrow(/readonly database.*Allow this process to write the file and its directory/);
  });
});

test.each(unknownClients)('sqliteCursorStore refuses %s, and shows nothing of it', (_, database) => {
  const error = configError(() => sqliteCursorStore(database));
  expect(error.message).toMatch(/^sqliteCursorStore does not know .*Pass a DatabaseSync of node:sqlite/);
  expect(error.message).not.toContain('secret');
});

test.each(badTables)('sqliteCursorStore and cursorTableDdl refuse the name %j, which is no identifier', (table) => {
  const message = 'table: must be the name of a table';
  expect(configError(() => sqliteCursorStore(new DatabaseSync(':memory:'), { table })).message).toContain(message);
  expect(configError(() => cursorTableDdl('sqlite', { table })).message).toContain(message);
});

test.each([
  ['rows come as arrays', { returnArrays: true }, 'saved'],
  ['the column holds NULL', {}, null],
])('a cursor that cannot be read is no missing cursor: %s', (_, options, value) => {
  const database = new DatabaseSync(':memory:', options);
  onTestFinished(() => database.close());
  database.exec('CREATE TABLE planetscale_audit_cursors (cursor_key TEXT PRIMARY KEY, cursor_value TEXT)');
  database.prepare('INSERT INTO planetscale_audit_cursors VALUES (?, ?)').run('key', value);
  return expect(sqliteCursorStore(database).get('key')).rejects.toThrow(/received no text/);
});
