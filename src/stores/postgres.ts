import { hasMethod } from '../internal/has-method.ts';
import { unknownAnswerError, unknownClientError } from './client-shape.ts';
import type { AtomicCursorStore } from './cursor-store.ts';
import { type CursorTableOptions, parseTable, quoteWith } from './cursor-table.ts';
import { databaseCursorStore, type FailureHints, unreadableColumn, valueIn } from './database-store.ts';

/** The part of a client of PostgreSQL that the store calls: a Client or Pool of `pg`, or the `sql` of `postgres`. */
export type PostgresLike =
  | {
      /** Runs one statement with parameters. */
      query(
        text: string,
        values: string[],
      ): Promise<{
        /** The rows as objects. */
        readonly rows: readonly unknown[];
      }>;
    }
  | {
      /** Runs one statement with parameters, and resolves with its rows as objects. */
      unsafe(query: string, parameters: string[]): PromiseLike<readonly unknown[]>;
    };

const tableAdvice =
  "Create the table with the SQL of cursorTableDdl('postgres'), or name another with the option table. A table without a schema must be on the search_path.";

const readOnlyAdvice =
  'Connect to the primary, because a replica saves nothing, and begin no transaction that may only read.';

const failures: FailureHints = {
  owner: 'postgresCursorStore',
  clients: 'a Client or Pool of pg, or the sql function of postgres',
  unreadable: unreadableColumn,
  otherwise: 'Make sure that PostgreSQL runs, that this client can reach it, and that its pool has a free connection.',
  hints: [
    { pattern: /^(42P01|42703|42P10|3F000|22001|22P02|23502|42804|42883) /, advice: tableAdvice, retryable: false },
    { pattern: /^3D000 /, advice: 'Connect to a database that exists.', retryable: false },
    { pattern: /^22021 /, advice: 'Give the poller a key without the character U+0000.', retryable: false },
    { pattern: /^42501 /, advice: 'Grant SELECT, INSERT and UPDATE on the table to this user.', retryable: false },
    { pattern: /^28(000|P01) /, advice: 'Give the client the user and the password.', retryable: false },
    // A failover may make this server the primary, or end the connection to it.
    { pattern: /^25006 /, advice: readOnlyAdvice, retryable: true },
    { pattern: /^25P02 /, advice: 'Roll the transaction back, and begin another one.', retryable: false },
    {
      pattern: /^(40001|40P01|55P03) /,
      advice: 'Another transaction was in the way. Roll this one back, and begin another one.',
      retryable: true,
    },
    {
      pattern: /^57014 |Query read timeout/,
      advice: 'Look for a session that holds the row, or allow a statement more time.',
      retryable: true,
    },
    {
      pattern: /not queryable|^CONNECTION_ENDED |after calling end/,
      advice: 'Pass a client that is open. A Client of pg connects once only, and a Pool connects again.',
      retryable: false,
    },
  ],
};

/**
 * Returns a store that keeps cursors in a table of PostgreSQL, one row for each key. Create the table with the SQL of
 * {@link cursorTableDdl}.
 *
 * The store runs one statement for each call, and begins no transaction. With a client inside a transaction, the cursor commits
 * and rolls back with your rows. `compareAndSet` is atomic between all clients of the server.
 *
 * A Pool of `pg` and each of its clients end the process when a connection breaks that runs no query, unless both have a listener for
 * `error`.
 *
 * @throws `AuditConfigError` if the client is of an unknown shape, or the table's name is no identifier.
 * @example
 * ```ts
 * import { Pool } from 'pg';
 * import { PlanetScaleAuditClient, poller } from 'planetscale-audit';
 * import { postgresCursorStore } from 'planetscale-audit/stores';
 *
 * const pool = new Pool({ connectionTimeoutMillis: 5000, query_timeout: 30_000 });
 * pool.on('error', (error) => console.error(error.message));
 * pool.on('connect', (client) => client.on('error', () => {})); // Also while the pool closes the connection.
 * const store = postgresCursorStore(pool);
 * for await (const event of poller(PlanetScaleAuditClient.fromEnv(), { store })) console.log(event.audit_action);
 * ```
 */
export function postgresCursorStore(client: PostgresLike, options: CursorTableOptions = {}): AtomicCursorStore {
  const { owner } = failures;
  const table = quoteWith('"', parseTable(owner, options));
  const query = rowsFrom(client);
  const insert = `INSERT INTO ${table} (cursor_key, cursor_value) VALUES ($1, $2)`;
  return databaseCursorStore(
    {
      async load(key) {
        const [row] = await query(`SELECT cursor_value AS value FROM ${table} WHERE cursor_key = $1`, [key]);
        return valueIn(row);
      },
      save: (key, value) =>
        query(`${insert} ON CONFLICT (cursor_key) DO UPDATE SET cursor_value = EXCLUDED.cursor_value`, [key, value]),
      insert: async (key, value) =>
        (await query(`${insert} ON CONFLICT (cursor_key) DO NOTHING RETURNING 1`, [key, value])).length === 1,
      async replace(key, expected, next) {
        const update = `UPDATE ${table} SET cursor_value = $3 WHERE cursor_key = $1 AND cursor_value = $2 RETURNING 1`;
        return (await query(update, [key, expected, next])).length === 1;
      },
    },
    failures,
  );
}

type Query = (text: string, values: string[]) => Promise<readonly unknown[]>;

const rowsFrom = (client: PostgresLike): Query => {
  if (hasMethod(client, 'unsafe')) return async (text, values) => listOf(await client.unsafe(text, values));
  // The clients of MySQL have a method query too, and beside it execute.
  if (hasMethod(client, 'query') && !hasMethod(client, 'execute')) {
    return async (text, values) => listOf(Object(await client.query(text, values)).rows);
  }
  throw unknownClientError(failures.owner, client, failures.clients);
};

const listOf = (rows: unknown): readonly unknown[] => {
  if (Array.isArray(rows)) return rows;
  throw unknownAnswerError(failures.owner, failures.clients);
};
