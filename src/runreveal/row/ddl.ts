import { AuditConfigError } from '../../errors.ts';
import { runRevealColumns } from './columns.ts';

const quoteIdentifier = (option: string, name: string): string => {
  if (name === '') {
    throw new AuditConfigError(`planetscaleLogsDdl got an empty ${option}: give its name, or leave the option out.`);
  }
  return `\`${name.replace(/[\\`]/g, '\\$&')}\``;
};

/**
 * The `CREATE TABLE IF NOT EXISTS …` for a ClickHouse of one's own, with the 53 columns of {@link runRevealColumns}. The database
 * must be there.
 *
 * A row that is sent again replaces the first one at some later merge: read with `FINAL` to see each event once. Rows go
 * `sourceTTL` days after they were received; those where it is 0 stay.
 *
 * @throws {@link AuditConfigError} where a name is empty.
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
    /** Quoted, whatever it holds. @default 'runreveal' */
    readonly database?: string | undefined;
    /** Quoted, whatever it holds. @default 'planetscale_logs' */
    readonly table?: string | undefined;
  } = {},
): string {
  const database = quoteIdentifier('database', options.database ?? 'runreveal');
  const table = quoteIdentifier('table', options.table ?? 'planetscale_logs');
  const columns = runRevealColumns.map(({ name, type }) => `  ${quoteIdentifier('column', name)} ${type}`).join(',\n');
  // Partitioned by eventTime since that stays the same: a row that is sent again in another month must meet the first one.
  // Without the WHERE, two kinds of rows would go at the next merge: those whose sourceTTL is 0, and those that are to stay
  // beyond 2106, where a DateTime starts again at 1970.
  return `CREATE TABLE IF NOT EXISTS ${database}.${table}
(
${columns}
)
ENGINE = ReplacingMergeTree(receivedAt)
PARTITION BY toYYYYMM(eventTime)
ORDER BY (workspaceID, sourceType, sourceID, eventTime, eventID)
TTL receivedAt + toIntervalDay(sourceTTL) DELETE WHERE sourceTTL > 0 AND toUnixTimestamp(receivedAt) + sourceTTL * 86400 <= 4294967295`;
}
