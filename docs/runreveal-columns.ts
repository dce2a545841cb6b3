import { type AuditEvent, type RunRevealRow, runRevealColumns, toRunRevealRow } from 'planetscale-audit';
import { markdownTable } from './markdown-table.ts';

const field = (name: keyof AuditEvent): string => `\`${name}\` as received`;
const lookedUp = (name: string): string => `\`${name}\` of \`context.lookupIp(srcIP)\``;
const destination = 'always empty, since the API names no destination';

/** The value of each column, in words. A column that is missing here is a compile error. */
const values = {
  workspaceID: '`context.workspaceID`',
  sourceID: '`context.sourceID`',
  sourceType: '`context.sourceType`',
  sourceTTL: '`context.sourceTTL`, the number of days for which the table keeps the row; 0 keeps it for ever',
  receivedAt: '`context.receivedAt`, or else the time of the call',
  id: "`context.id`, or else a KSUID of the time of `receivedAt` and a hash of `sourceID` and the event's `id`; the same input gives the same id",
  eventTime:
    '`created_at` in UTC, truncated to the second; second 60 becomes 59, and a time before 1970 or after 2106-02-07 06:28:15 becomes the first or last instant; `receivedAt` if `created_at` is not ISO 8601',
  eventName: '`audit_action`',
  eventID: '`id`',
  srcIP:
    '`remote_ip` in canonical text (RFC 5952 for IPv6; IPv4-mapped stays IPv6); empty unless it is a bare address, without port, brackets, zone or prefix length',
  srcASCountryCode: lookedUp('asCountryCode'),
  srcASNumber: lookedUp('asNumber'),
  srcASOrganization: lookedUp('asOrganization'),
  srcCity: `${lookedUp('city')}; never read out of \`location\``,
  srcConnectionType: lookedUp('connectionType'),
  srcISP: lookedUp('isp'),
  srcLatitude: lookedUp('latitude'),
  srcLongitude: lookedUp('longitude'),
  srcUserType: lookedUp('userType'),
  dstIP: destination,
  dstASCountryCode: destination,
  dstASNumber: destination,
  dstASOrganization: destination,
  dstCity: destination,
  dstConnectionType: destination,
  dstISP: destination,
  dstLatitude: destination,
  dstLongitude: destination,
  dstUserType: destination,
  actor:
    '`id`: `actor_id`; `username`: `actor_display_name`; `email`: `context.actorEmail(event)`, or else `actor_display_name` if it is an e-mail address; without empty values',
  tags: '`actor_type`, `auditable_type`, `target_type`, then `context.tags`; without empty values; `{}` if `context.tags` is `false`',
  resources:
    'the auditable, then the target, each as the JSON text `{"type":…,"id":…,"name":…}`; without a resource that has neither type nor id, and without a target whose type and id are those of the auditable',
  serviceName: '`context.serviceName`',
  enrichments: '`context.enrichments`',
  readOnly:
    'whether the verb of `audit_action` only reads, as these do: `viewed`, `read`, `listed`, `downloaded`, `exported`, `signed_in`, `open_web_console`',
  rawLog: '`rawJson(event)`, the JSON of this event exactly as PlanetScale sent it, byte for byte',
  psId: field('id'),
  psAuditAction: field('audit_action'),
  psAction: field('action'),
  psActorId: field('actor_id'),
  psActorType: field('actor_type'),
  psActorDisplayName: field('actor_display_name'),
  psAuditableId: field('auditable_id'),
  psAuditableType: field('auditable_type'),
  psAuditableDisplayName: field('auditable_display_name'),
  psTargetId: field('target_id'),
  psTargetType: field('target_type'),
  psTargetDisplayName: field('target_display_name'),
  psLocation: field('location'),
  psRemoteIp: field('remote_ip'),
  psCreatedAt: field('created_at'),
  psUpdatedAt: field('updated_at'),
  psMetadata: "`metadata` as compact JSON; `''` if it is null, `'{}'` if it is an empty object",
} satisfies Readonly<Record<keyof RunRevealRow, string>>;

/** The row of an event with only the required fields, without a context. */
const bareRow = (text: string, receivedAt: Date): RunRevealRow => {
  const event: AuditEvent = {
    id: text,
    audit_action: text,
    action: null,
    actor_id: null,
    actor_type: null,
    actor_display_name: null,
    auditable_id: null,
    auditable_type: null,
    auditable_display_name: null,
    target_id: null,
    target_type: null,
    target_display_name: null,
    location: null,
    remote_ip: null,
    metadata: null,
    created_at: receivedAt.toISOString(),
    updated_at: null,
  };
  return toRunRevealRow(event, { receivedAt });
};

const literal = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : JSON.stringify(value));

/** The table of docs/runreveal.md. Names and types come from `runRevealColumns`, and the value of an empty column from real rows. */
export function columnsTable(): string {
  const one = bareRow('one', new Date('2026-11-01T00:00:00Z'));
  const other = bareRow('other', new Date('2026-11-02T00:00:00Z'));
  const cells = runRevealColumns.map(({ name, type }, index) => {
    // A column that differs between these two events is never empty.
    const emptyValue = literal(one[name]) === literal(other[name]) ? `\`${literal(one[name])}\`` : '';
    return [String(index + 1), `\`${name}\``, `\`${type}\``, values[name], emptyValue];
  });
  return markdownTable([['#', 'column', 'type', 'value', 'if there is none'], ...cells]);
}
