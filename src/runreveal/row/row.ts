import { actorOf, isReadOnly, sourceIp } from '../../audit-log/derived-fields.ts';
import { type AuditEvent, rawJson } from '../../audit-log/event.ts';
import { AuditConfigError } from '../../errors.ts';
import { stringifyOrEmpty } from '../../internal/safe-stringify.ts';
import { toText } from '../../internal/well-formed.ts';
import type { RunRevealContext, RunRevealEnrichment } from '../context.ts';
import {
  checkContext,
  lookUpIp,
  resourcesOf,
  serviceNameOf,
  sourceTypeOf,
  tagsOf,
  toTextMap,
  validReceivedAt,
} from '../fields.ts';
import type { RunRevealRow } from './columns.ts';
import { dateTimeFromMs, dateTimeFromText } from './date-time.ts';
import { rowId } from './row-id.ts';

/**
 * Returns the event as a row of RunReveal's table `planetscale_logs`, always with every column and in the table's order. The
 * function is synchronous, and pure if `context.receivedAt` is set.
 *
 * `rawLog` is {@link rawJson}, and the `ps…` columns are the event's fields as received. In every text of the row, a lone
 * surrogate becomes U+FFFD, because ClickHouse would refuse the whole insert. `eventTime` is truncated to the second.
 * `psMetadata` is `''` if metadata is null, and if it is nested deeper than the JavaScript engine can write, which is some
 * thousands of levels. `rawLog` has the metadata even then.
 *
 * Source of the columns: https://docs.runreveal.com/sources/source-types/planetscale
 *
 * @throws {@link AuditConfigError} if `sourceTTL` is not a whole number from 0 to 4294967295, if `receivedAt` is an invalid Date,
 * or if the context has an unknown key or a value of the wrong kind.
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
  checkContext(context);
  const receivedAt = validReceivedAt(context.receivedAt);
  const receivedAtText = dateTimeFromMs(receivedAt.getTime());
  const sourceID = toText(context.sourceID);
  const eventID = toText(event.id);
  const ip = sourceIp(event);
  const src = lookUpIp(context, ip);
  // Written out because this runs once for each event. A spread or a loop over the columns would take a third longer.
  return {
    workspaceID: toText(context.workspaceID),
    sourceID,
    sourceType: sourceTypeOf(context),
    sourceTTL: validSourceTTL(context.sourceTTL),
    receivedAt: receivedAtText,
    id: toText(context.id ?? rowId(receivedAt, sourceID, eventID)),
    eventTime: dateTimeFromText(event.created_at) ?? receivedAtText,
    eventName: toText(event.audit_action),
    eventID,
    srcIP: ip,
    srcASCountryCode: toText(src?.asCountryCode),
    srcASNumber: isUInt32(src?.asNumber) ? src.asNumber : 0,
    srcASOrganization: toText(src?.asOrganization),
    srcCity: toText(src?.city),
    srcConnectionType: toText(src?.connectionType),
    srcISP: toText(src?.isp),
    srcLatitude: finiteOrZero(src?.latitude),
    srcLongitude: finiteOrZero(src?.longitude),
    srcUserType: toText(src?.userType),
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
    actor: actorOf(event, context.actorEmail?.(event)),
    tags: tagsOf(event, context.tags),
    resources: resourcesOf(event).map((resource) => JSON.stringify(resource)),
    serviceName: serviceNameOf(context),
    enrichments: context.enrichments?.map(toEnrichment) ?? [],
    readOnly: isReadOnly(event),
    rawLog: toText(rawJson(event)),
    psId: eventID,
    psAuditAction: toText(event.audit_action),
    psAction: toText(event.action),
    psActorId: toText(event.actor_id),
    psActorType: toText(event.actor_type),
    psActorDisplayName: toText(event.actor_display_name),
    psAuditableId: toText(event.auditable_id),
    psAuditableType: toText(event.auditable_type),
    psAuditableDisplayName: toText(event.auditable_display_name),
    psTargetId: toText(event.target_id),
    psTargetType: toText(event.target_type),
    psTargetDisplayName: toText(event.target_display_name),
    psLocation: toText(event.location),
    psRemoteIp: toText(event.remote_ip),
    psCreatedAt: toText(event.created_at),
    psUpdatedAt: toText(event.updated_at),
    psMetadata: metadataJson(event.metadata),
  };
}

/**
 * Returns the row of {@link toRunRevealRow} as one line of ClickHouse's JSONEachRow, without the newline.
 *
 * @throws {@link AuditConfigError} under the conditions of {@link toRunRevealRow}.
 *
 * @example
 * ```ts
 * import { PlanetScaleAuditClient, toJsonEachRow } from 'planetscale-audit';
 *
 * for await (const event of PlanetScaleAuditClient.fromEnv().events()) {
 *   process.stdout.write(`${toJsonEachRow(event, { sourceID: 'planetscale-acme' })}\n`);
 * }
 * ```
 */
export function toJsonEachRow(event: AuditEvent, context?: RunRevealContext): string {
  // On Node 22, 24 and 26, neither a template with a part for each column nor a loop over the columns is faster.
  return JSON.stringify(toRunRevealRow(event, context));
}

/** Returns `sourceTTL`, by default 0. ClickHouse would silently store an invalid number as another one. */
function validSourceTTL(sourceTTL = 0): number {
  if (isUInt32(sourceTTL)) return sourceTTL;
  throw new AuditConfigError(
    `The RunReveal context has an invalid sourceTTL (${sourceTTL}). Set sourceTTL to whole days from 0 to 4294967295. 0 keeps rows for ever.`,
  );
}

const isUInt32 = (value: number | undefined): value is number =>
  value !== undefined && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;

const finiteOrZero = (value: number | undefined): number => (value !== undefined && Number.isFinite(value) ? value : 0);

const toEnrichment = ({ data, name, provider, type, value }: RunRevealEnrichment): RunRevealEnrichment => ({
  data: toTextMap(data),
  name: toText(name),
  provider: toText(provider),
  type: toText(type),
  value: toText(value),
});

/** Accepts `undefined`, because an event that the client did not read may lack the field. */
const metadataJson = (metadata: AuditEvent['metadata'] | undefined): string =>
  metadata === null || metadata === undefined ? '' : stringifyOrEmpty(metadata);
