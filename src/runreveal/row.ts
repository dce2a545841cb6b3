import { AuditConfigError } from '../errors.ts';
import { type AuditEvent, rawJson } from '../event.ts';
import { compactJson } from '../internal/compact-json.ts';
import type { RunRevealRow } from './columns.ts';
import type { RunRevealContext, RunRevealEnrichment } from './context.ts';
import { dateTimeFromMs, dateTimeFromText } from './date-time.ts';
import { canonicalIpAddress } from './ip-address.ts';
import { rowId } from './row-id.ts';
import { wellFormed } from './well-formed.ts';

/**
 * The event as the 53 columns of RunReveal's table `planetscale_logs`, always all of them and in the table's order. Synchronous,
 * and pure where `context.receivedAt` is given.
 *
 * `rawLog` is {@link rawJson} and the `ps…` columns are the event's fields as received, except that a lone surrogate becomes
 * U+FFFD, here and in every other text: ClickHouse would refuse the whole insert for it. `eventTime` is truncated to the second.
 * `psMetadata` is `''` where metadata is null, and where it is nested deeper than the JavaScript engine can write, some
 * thousands of levels; `rawLog` has it even then.
 *
 * Source of the columns: https://docs.runreveal.com/sources/source-types/planetscale
 *
 * @throws {@link AuditConfigError} where `sourceTTL` is no integer from 0 to 4294967295, or `receivedAt` an invalid Date.
 *
 * @example
 * ```ts
 * import { PlanetScaleAuditClient, toRunRevealRow } from 'planetscale-audit';
 *
 * for await (const event of PlanetScaleAuditClient.fromEnv().events()) {
 *   const row = toRunRevealRow(event, { sourceID: 'planetscale-acme', receivedAt: new Date() });
 *   console.log(row.eventTime, row.eventName, row.actor);
 * }
 * ```
 */
export function toRunRevealRow(event: AuditEvent, context: RunRevealContext = {}): RunRevealRow {
  const receivedAt = validReceivedAt(context.receivedAt);
  const receivedAtText = dateTimeFromMs(receivedAt.getTime());
  const sourceID = wellFormed(context.sourceID);
  const srcIP = canonicalIpAddress(wellFormed(event.remote_ip));
  const src = srcIP === '' ? undefined : context.lookupIp?.(srcIP);
  // A spread or a loop over the columns costs a third more: this runs once for each event.
  return {
    workspaceID: wellFormed(context.workspaceID),
    sourceID,
    sourceType: wellFormed(context.sourceType ?? 'planetscale'),
    sourceTTL: validSourceTTL(context.sourceTTL),
    receivedAt: receivedAtText,
    id: wellFormed(context.id ?? rowId(receivedAt, sourceID, event.id)),
    eventTime: dateTimeFromText(event.created_at) ?? receivedAtText,
    eventName: wellFormed(event.audit_action),
    eventID: wellFormed(event.id),
    srcIP,
    srcASCountryCode: wellFormed(src?.asCountryCode),
    srcASNumber: isUInt32(src?.asNumber) ? src.asNumber : 0,
    srcASOrganization: wellFormed(src?.asOrganization),
    srcCity: wellFormed(src?.city),
    srcConnectionType: wellFormed(src?.connectionType),
    srcISP: wellFormed(src?.isp),
    srcLatitude: finite(src?.latitude),
    srcLongitude: finite(src?.longitude),
    srcUserType: wellFormed(src?.userType),
    dstIP: '',
    dstASCountryCode: '',
    dstASNumber: 0,
    dstASOrganization: '',
    dstCity: '',
    dstConnectionType: '',
    dstISP: '',
    dstLatitude: 0,
    dstLongitude: 0,
    dstUserType: '',
    actor: actor(event, context),
    tags: tags(event, context.tags),
    resources: resources(event),
    serviceName: wellFormed(context.serviceName ?? 'planetscale'),
    enrichments: context.enrichments?.map(enrichment) ?? [],
    readOnly: readOnlyVerbs.has(verb(event)),
    rawLog: wellFormed(rawJson(event)),
    psId: wellFormed(event.id),
    psAuditAction: wellFormed(event.audit_action),
    psAction: wellFormed(event.action),
    psActorId: wellFormed(event.actor_id),
    psActorType: wellFormed(event.actor_type),
    psActorDisplayName: wellFormed(event.actor_display_name),
    psAuditableId: wellFormed(event.auditable_id),
    psAuditableType: wellFormed(event.auditable_type),
    psAuditableDisplayName: wellFormed(event.auditable_display_name),
    psTargetId: wellFormed(event.target_id),
    psTargetType: wellFormed(event.target_type),
    psTargetDisplayName: wellFormed(event.target_display_name),
    psLocation: wellFormed(event.location),
    psRemoteIp: wellFormed(event.remote_ip),
    psCreatedAt: wellFormed(event.created_at),
    psUpdatedAt: wellFormed(event.updated_at),
    psMetadata: metadataJson(event.metadata),
  };
}

