import { hasMethod } from '../internal/has-method.ts';
import { unknownClientError } from './client-shape.ts';
import type { AtomicCursorStore } from './cursor-store.ts';
import { type CursorTableOptions, parseTable, quoteWith } from './cursor-table.ts';
import { databaseCursorStore, type FailureHints, unreadableColumn, valueIn } from './database-store.ts';

/** The part of a database of SQLite that the store calls: a DatabaseSync of `node:sqlite`, or a Database of `better-sqlite3`. */
export interface SqliteLike {
  /** Prepares one statement. */
  prepare(sql: string): {
    /** Runs the statement and returns its first row. */
    get(...values: string[]): unknown;
    /** Runs a statement that writes. */
    run(...values: string[]): {
      /** The number of rows that the statement wrote. */
      readonly changes: number | bigint;
    };
  };
}

const failures: FailureHints = {
  owner: 'sqliteCursorStore',
  clients: 'a DatabaseSync of node:sqlite, or a Database of better-sqlite3',
  unreadable: unreadableColumn,
  otherwise: 'Check the file of the database and its disk.',
  hints: [
    {
      pattern:
        /no such table|no such column|has no column named|ON CONFLICT clause does not match|unknown database|datatype mismatch|cannot store|constraint failed/,
      advice: "Create the table with the SQL of cursorTableDdl('sqlite'), or name another with the option table.",
      retryable: false,
    },
    {
      pattern: /readonly database|unable to open database file/,
      advice: 'Allow this process to write the file and its directory, and open the database without readOnly.',
      retryable: false,
    },
    {
      pattern: /database (table )?is locked/,
      advice:
        'Open the database with a timeout, such as 5000, begin transactions with BEGIN IMMEDIATE, and keep them short.',
      retryable: true,
    },
    { pattern: /is not open/, advice: 'Pass a database that is open.', retryable: false },
    { pattern: /disk is full/, advice: 'Free space on the disk.', retryable: true },
    {
      pattern: /malformed|file is not a database/,
      advice: 'Restore the file of the database from a backup.',
      retryable: false,
    },
  ],
};

/**
 * Returns a store that keeps cursors in a table of SQLite, one row for each key. Create the table with the SQL of
 * {@link cursorTableDdl}.
 *
 * The store runs one statement for each call, and begins no transaction. Inside a transaction of the same database, the cursor
 * commits and rolls back with your rows. `compareAndSet` is atomic between the processes of one machine that open the file.
 *
 * Open the database with a `timeout`, because `node:sqlite` has none, and a call then throws while another process writes.
 *
 * @throws `AuditConfigError` if the database is of an unknown shape, or the table's name is no identifier.
 * @example
 * ```ts
 * import { DatabaseSync } from 'node:sqlite';
 * import { PlanetScaleAuditClient, poller } from 'planetscale-audit';
 * import { cursorTableDdl, sqliteCursorStore } from 'planetscale-audit/stores';
 *
 * const database = new DatabaseSync('audit.db', { timeout: 5000 });
 * database.exec(cursorTableDdl('sqlite'));
 * const store = sqliteCursorStore(database);
 * for await (const event of poller(PlanetScaleAuditClient.fromEnv(), { store })) console.log(event.audit_action);
 * ```
 */
export function sqliteCursorStore(database: SqliteLike, options: CursorTableOptions = {}): AtomicCursorStore {
  const { owner } = failures;
  const table = quoteWith('"', parseTable(owner, options));
  if (!hasMethod(database, 'prepare') || hasMethod(database, 'batch')) {
    throw unknownClientError(owner, database, failures.clients);
  }
  const insert = `INSERT INTO ${table} (cursor_key, cursor_value) VALUES (?, ?)`;
  const run = (sql: string, ...values: string[]) => Number(database.prepare(sql).run(...values).changes) === 1;
  return databaseCursorStore(
    {
      load(key) {
        return valueIn(database.prepare(`SELECT cursor_value AS value FROM ${table} WHERE cursor_key = ?`).get(key));
      },
      save: (key, value) =>
        run(`${insert} ON CONFLICT (cursor_key) DO UPDATE SET cursor_value = excluded.cursor_value`, key, value),
      insert: (key, value) => run(`${insert} ON CONFLICT (cursor_key) DO NOTHING`, key, value),
      replace: (key, expected, next) =>
        run(`UPDATE ${table} SET cursor_value = ? WHERE cursor_key = ? AND cursor_value = ?`, next, key, expected),
    },
    failures,
  );
}
