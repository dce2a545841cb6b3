import type { JsonObject, LiteralUnion } from 'type-fest';
import * as z from 'zod';
import type { AuditIssue } from '../errors.ts';
import { toAuditIssues } from '../internal/issues.ts';
import { stringifyOrEmpty } from '../internal/safe-stringify.ts';
import type { knownAuditActions } from './actions.ts';

/** What happened, such as `database_branch.created`: completion for the 91 actions known today, any string accepted. */
export type AuditAction = LiteralUnion<(typeof knownAuditActions)[number], string>;

/**
 * One audit event, with the API's own field names. Fields that the API adds later are there at run time, and in {@link rawJson};
 * one named `__proto__` in `rawJson` alone.
 * A field that the API leaves out is null, and one that should be text and is not is its JSON.
 *
 * Source: https://planetscale.com/docs/api/reference/list_audit_logs
 */
export interface AuditEvent {
  /** Opaque: ids have no order, not even in time. */
  readonly id: string;
  /** The whole action, `deploy_request.queued`. */
  readonly audit_action: AuditAction;
  /** Its verb alone, `queued`. */
  readonly action: string | null;
  /** Null where PlanetScale itself acted. */
  readonly actor_id: string | null;
  readonly actor_type: LiteralUnion<'User' | 'ServiceToken', string> | null;
  readonly actor_display_name: string | null;
  readonly auditable_id: string | null;
  readonly auditable_type: string | null;
  readonly auditable_display_name: string | null;
  readonly target_id: string | null;
  readonly target_type: string | null;
  readonly target_display_name: string | null;
  /** Free text, `Chicago, IL`. */
  readonly location: string | null;
  readonly remote_ip: string | null;
  /**
   * An object in every public sample; should the API send anything else, it is here as it came. Node 24 and 26 may read a key
   * in it that is written with an escape, such as a line break, as one with a backslash, where an object before had such a key
   * (https://github.com/nodejs/node/issues/63785): {@link rawJson} has it right.
   */
  readonly metadata: JsonObject | null;
  /** ISO 8601 as received. Two events can share it, and it can be older than that of an event listed below. */
  readonly created_at: string;
  readonly updated_at: string | null;
}

const optionalText = z.string().nullable();

/** Only `id`, `audit_action` and `created_at` can fail: {@link fillMissingFields} has run before. */
const auditEventSchema = z.looseObject({
  id: z.string().min(1),
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

/** Gives the fields that an event may lack their value for "nothing there", in place. */
const fillMissingFields = (event: Record<string, unknown>): void => {
  for (const name of optionalTextFields) {
    const value = event[name];
    if (typeof value !== 'string') event[name] = value === undefined || value === null ? null : stringifyOrEmpty(value);
  }
  event.metadata ??= null;
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const rawTexts = new WeakMap<AuditEvent, string>();

/** An event read from its parsed JSON, which is used up, and from its text, which {@link rawJson} gives back. */
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
 * The event's JSON exactly as it stood in the response, to the character: big integers, escapes, order of keys and white
 * space. For an event made elsewhere, a copy with changes included, it is `JSON.stringify(event)`.
 *
 * @throws RangeError for such an event, where it is nested deeper than the JavaScript engine can write: some thousands of levels.
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
