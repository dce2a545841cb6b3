import { actionVerb, actorOf, sourceIp } from '../audit-log/derived-fields.ts';
import { type AuditEvent, rawJson } from '../audit-log/event.ts';
import { AuditConfigError } from '../errors.ts';
import { checkKeys } from '../internal/known-keys.ts';
import { parseTimestamp } from '../internal/timestamp.ts';
import type { JsonObject } from '../internal/types.ts';
import { toText } from '../internal/well-formed.ts';
import { ocsfActivity, ocsfSeverity } from './activity.ts';

const contextKeys: ReadonlySet<string> = /* @__PURE__ */ new Set(['organization', 'unmapped']);

const category = { uid: 3, caption: 'Identity & Access Management' };
const entityManagement = { uid: 3004, caption: 'Entity Management' };

/**
 * Returns the event in the Open Cybersecurity Schema Framework (OCSF), as class Entity Management (3004) of version 1.4.0. The
 * result is valid up to version 1.8.0.
 *
 * The auditable, which is the object that the action is about, becomes the `entity`. Location, target and metadata go to
 * `unmapped`, and the event as PlanetScale sent it goes to `raw_data`. An event without an actor has PlanetScale itself as
 * `actor.app_name`. `status_id` is always Success, because PlanetScale records only actions that have happened. If `created_at`
 * is no timestamp, `time` is the time of the call. Metadata that is nested deeper than 1,000 levels is in `raw_data` only.
 * docs/ocsf.md lists every attribute and every action's activity.
 *
 * Source: https://schema.ocsf.io/1.4.0/classes/entity_management
 *
 * @throws {@link AuditConfigError} if `unmapped` is neither `'object'` nor `'json'`, or if the context has an unknown key.
 * @throws RangeError if the event was made elsewhere and is nested too deep for {@link rawJson}.
 *
 * @example
 * ```ts
 * import { PlanetScaleAuditClient, toOcsf } from 'planetscale-audit';
 *
 * const client = PlanetScaleAuditClient.fromEnv();
 * for await (const event of client.events()) {
 *   console.log(JSON.stringify(toOcsf(event, { organization: client.organization })));
 * }
 * ```
 */
export function toOcsf(
  event: AuditEvent,
  context: {
    /** The name of the organization. It becomes `metadata.tenant_uid`. */
    readonly organization?: string | undefined;
    /**
     * The form of `unmapped`: `'object'`, as OCSF defines it, or `'json'` for one JSON text. Consumers that infer a schema from
     * the events need the text, because the keys and types of metadata differ from event to event: Parquet, and with it Amazon
     * Security Lake.
     *
     * @default 'object'
     */
    readonly unmapped?: 'object' | 'json' | undefined;
  } = {},
): JsonObject {
  checkKeys('toOcsf', contextKeys, context);
  const { organization, unmapped: unmappedForm = 'object' } = context;
  if (unmappedForm !== 'object' && unmappedForm !== 'json') {
    throw new AuditConfigError("toOcsf: unmapped: must be 'object' or 'json'.");
  }
  const activity = ocsfActivity(event);
  const severity = ocsfSeverity(event);
  const ip = sourceIp(event);
  const unmapped = unmappedFields(event);
  return {
    activity_id: activity.id,
    activity_name: toText(activity.name),
    category_uid: category.uid,
    category_name: category.caption,
    class_uid: entityManagement.uid,
    class_name: entityManagement.caption,
    type_uid: entityManagement.uid * 100 + activity.id,
    type_name: `${entityManagement.caption}: ${activity.caption}`,
    severity_id: severity.id,
    severity: severity.caption,
    status_id: 1,
    status: 'Success',
    time: parseTimestamp(event.created_at) ?? Date.now(),
    message: messageOf(event),
    metadata: {
      version: '1.4.0',
      product: { name: 'PlanetScale', vendor_name: 'PlanetScale' },
      log_provider: 'PlanetScale',
      log_name: 'audit-log',
      uid: toText(event.id),
      event_code: toText(event.audit_action),
      original_time: toText(event.created_at),
      ...nonEmptyFields({ tenant_uid: organization }),
    },
    actor: toOcsfActor(event),
    ...(ip !== '' && { src_endpoint: { ip } }),
    entity: toOcsfEntity(event),
    ...(Object.keys(unmapped).length > 0 && {
      unmapped: unmappedForm === 'json' ? JSON.stringify(unmapped) : unmapped,
    }),
    raw_data: toText(rawJson(event)),
  };
}

/** Returns the fields that are not empty, as well-formed text. */
const nonEmptyFields = (fields: Readonly<Record<string, unknown>>): Record<string, string> => {
  const texts: Record<string, string> = {};
  for (const name in fields) {
    const text = toText(fields[name]);
    if (text !== '') texts[name] = text;
  }
  return texts;
};

/** Returns a message in the words of PlanetScale's CLI, such as `queued deploy request #102`. */
const messageOf = (event: AuditEvent): string =>
  toText([actionVerb(event).replaceAll('_', ' '), event.auditable_display_name].filter(Boolean).join(' '));

const unknown = 0;
const other = 99;
const userTypeIds: ReadonlyMap<string, number> = new Map([
  ['', unknown],
  ['User', 1],
]);

/** Returns the actor. OCSF requires a user's name or id. If the event has neither, the type of the actor serves as the name. */
const toOcsfActor = (event: AuditEvent): JsonObject => {
  const { id, username, email } = actorOf(event);
  const type = toText(event.actor_type);
  const identity = nonEmptyFields({ uid: id, name: username });
  if (Object.keys(identity).length === 0) {
    if (type === '') return { app_name: 'PlanetScale' };
    identity.name = type;
  }
  return {
    user: {
      ...identity,
      ...nonEmptyFields({ type }),
      type_id: userTypeIds.get(type) ?? other,
      ...(email !== undefined && isAscii(email) && { email_addr: email }),
    },
  };
};

/** OCSF's pattern for an e-mail address allows ASCII only. */
const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

/** Returns the entity. OCSF requires its name or id. If the event has neither, the subject of the action serves as the name. */
const toOcsfEntity = (event: AuditEvent): JsonObject => {
  const { auditable_id, auditable_type, auditable_display_name, audit_action } = event;
  const identity = nonEmptyFields({ uid: auditable_id, name: auditable_display_name });
  if (Object.keys(identity).length === 0) identity.name = toText(audit_action.split('.')[0]);
  if (auditable_type === 'User') return { ...identity, type: 'User', type_id: 2, user: identity };
  if (auditable_type === 'Organization') return { ...identity, type: 'Organization', type_id: 4, org: identity };
  return { ...identity, ...nonEmptyFields({ type: auditable_type }), type_id: auditable_type ? other : unknown };
};

const unmappedFields = (event: AuditEvent): JsonObject => {
  const { location, target_id, target_type, target_display_name, updated_at, metadata } = event;
  const texts = nonEmptyFields({ location, target_id, target_type, target_display_name, updated_at });
  return metadata && !isDeeperThan(maxMetadataDepth, metadata) ? { ...texts, metadata } : texts;
};

/** A depth that `JSON.stringify` can write in every engine, however deep in the call stack it is called. */
const maxMetadataDepth = 1000;

const isDeeperThan = (levels: number, value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner)));