function validReceivedAt(receivedAt: Date = new Date()): Date {
  if (!Number.isNaN(receivedAt.getTime())) return receivedAt;
  throw new AuditConfigError(
    'receivedAt of the RunReveal context is an invalid Date: give the time at which the event arrived, or leave it out for now.',
  );
}

function validSourceTTL(sourceTTL = 0): number {
  if (isUInt32(sourceTTL)) return sourceTTL;
  throw new AuditConfigError(
    `sourceTTL of the RunReveal context is ${sourceTTL}, which ClickHouse would store as another number without a word: give whole days from 0, which is for ever, to 4294967295.`,
  );
}

const isUInt32 = (value: number | undefined): value is number =>
  value !== undefined && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;

const finite = (value: number | undefined): number => (value !== undefined && Number.isFinite(value) ? value : 0);

/** Entries one by one: assigning to a key such as `__proto__` would not add it. */
const wellFormedMap = (map: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [wellFormed(key), wellFormed(value)]));

function actor(event: AuditEvent, context: RunRevealContext): Record<string, string> {
  const email = context.actorEmail?.(event) ?? emailIn(event.actor_display_name);
  const map: { id?: string; username?: string; email?: string } = {};
  if (event.actor_id) map.id = wellFormed(event.actor_id);
  if (event.actor_display_name) map.username = wellFormed(event.actor_display_name);
  if (email) map.email = wellFormed(email);
  return map;
}

/** An address and nothing else: never a name, and not `Ada <ada@example.com>`. */
const emailPattern = /^[^\s@<>()[\],;:"\\]+@(?:[\p{L}\p{N}-]+\.)+[\p{L}\p{N}-]+$/u;

/** RFC 5321 allows 254 characters. */
const emailIn = (name: unknown): string | undefined =>
  typeof name === 'string' && name.length <= 254 && emailPattern.test(name) ? name : undefined;

function tags(event: AuditEvent, added: RunRevealContext['tags']): Record<string, string> {
  if (added === false) return {};
  const map: { actor_type?: string; auditable_type?: string; target_type?: string } = {};
  if (event.actor_type) map.actor_type = wellFormed(event.actor_type);
  if (event.auditable_type) map.auditable_type = wellFormed(event.auditable_type);
  if (event.target_type) map.target_type = wellFormed(event.target_type);
  if (added === undefined) return map;
  return Object.fromEntries(Object.entries({ ...map, ...wellFormedMap(added) }).filter(([, value]) => value !== ''));
}

function resources(event: AuditEvent): string[] {
  const { auditable_type, auditable_id, auditable_display_name, target_type, target_id, target_display_name } = event;
  const found: string[] = [];
  if (auditable_type || auditable_id) found.push(resource(auditable_type, auditable_id, auditable_display_name));
  if (target_type === auditable_type && target_id === auditable_id) return found;
  if (target_type || target_id) found.push(resource(target_type, target_id, target_display_name));
  return found;
}

/** Well-formed before it becomes JSON: as an escape, a lone surrogate makes every JSONExtract on the text give ''. */
const resource = (type: string | null, id: string | null, name: string | null): string =>
  JSON.stringify({ type: wellFormedOrNull(type), id: wellFormedOrNull(id), name: wellFormedOrNull(name) });

const wellFormedOrNull = (text: string | null): string | null => (text ? wellFormed(text) : (text ?? null));

const enrichment = ({ data, name, provider, type, value }: RunRevealEnrichment): RunRevealEnrichment => ({
  data: wellFormedMap(data),
  name: wellFormed(name),
  provider: wellFormed(provider),
  type: wellFormed(type),
  value: wellFormed(value),
});

/** The verbs of which it is certain that they change nothing. */
const readOnlyVerbs: ReadonlySet<string> = new Set([
  'viewed',
  'read',
  'listed',
  'downloaded',
  'exported',
  'signed_in',
  'open_web_console',
]);

/** From `audit_action`, which is always there; `action` may be null. */
const verb = ({ audit_action }: AuditEvent): string => audit_action.slice(audit_action.lastIndexOf('.') + 1);

/** Loosely: an event that the client has not read may lack it. */
const metadataJson = (metadata: AuditEvent['metadata'] | undefined): string =>
  metadata === null || metadata === undefined ? '' : compactJson(metadata);
