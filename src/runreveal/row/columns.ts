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
 * The columns of RunReveal's table `planetscale_logs`, in its order, each with its ClickHouse type. The compiler holds
 * {@link RunRevealRow} equal to this list, and {@link planetscaleLogsDdl} is derived from it.
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
export type RunRevealRow = {
  /** RunReveal's id of the workspace, from `context.workspaceID`. */
  readonly workspaceID: string;
  /** RunReveal's id of the source, from `context.sourceID`. */
  readonly sourceID: string;
  /** The kind of source, `planetscale` unless `context.sourceType` names another. */
  readonly sourceType: string;
  /** The number of days for which the table keeps the row. 0 keeps it for ever. */
  readonly sourceTTL: number;
  /** The time of arrival, from `context.receivedAt`, or else of the call. */
  readonly receivedAt: string;
  /** The row's id: a KSUID of `receivedAt`, `sourceID` and the event's id, unless `context.id` is set. */
  readonly id: string;
  /** The `created_at` of the event, truncated to the second. */
  readonly eventTime: string;
  /** The `audit_action` of the event. */
  readonly eventName: string;
  /** The `id` of the event. */
  readonly eventID: string;
  /** The `remote_ip` in canonical text, or `''` if it is no bare address. */
  readonly srcIP: string;
  /** The country of the network of `srcIP`, looked up. */
  readonly srcASCountryCode: string;
  /** The number of the autonomous system of `srcIP`, looked up. 0 if unknown. */
  readonly srcASNumber: number;
  /** The organization that the autonomous system of `srcIP` is registered to, looked up. */
  readonly srcASOrganization: string;
  /** The city of `srcIP`, looked up. Never read out of `location`. */
  readonly srcCity: string;
  /** How the network of `srcIP` is connected, looked up. */
  readonly srcConnectionType: string;
  /** The internet service provider of `srcIP`, looked up. */
  readonly srcISP: string;
  /** The latitude of `srcIP` in degrees, looked up. 0 if unknown. */
  readonly srcLatitude: number;
  /** The longitude of `srcIP` in degrees, looked up. 0 if unknown. */
  readonly srcLongitude: number;
  /** Who uses the network of `srcIP`, looked up. */
  readonly srcUserType: string;
  /** Always empty, because the API names no destination. */
  readonly dstIP: string;
  /** Always empty, because the API names no destination. */
  readonly dstASCountryCode: string;
  /** Always 0, because the API names no destination. */
  readonly dstASNumber: number;
  /** Always empty, because the API names no destination. */
  readonly dstASOrganization: string;
  /** Always empty, because the API names no destination. */
  readonly dstCity: string;
  /** Always empty, because the API names no destination. */
  readonly dstConnectionType: string;
  /** Always empty, because the API names no destination. */
  readonly dstISP: string;
  /** Always 0, because the API names no destination. */
  readonly dstLatitude: number;
  /** Always 0, because the API names no destination. */
  readonly dstLongitude: number;
  /** Always empty, because the API names no destination. */
  readonly dstUserType: string;
  /** The actor's `id`, `username` and `email`, without empty values. */
  readonly actor: Readonly<Record<string, string>>;
  /** The types of actor, auditable and target, then `context.tags`, without empty values. */
  readonly tags: Readonly<Record<string, string>>;
  /** The auditable, then the target, each as the JSON text `{"type":…,"id":…,"name":…}`. */
  readonly resources: readonly string[];
  /** The value of `context.serviceName`. */
  readonly serviceName: string;
  /** The value of `context.enrichments`. */
  readonly enrichments: readonly RunRevealEnrichment[];
  /** Whether the action only reads. */
  readonly readOnly: boolean;
  /** The event's JSON exactly as PlanetScale sent it. */
  readonly rawLog: string;
  /** The `id` of the event as received. */
  readonly psId: string;
  /** The `audit_action` of the event as received. */
  readonly psAuditAction: string;
  /** The `action` of the event as received. `''` if it is null. */
  readonly psAction: string;
  /** The `actor_id` of the event as received. `''` if it is null. */
  readonly psActorId: string;
  /** The `actor_type` of the event as received. `''` if it is null. */
  readonly psActorType: string;
  /** The `actor_display_name` of the event as received. `''` if it is null. */
  readonly psActorDisplayName: string;
  /** The `auditable_id` of the event as received. `''` if it is null. */
  readonly psAuditableId: string;
  /** The `auditable_type` of the event as received. `''` if it is null. */
  readonly psAuditableType: string;
  /** The `auditable_display_name` of the event as received. `''` if it is null. */
  readonly psAuditableDisplayName: string;
  /** The `target_id` of the event as received. `''` if it is null. */
  readonly psTargetId: string;
  /** The `target_type` of the event as received. `''` if it is null. */
  readonly psTargetType: string;
  /** The `target_display_name` of the event as received. `''` if it is null. */
  readonly psTargetDisplayName: string;
  /** The `location` of the event as received. `''` if it is null. */
  readonly psLocation: string;
  /** The `remote_ip` of the event as received. `''` if it is null. */
  readonly psRemoteIp: string;
  /** The `created_at` of the event as received. */
  readonly psCreatedAt: string;
  /** The `updated_at` of the event as received. `''` if it is null. */
  readonly psUpdatedAt: string;
  /** The `metadata` of the event as compact JSON. `''` if it is null. */
  readonly psMetadata: string;
};

type RowOfColumns = { readonly [Column in RunRevealColumn as Column['name']]: JsonTypes[Column['type']] };

// A compile error unless the row has exactly the columns of the list, each with the JSON type of its ClickHouse type.
true satisfies IsEqual<RunRevealRow, RowOfColumns>;

// A compile error unless there is exactly one `ps…` column for each field of the event.
true satisfies IsEqual<Extract<keyof RunRevealRow, `ps${string}`>, `ps${PascalCase<keyof AuditEvent>}`>;
