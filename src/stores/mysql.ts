import { AuditConfigError } from '../errors.ts';
import { errorCode } from '../internal/foreign-error.ts';
import { hasMethod } from '../internal/has-method.ts';
import { unknownAnswerError, unknownClientError } from './client-shape.ts';
import type { AtomicCursorStore } from './cursor-store.ts';
import { type CursorTableOptions, parseTable, quoteWith } from './cursor-table.ts';
import { databaseCursorStore, type FailureHints, unreadableColumn, valueIn } from './database-store.ts';

/** The part of a client of MySQL that the store calls: a Connection or Pool of `mysql2/promise`. */
export interface MysqlLike {
  /** Runs one statement with parameters, and resolves with its rows or its result first. */
  execute(sql: string, values: string[]): Promise<[unknown, ...unknown[]]>;
}

const tableAdvice = "Create the table with the SQL of cursorTableDdl('mysql'), or name another with the option table.";

const failures: FailureHints = {
  owner: 'mysqlCursorStore',
  clients: 'a Connection or Pool of mysql2/promise, such as pool.promise()',
  unreadable: unreadableColumn,
  otherwise: 'Make sure that MySQL runs, and that this client can reach it.',
  hints: [
    {
      pattern: /^ER_(NO_SUCH_TABLE|BAD_FIELD_ERROR|DATA_TOO_LONG|NO_DEFAULT_FOR_FIELD|BAD_NULL_ERROR) /,
      advice: tableAdvice,
      retryable: false,
    },
    {
      pattern: /^ER_(NO_DB_ERROR|BAD_DB_ERROR) /,
      advice: 'Name a database that exists in the connection, or in front of the table in the option table.',
      retryable: false,
    },
    {
      pattern: /^ER_(TABLE|COLUMN|DB)ACCESS_DENIED_ERROR /,
      advice: 'Grant SELECT, INSERT and UPDATE on the table to this user.',
      retryable: false,
    },
    { pattern: /^ER_ACCESS_DENIED_/, advice: 'Give the client the user and the password.', retryable: false },
    {
      // A failover may make this server the primary, or end the connection to it.
      pattern: /^ER_(OPTION_PREVENTS_STATEMENT|READ_ONLY_MODE|CANT_EXECUTE_IN_READ_ONLY_TRANSACTION) /,
      advice: 'Connect to the primary, because a replica saves nothing, and begin no transaction that may only read.',
      retryable: true,
    },
    {
      pattern: /^ER_(LOCK_WAIT_TIMEOUT|LOCK_DEADLOCK|CHECKREAD) /,
      advice: 'Another transaction was in the way. Roll this one back, and begin another one.',
      retryable: true,
    },
    {
      pattern: /^ER_NET_PACKET_TOO_LARGE |max_allowed_packet/,
      advice: 'Raise max_allowed_packet of the server to 16 MB or more.',
      retryable: false,
    },
    {
      pattern: /closed state|Pool is closed/,
      advice: 'Pass a client that is open. A Connection of mysql2 connects once only, and a Pool connects again.',
      retryable: false,
    },
  ],
};

/**
 * Returns a store that keeps cursors in a table of MySQL, one row for each key. Create the table with the SQL of
 * {@link cursorTableDdl}.
 *
 * The store runs one statement for each call, and begins no transaction. With a connection inside a transaction, the cursor commits
 * and rolls back with your rows. `compareAndSet` is atomic between all clients of the server.
 *
 * Before its first statement, the store reads how the table is made. It refuses columns that are too short or do not compare byte by
 * byte, because most collations take `acme` and `ACME` for one key. It refuses a table of another engine than InnoDB too, because
 * others do not roll back.
 *
 * @throws `AuditConfigError` if the client is of an unknown shape, or the table's name is no identifier.
 * @example
 * ```ts
 * import { createPool } from 'mysql2/promise';
 * import { PlanetScaleAuditClient, poller } from 'planetscale-audit';
 * import { mysqlCursorStore } from 'planetscale-audit/stores';
 *
 * const pool = createPool({ uri: process.env.DATABASE_URL ?? '', connectTimeout: 5000 });
 * const store = mysqlCursorStore(pool);
 * for await (const event of poller(PlanetScaleAuditClient.fromEnv(), { store })) console.log(event.audit_action);
 * ```
 */
