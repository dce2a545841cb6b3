import { AuditConfigError } from '../../errors.ts';
import { checkKeys } from '../../internal/known-keys.ts';
import { runRevealColumns } from './columns.ts';

const quoteIdentifier = (option: string, name: string): string => {
  if (name === '') {
    throw new AuditConfigError(
      `planetscaleLogsDdl received an empty name for the ${option}. Set it, or leave the option out to use the default.`,
    );
  }
  return `\`${name.replace(/[\\`]/g, '\\$&')}\``;
};

const optionKeys: ReadonlySet<string> = /* @__PURE__ */ new Set(['database', 'table']);

/**
 * Returns the `CREATE TABLE IF NOT EXISTS …` of RunReveal's table for your own ClickHouse, with the columns of
 * {@link runRevealColumns}. The statement does not create the database.
 *
 * A row that is inserted again replaces the first one when ClickHouse next merges the two. Read with `FINAL` to see each event
 * once. ClickHouse deletes a row `sourceTTL` days after `receivedAt`, and keeps a row whose `sourceTTL` is 0.
 *
 * @throws {@link AuditConfigError} if a name is empty, or if an option is unknown.
 *
 * @example
 * ```ts
 * import { planetscaleLogsDdl } from 'planetscale-audit';
 *
 * console.log(planetscaleLogsDdl({ database: 'security' }));
 * ```
 */
export function planetscaleLogsDdl(
  options: {
    /** The name of the database. Any characters are allowed, because the function quotes the name. @default 'runreveal' */
    readonly database?: string | undefined;
    /** The name of the table. Any characters are allowed, because the function quotes the name. @default 'planetscale_logs' */
    readonly table?: string | undefined;
  } = {},
): string {
  checkKeys('planetscaleLogsDdl', optionKeys, options);
  const database = quoteIdentifier('database', options.database ?? 'runreveal');
  const table = quoteIdentifier('table', options.table ?? 'planetscale_logs');
  const columns = runRevealColumns.map(({ name, type }) => `  ${quoteIdentifier('column', name)} ${type}`).join(',\n');
  // Partitioned by eventTime, which never changes, because ClickHouse merges rows of one partition only, and an event may be
  // inserted again in another month. Without the WHERE, the next merge would delete rows whose sourceTTL is 0, and rows that expire
  // after 2106, when a DateTime starts again at 1970.
  return `CREATE TABLE IF NOT EXISTS ${database}.${table}
(
${columns}
)
ENGINE = ReplacingMergeTree(receivedAt)
PARTITION BY toYYYYMM(eventTime)
ORDER BY (workspaceID, sourceType, sourceID, eventTime, eventID)
TTL receivedAt + toIntervalDay(sourceTTL) DELETE WHERE sourceTTL > 0 AND toUnixTimestamp(receivedAt) + sourceTTL * 86400 <= 4294967295`;
}
