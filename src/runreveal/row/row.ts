import { type AuditEvent, rawJson } from '../../audit-log/event.ts';
import { AuditConfigError } from '../../errors.ts';
import { compactJson } from '../../internal/safe-stringify.ts';
import { wellFormed } from '../../internal/well-formed.ts';
import type { RunRevealContext, RunRevealEnrichment } from '../context.ts';
import {
  actor,
  isReadOnly,
  resources,
  serviceName,
  sourceType,
  srcIP,
  tags,
  validReceivedAt,
  wellFormedMap,
} from '../fields.ts';
import type { RunRevealRow } from './columns.ts';
import { dateTimeFromMs, dateTimeFromText } from './date-time.ts';
import { rowId } from './row-id.ts';

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
  const ip = srcIP(event);
  const src = ip === '' ? undefined : context.lookupIp?.(ip);
  // A spread or a loop over the columns costs a third more: this runs once for each event.
  return {
    workspaceID: wellFormed(context.workspaceID),
    sourceID,
    sourceType: sourceType(context),
    sourceTTL: validSourceTTL(context.sourceTTL),
    receivedAt: receivedAtText,
    id: wellFormed(context.id ?? rowId(receivedAt, sourceID, event.id)),
    eventTime: dateTimeFromText(event.created_at) ?? receivedAtText,
    eventName: wellFormed(event.audit_action),
    eventID: wellFormed(event.id),
    srcIP: ip,
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
    resources: resources(event).map((resource) => JSON.stringify(resource)),
    serviceName: serviceName(context),
    enrichments: context.enrichments?.map(enrichment) ?? [],
    readOnly: isReadOnly(event),
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

function validSourceTTL(sourceTTL = 0): number {
  if (isUInt32(sourceTTL)) return sourceTTL;
  throw new AuditConfigError(
    `sourceTTL of the RunReveal context is ${sourceTTL}, which ClickHouse would store as another number without a word: give whole days from 0, which is for ever, to 4294967295.`,
  );
}

const isUInt32 = (value: number | undefined): value is number =>
  value !== undefined && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;

const finite = (value: number | undefined): number => (value !== undefined && Number.isFinite(value) ? value : 0);

const enrichment = ({ data, name, provider, type, value }: RunRevealEnrichment): RunRevealEnrichment => ({
  data: wellFormedMap(data),
  name: wellFormed(name),
  provider: wellFormed(provider),
  type: wellFormed(type),
  value: wellFormed(value),
});

/** Loosely: an event that the client has not read may lack it. */
const metadataJson = (metadata: AuditEvent['metadata'] | undefined): string =>
  metadata === null || metadata === undefined ? '' : compactJson(metadata);