export function mysqlCursorStore(client: MysqlLike, options: CursorTableOptions = {}): AtomicCursorStore {
  const { owner } = failures;
  const parts = parseTable(owner, options);
  // A client of mysql2 without promises has the method promise, and its execute takes a callback.
  if (!hasMethod(client, 'execute') || hasMethod(client, 'promise')) {
    throw unknownClientError(owner, client, failures.clients);
  }
  const table = quoteWith('`', parts);
  let isChecked = false;
  const execute = async (sql: string, values: string[]): Promise<unknown> => {
    if (!isChecked) await checkTable(client, parts);
    isChecked = true;
    return firstOf(await client.execute(sql, values));
  };
  // The server converts every text to the bytes of utf8mb4, whatever the character set of the connection.
  const text = 'CONVERT(? USING utf8mb4)';
  const insert = `INSERT INTO ${table} (cursor_key, cursor_value) VALUES (${text}, ${text})`;
  return databaseCursorStore(
    {
      async load(key) {
        const select = `SELECT CONVERT(cursor_value USING utf8mb4) AS value FROM ${table} WHERE cursor_key = ${text}`;
        return valueIn(rowsOf(await execute(select, [key]))[0]);
      },
      save: (key, value) => execute(`${insert} ON DUPLICATE KEY UPDATE cursor_value = ${text}`, [key, value, value]),
      async insert(key, value) {
        try {
          await execute(insert, [key, value]);
          return true;
        } catch (error) {
          if (errorCode(error) === 'ER_DUP_ENTRY') return false;
          throw error;
        }
      },
      async replace(key, expected, next) {
        // The cast takes trailing spaces into account, which a collation may ignore.
        const update = `UPDATE ${table} SET cursor_value = ${text} WHERE cursor_key = ${text} AND CAST(cursor_value AS BINARY) = CAST(${text} AS BINARY)`;
        return Reflect.get(Object(await execute(update, [next, key, expected])), 'affectedRows') === 1;
      },
    },
    failures,
  );
}

/** mysql2 answers with a list: the rows or the result, and then what it knows of the columns. */
const firstOf = (answer: unknown): unknown => {
  if (Array.isArray(answer) && typeof answer[0] === 'object') return answer[0];
  throw unknownAnswerError(failures.owner, failures.clients);
};

const rowsOf = (rows: unknown): readonly unknown[] => {
  if (Array.isArray(rows)) return rows;
  throw unknownAnswerError(failures.owner, failures.clients);
};

interface Column {
  readonly name: string;
  /** Empty for a binary column. */
  readonly collation: string;
  readonly bytes: number;
  /** PRI for a column of the primary key, and UNI for the only column of a unique key. */
  readonly index: string;
}

/** @throws AuditConfigError if the table could lose a cursor, or take one for another */
const checkTable = async (client: MysqlLike, parts: readonly string[]): Promise<void> => {
  const table = quoteWith('`', parts);
  const columns = await columnsOf(client, parts);
  if (columns.length === 0) await client.execute(`SELECT 1 FROM ${table} LIMIT 0`, []); // Its error says what is missing.
  const problems = [...problemsOf(columns), ...(await engineProblems(client, parts))];
  if (problems.length === 0) return;
  throw new AuditConfigError(`mysqlCursorStore cannot use the table ${table} (${problems.join('; ')}). ${tableAdvice}`);
};

/** A question to information_schema about the table, and its parameters. */
const selectOf = (fields: string, from: 'columns' | 'tables', parts: readonly string[]): [string, string[]] => {
  const schema = parts.length === 1 ? 'DATABASE()' : '?';
  return [
    `SELECT ${fields} FROM information_schema.${from} WHERE table_schema = ${schema} AND table_name = ?`,
    [...parts],
  ];
};

const engineProblems = async (client: MysqlLike, parts: readonly string[]): Promise<string[]> => {
  const [row] = rowsOf(firstOf(await client.execute(...selectOf('engine AS engine', 'tables', parts))));
  const engine = Reflect.get(Object(row), 'engine') ?? 'none';
  return engine === 'InnoDB' ? [] : [`its engine is ${engine} in place of InnoDB`];
};

const columnsOf = async (client: MysqlLike, parts: readonly string[]): Promise<Column[]> => {
  const fields =
    'column_name AS name, collation_name AS collation, character_octet_length AS bytes, column_key AS indexed';
  return rowsOf(firstOf(await client.execute(...selectOf(fields, 'columns', parts)))).map((row) => {
    const field = (name: string): unknown => Reflect.get(Object(row), name) ?? '';
    if (field('name') === '') throw unknownAnswerError(failures.owner, `${failures.clients}, with rows as objects`);
    return {
      name: String(field('name')),
      collation: String(field('collation')),
      bytes: Number(field('bytes')),
      index: String(field('indexed')),
    };
  });
};

/** The poller's default key has up to 210 characters of up to 4 bytes. A state has up to 440 kB, if its ids have 12 characters. */
const minBytes = { cursor_key: 840, cursor_value: 2 ** 24 - 1 };

const problemsOf = (columns: readonly Column[]): string[] => {
  const problems: string[] = [];
  for (const [name, needed] of Object.entries(minBytes)) {
    const found = columns.find((column) => column.name === name);
    if (!found) {
      problems.push(`it has no column ${name}`);
      continue;
    }
    const isBinary = found.collation === '' || /^utf8mb4_(.*_)?bin$/.test(found.collation);
    if (!isBinary) problems.push(`${name} has the collation ${found.collation}`);
    if (found.bytes < needed) problems.push(`${name} holds ${found.bytes} bytes of the ${needed} that it may need`);
  }
  const primaryKey = columns.filter(({ index }) => index === 'PRI');
  const isKey = columns.some(({ name, index }) => {
    return name === 'cursor_key' && (index === 'UNI' || (index === 'PRI' && primaryKey.length === 1));
  });
  if (!isKey) problems.push('cursor_key is not the primary key');
  return problems;
};
