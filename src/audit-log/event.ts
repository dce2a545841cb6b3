import * as z from 'zod';
import type { AuditIssue } from '../errors.ts';
import { toAuditIssues } from '../internal/issues.ts';
import { stringifyOrEmpty } from '../internal/safe-stringify.ts';
import type { JsonObject, LiteralUnion } from '../internal/types.ts';
import type { knownAuditActions } from './actions.ts';

/** An action, such as `database_branch.created`. The type completes the actions known in November 2026 and accepts any string. */
export type AuditAction = LiteralUnion<(typeof knownAuditActions)[number], string>;

/**
 * One audit event, with the API's own field names. A field that the API leaves out is null. If PlanetScale sends another type in a
 * text field, the field holds that value as JSON. Fields that the API adds later are present at run time and in {@link rawJson},
 * except that a field named `__proto__` is only in `rawJson`.
 *
 * Source: https://planetscale.com/docs/api/reference/list_audit_logs
 */
export interface AuditEvent {
  /** An opaque id. Ids have no order, so do not compare or sort them. */
  readonly id: string;
  /** The action with its subject, such as `deploy_request.queued`. */
  readonly audit_action: AuditAction;
  /** The verb of the action, such as `queued`. */
  readonly action: string | null;
  /** The id of the user or service token that acted, probably null for PlanetScale itself. */
  readonly actor_id: string | null;
  /** The kind of actor. PlanetScale may add kinds. */
  readonly actor_type: LiteralUnion<'User' | 'ServiceToken', string> | null;
  /** The actor's name, which may be an e-mail address. */
  readonly actor_display_name: string | null;
  /** The id of the object that the action is about. */
  readonly auditable_id: string | null;
  /** The kind of that object, such as `DeployRequest`. */
  readonly auditable_type: string | null;
  /** The name of that object, such as `deploy request #102`. */
  readonly auditable_display_name: string | null;
  /** The id of a second object, such as the database of a deploy request. */
  readonly target_id: string | null;
  /** The kind of the target, such as `Database` or `DatabaseBranch`. */
  readonly target_type: string | null;
  /** The name of the target, such as that of a database. */
  readonly target_display_name: string | null;
  /** The place of the request as free text, such as `Chicago, IL`. */
  readonly location: string | null;
  /** The IP address of the request as free text. Expect IPv6. */
  readonly remote_ip: string | null;
  /**
   * The details of the action, an object in every public sample. Any other JSON value stays as the API sent it.
   *
   * Node 24 and 26 have a bug in `JSON.parse` (https://github.com/nodejs/node/issues/63785). If two objects have a key with an
   * escape, such as a line break, the second key may come out with a backslash. {@link rawJson} holds the right key.
   */
  readonly metadata: JsonObject | null;
  /** ISO 8601 as received. Two events can share it, and an event can be older than one that the list puts below it. */
  readonly created_at: string;
  /** ISO 8601 as received. */
  readonly updated_at: string | null;
}

/** An id is a cursor too, and so part of a URL. A poller keeps thousands of them. PlanetScale's ids have 12 characters. */
export const maxIdLength = 1000;

const optionalText = z.string().nullable();

/** Only `id`, `audit_action` and `created_at` can fail, because {@link fillMissingFields} runs first. */
const auditEventSchema = z.looseObject({
  id: z.string().min(1).max(maxIdLength),
  audit_action: z.string(),
  action: optionalText,
  actor_id: optionalText,
  actor_type: optionalText,
  actor_display_name: optionalText,
  auditable_id: optionalText,
  auditable_type: optionalText,
  auditable_display_name: optionalText,
  target_id: optionalText,
  target_type: optionalText,
  target_display_name: optionalText,
  location: optionalText,
  remote_ip: optionalText,
  metadata: z.custom<JsonObject | null>(),
  created_at: z.string(),
  updated_at: optionalText,
});

const optionalTextFields = Object.entries(auditEventSchema.shape)
  .filter(([, field]) => field === optionalText)
  .map(([name]) => name);

/** Sets the fields that an event may lack to null, and stringifies text fields of another type, in place. */
const fillMissingFields = (event: Record<string, unknown>): void => {
  for (const name of optionalTextFields) {
    const value = event[name];
    if (typeof value !== 'string') event[name] = value === undefined || value === null ? null : stringifyOrEmpty(value);
  }
  event.metadata ??= null;
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type RawTexts = WeakMap<AuditEvent, string>;

/** The same symbol in every copy of this package. */
const rawTextsKey = Symbol.for('planetscale-audit.raw-json');

const isRawTexts = (value: unknown): value is RawTexts => value instanceof WeakMap;

/** Returns the texts of the events of all copies of this package, so that each copy knows the events of the others. */
const sharedRawTexts = (): RawTexts => {
  const shared: unknown = Reflect.get(globalThis, rawTextsKey);
  if (isRawTexts(shared)) return shared;
  const texts: RawTexts = new WeakMap();
  Reflect.defineProperty(globalThis, rawTextsKey, { value: texts }); // Has no effect if globalThis is frozen.
  return texts;
};

const rawTexts = /* @__PURE__ */ sharedRawTexts();

/** Returns the event, or why it cannot be read. Changes `parsed` in place, and keeps `text` for {@link rawJson}. */
export function parseEvent(
  parsed: unknown,
  text: string,
): { readonly event: AuditEvent } | { readonly id: string | undefined; readonly issues: readonly AuditIssue[] } {
  if (isRecord(parsed)) fillMissingFields(parsed);
  const result = auditEventSchema.safeParse(parsed);
  if (result.success) {
    rawTexts.set(result.data, text);
    return { event: result.data };
  }
  const id = isRecord(parsed) && typeof parsed.id === 'string' ? parsed.id : undefined;
  return { id, issues: toAuditIssues(result.error) };
}

/**
 * Returns the event's JSON exactly as PlanetScale sent it, with its big integers, escapes, order of keys and white space. For an
 * event made elsewhere, or for a copy of an event, the function returns `JSON.stringify(event)`.
 *
 * @throws RangeError for an event made elsewhere that is nested deeper than the JavaScript engine can write, some thousands of
 * levels
 *
 * @example
 * ```ts
 * import { PlanetScaleAuditClient, rawJson } from 'planetscale-audit';
 *
 * for await (const event of PlanetScaleAuditClient.fromEnv().events()) {
 *   console.log(rawJson(event));
 * }
 * ```
 */
export function rawJson(event: AuditEvent): string {
  return rawTexts.get(event) ?? JSON.stringify(event);
}
