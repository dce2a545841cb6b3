import type { IsEqual, PascalCase } from 'type-fest';
import type { AuditEvent } from '../../audit-log/event.ts';
import type { RunRevealEnrichment } from '../context.ts';

/** The JSON type of a value of each ClickHouse type. */
export interface JsonTypes {
  String: string;
  UInt32: number;
  Float64: number;
  Bool: boolean;
  "DateTime('UTC')": string;
  'Map(String, String)': Readonly<Record<string, string>>;
  'Array(String)': readonly string[];
  'Array(Tuple(data Map(String, String), name String, provider String, type String, value String))': readonly RunRevealEnrichment[];
}

/**
 * The columns of RunReveal's table `planetscale_logs`, in its order, each with its ClickHouse type. {@link RunRevealRow} and
 * {@link planetscaleLogsDdl} are derived from this list.
 *
 * RunReveal's page writes `DateTime` for `DateTime('UTC')`. It is the same type with the time zone in which ClickHouse reads
 * the text. Without the zone, a server in another zone would shift every event by its offset.
 *
 * Source: https://docs.runreveal.com/sources/source-types/planetscale
 *
 * @example
 * ```ts
 * import { runRevealColumns } from 'planetscale-audit';
 *
 * console.log(runRevealColumns.map(({ name }) => name).join(', '));
 * ```
 */
export const runRevealColumns = [
  { name: 'workspaceID', type: 'String' },
  { name: 'sourceID', type: 'String' },
  { name: 'sourceType', type: 'String' },
  { name: 'sourceTTL', type: 'UInt32' },
  { name: 'receivedAt', type: "DateTime('UTC')" },
  { name: 'id', type: 'String' },
  { name: 'eventTime', type: "DateTime('UTC')" },
  { name: 'eventName', type: 'String' },
  { name: 'eventID', type: 'String' },
  { name: 'srcIP', type: 'String' },
  { name: 'srcASCountryCode', type: 'String' },
  { name: 'srcASNumber', type: 'UInt32' },
  { name: 'srcASOrganization', type: 'String' },
  { name: 'srcCity', type: 'String' },
  { name: 'srcConnectionType', type: 'String' },
  { name: 'srcISP', type: 'String' },
  { name: 'srcLatitude', type: 'Float64' },
  { name: 'srcLongitude', type: 'Float64' },
  { name: 'srcUserType', type: 'String' },
  { name: 'dstIP', type: 'String' },
  { name: 'dstASCountryCode', type: 'String' },
  { name: 'dstASNumber', type: 'UInt32' },
  { name: 'dstASOrganization', type: 'String' },
  { name: 'dstCity', type: 'String' },
  { name: 'dstConnectionType', type: 'String' },
  { name: 'dstISP', type: 'String' },
  { name: 'dstLatitude', type: 'Float64' },
  { name: 'dstLongitude', type: 'Float64' },
  { name: 'dstUserType', type: 'String' },
  { name: 'actor', type: 'Map(String, String)' },
  { name: 'tags', type: 'Map(String, String)' },
  { name: 'resources', type: 'Array(String)' },
  { name: 'serviceName', type: 'String' },
  {
    name: 'enrichments',
    type: 'Array(Tuple(data Map(String, String), name String, provider String, type String, value String))',
  },
  { name: 'readOnly', type: 'Bool' },
  { name: 'rawLog', type: 'String' },
  { name: 'psId', type: 'String' },
  { name: 'psAuditAction', type: 'String' },
  { name: 'psAction', type: 'String' },
  { name: 'psActorId', type: 'String' },
  { name: 'psActorType', type: 'String' },
  { name: 'psActorDisplayName', type: 'String' },
  { name: 'psAuditableId', type: 'String' },
  { name: 'psAuditableType', type: 'String' },
  { name: 'psAuditableDisplayName', type: 'String' },
  { name: 'psTargetId', type: 'String' },
  { name: 'psTargetType', type: 'String' },
  { name: 'psTargetDisplayName', type: 'String' },
  { name: 'psLocation', type: 'String' },
  { name: 'psRemoteIp', type: 'String' },
  { name: 'psCreatedAt', type: 'String' },
  { name: 'psUpdatedAt', type: 'String' },
  { name: 'psMetadata', type: 'String' },
] as const satisfies readonly { readonly name: string; readonly type: keyof JsonTypes }[];

/** One column: its name and its ClickHouse type. */
export type RunRevealColumn = (typeof runRevealColumns)[number];

/**
 * One event as RunReveal stores it, in JSON, with the columns of {@link runRevealColumns}. A DateTime is text of the form
 * `YYYY-MM-DD hh:mm:ss` in UTC. A Map and a Tuple are objects. No value is null. {@link toRunRevealRow} returns such a row.
 */
export type RunRevealRow = { readonly [Column in RunRevealColumn as Column['name']]: JsonTypes[Column['type']] };

// A compile error unless there is exactly one `ps…` column for each field of the event.
true satisfies IsEqual<Extract<keyof RunRevealRow, `ps${string}`>, `ps${PascalCase<keyof AuditEvent>}`>;
