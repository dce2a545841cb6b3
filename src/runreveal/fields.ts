import type { AuditEvent } from '../audit-log/event.ts';
import { AuditConfigError } from '../errors.ts';
import { checkKeys } from '../internal/known-keys.ts';
import { toRfc3339 } from '../internal/timestamp.ts';
import { toText } from '../internal/well-formed.ts';
import type { IpInfo, RunRevealContext, RunRevealEnrichment } from './context.ts';

// The fields that RunReveal's three formats share: the row, the structured webhook and the reveald event.

const contextKeys: ReadonlySet<string> = /* @__PURE__ */ new Set([
  'workspaceID',
  'sourceID',
  'sourceType',
  'sourceTTL',
  'receivedAt',
  'id',
  'actorEmail',
  'lookupIp',
  'enrichments',
  'tags',
  'serviceName',
] satisfies (keyof RunRevealContext)[]);

const owner = 'RunReveal context';

/** Refuses a misspelled key, which would leave its column at the default without a word, and a value of the wrong kind. */
export function checkContext(context: RunRevealContext): void {
  checkKeys(owner, contextKeys, context);
  const { actorEmail, lookupIp, receivedAt, enrichments } = context;
  if (actorEmail !== undefined) checkKind('actorEmail', typeof actorEmail === 'function', 'a function');
  if (lookupIp !== undefined) checkKind('lookupIp', typeof lookupIp === 'function', 'a function');
  if (receivedAt !== undefined) checkKind('receivedAt', typeof Object(receivedAt).getTime === 'function', 'a Date');
  if (enrichments !== undefined) checkEnrichments(enrichments);
}

const checkKind = (name: string, isRight: boolean, kind: string): void => {
  if (!isRight) throw new AuditConfigError(`${owner}: ${name}: must be ${kind}.`);
};

const enrichmentKeys: ReadonlySet<string> = /* @__PURE__ */ new Set([
  'data',
  'name',
  'provider',
  'type',
  'value',
] satisfies (keyof RunRevealEnrichment)[]);

const checkEnrichments = (enrichments: readonly RunRevealEnrichment[]): void => {
  checkKind('enrichments', Array.isArray(enrichments), 'an array');
  for (const enrichment of enrichments) {
    checkKeys(`${owner}: enrichments`, enrichmentKeys, enrichment);
    const data: unknown = Object(enrichment).data;
    checkKind('enrichments: data', typeof data === 'object' && data !== null, 'an object of names and texts');
  }
};

const ipInfoKeys: ReadonlySet<string> = /* @__PURE__ */ new Set([
  'asCountryCode',
  'asNumber',
  'asOrganization',
  'city',
  'connectionType',
  'isp',
  'latitude',
  'longitude',
  'userType',
] satisfies (keyof IpInfo)[]);

/** Returns what `lookupIp` knows of an address. A promise, or a misspelled key, would leave the columns empty without a word. */
export function lookUpIp(context: RunRevealContext, ip: string): IpInfo | undefined {
  const info = ip === '' ? undefined : context.lookupIp?.(ip);
  if (info === undefined || info === null) return undefined;
  if (typeof info === 'object' && 'then' in info) {
    throw new AuditConfigError(
      'RunReveal context: lookupIp returned a promise, and a row is made at once. Look up the addresses before you make the rows.',
    );
  }
  checkKeys('RunReveal context: the result of lookupIp', ipInfoKeys, info);
  return info;
}

/** Returns the time of arrival, by default the current time. */
export function validReceivedAt(receivedAt: Date = new Date()): Date {
  if (!Number.isNaN(receivedAt.getTime())) return receivedAt;
  throw new AuditConfigError(
    'The RunReveal context has an invalid receivedAt (Invalid Date). Set receivedAt to the time of arrival, or leave it out to use the current time.',
  );
}

/** Returns `created_at` in RFC 3339, as the webhooks expect it, or the time of arrival if `created_at` is no timestamp. */
export function eventTimeOf(event: AuditEvent, context: RunRevealContext): string {
  const receivedAt = validReceivedAt(context.receivedAt);
  return toRfc3339(event.created_at) ?? receivedAt.toISOString();
}

export const sourceTypeOf = (context: RunRevealContext): string => toText(context.sourceType ?? 'planetscale');

export const serviceNameOf = (context: RunRevealContext): string => toText(context.serviceName ?? 'planetscale');

/** Returns the map with well-formed texts. An assignment to a key such as `__proto__` would not add the key. */
export const toTextMap = (map: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [toText(key), toText(value)]));

/** Returns the event's own tags and those of the context, without empty ones. */
export function tagsOf(event: AuditEvent, contextTags: RunRevealContext['tags']): Record<string, string> {
  if (contextTags === false) return {};
  const tags: { actor_type?: string; auditable_type?: string; target_type?: string } = {};
  if (event.actor_type) tags.actor_type = toText(event.actor_type);
  if (event.auditable_type) tags.auditable_type = toText(event.auditable_type);
  if (event.target_type) tags.target_type = toText(event.target_type);
  if (contextTags === undefined) return tags;
  return Object.fromEntries(Object.entries({ ...tags, ...toTextMap(contextTags) }).filter(([, value]) => value !== ''));
}

/** One object that the action concerned. */
export type Resource = { readonly type: string | null; readonly id: string | null; readonly name: string | null };

/** Returns the auditable, which is the object that the action is about, and then the target unless it is the same object. */
export function resourcesOf(event: AuditEvent): Resource[] {
  const { auditable_type, auditable_id, auditable_display_name, target_type, target_id, target_display_name } = event;
  const resources: Resource[] = [];
  if (auditable_type || auditable_id) resources.push(toResource(auditable_type, auditable_id, auditable_display_name));
  const isSameObject = target_type === auditable_type && target_id === auditable_id;
  if (!isSameObject && (target_type || target_id)) {
    resources.push(toResource(target_type, target_id, target_display_name));
  }
  return resources;
}

/** Returns a resource of well-formed texts, because ClickHouse's JSONExtract returns '' for text with an escaped lone surrogate. */
const toResource = (type: string | null, id: string | null, name: string | null): Resource => ({
  type: toTextOrNull(type),
  id: toTextOrNull(id),
  name: toTextOrNull(name),
});

/** Returns well-formed text, and keeps `''` and null apart, which `toText` does not. */
const toTextOrNull = (text: string | null): string | null => (text ? toText(text) : (text ?? null));
