import { AuditConfigError } from '../errors.ts';
import { checkKeys } from '../internal/known-keys.ts';

/** The databases whose tables can hold cursors. */
export type CursorTableDialect = 'postgres' | 'mysql' | 'sqlite';

/** Where a store in a database keeps its cursors. */
export interface CursorTableOptions {
  /**
   * The name of the table, or its schema and its name with a period between them. Each part is an identifier of ASCII letters,
   * digits, `_` and `$`. The statements quote it, so that its case counts.
   *
   * @default 'planetscale_audit_cursors'
   */
  readonly table?: string | undefined;
}

const optionKeys: ReadonlySet<string> = /* @__PURE__ */ new Set(['table']);
const defaultTable = 'planetscale_audit_cursors';

/** PostgreSQL cuts longer identifiers short, and two of them may then name one table. */
const identifier = /^[A-Za-z_][\w$]{0,62}$/;

/**
 * Returns the parts of the table's name: the schema, if there is one, and the table.
 *
 * @throws AuditConfigError if a part is no identifier, or an option is unknown
 */
export function parseTable(owner: string, options: CursorTableOptions): readonly string[] {
  checkKeys(owner, optionKeys, options);
  const { table = defaultTable } = options;
  const parts = typeof table === 'string' ? table.split('.') : [];
  if (parts.length > 2 || !parts.every((part) => identifier.test(part)) || parts.length === 0) {
    throw new AuditConfigError(
      `${owner}: table: must be the name of a table, or its schema and its name with a period between them. Each part has at most 63 letters, digits, _ or $, and does not begin with a digit.`,
    );
  }
  return parts;
}

export const quoteWith = (mark: '"' | '`', parts: readonly string[]): string =>
  parts.map((part) => `${mark}${part}${mark}`).join('.');

/** The columns compare their texts byte by byte. Other comparisons take two keys for one, or a changed value for the expected one. */
const columns: Readonly<Record<CursorTableDialect, string>> = {
  postgres: '  cursor_key text COLLATE "C" PRIMARY KEY,\n  cursor_value text COLLATE "C" NOT NULL',
  mysql: '  cursor_key VARBINARY(1024) NOT NULL PRIMARY KEY,\n  cursor_value LONGBLOB NOT NULL',
  sqlite: '  cursor_key TEXT NOT NULL PRIMARY KEY,\n  cursor_value TEXT NOT NULL',
};

/**
 * Returns the `CREATE TABLE IF NOT EXISTS …` that a store in a database needs. The stores never create their table, so that they
 * need no permission to do so.
 *
 * @throws `AuditConfigError` if the dialect is unknown, or the table's name is no identifier.
 * @example
 * ```ts
 * import { cursorTableDdl } from 'planetscale-audit/stores';
 *
 * console.log(cursorTableDdl('postgres', { table: 'security.cursors' }));
 * ```
 */
export function cursorTableDdl(dialect: CursorTableDialect, options: CursorTableOptions = {}): string {
  if (!Object.hasOwn(columns, dialect)) {
    throw new AuditConfigError(`cursorTableDdl: dialect: must be ${Object.keys(columns).join(', ')}.`);
  }
  const table = quoteWith(dialect === 'mysql' ? '`' : '"', parseTable('cursorTableDdl', options));
  const engine = dialect === 'mysql' ? ' ENGINE=InnoDB' : ''; // Other engines do not roll back.
  return `CREATE TABLE IF NOT EXISTS ${table} (\n${columns[dialect]}\n)${engine}`;
}
