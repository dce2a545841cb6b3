import * as z from 'zod/mini';
import type { AuditIssue } from '../errors.ts';
import { english } from '../internal/english.ts';
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

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The fields that can fail. {@link fillMissingFields} accepts any value in the others. */
const requiredFieldsSchema = /* @__PURE__ */ (() =>
  z.object({
    id: z.string().check(z.minLength(1), z.maxLength(maxIdLength)),
    audit_action: z.string(),
    created_at: z.string(),
  }))();

const toTextOrNull = (value: unknown): string | null => {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? null : stringifyOrEmpty(value);
};

/** Sets the fields that an event may lack to null, and stringifies text fields of another type, in place. */
function fillMissingFields(event: Record<string, unknown>): asserts event is Record<string, unknown> & AuditEvent {
  // Written out, because a loop over the names would add 7 % to the time of reading a page.
  event.action = toTextOrNull(event.action);
  event.actor_id = toTextOrNull(event.actor_id);
  event.actor_type = toTextOrNull(event.actor_type);
  event.actor_display_name = toTextOrNull(event.actor_display_name);
  event.auditable_id = toTextOrNull(event.auditable_id);
  event.auditable_type = toTextOrNull(event.auditable_type);
  event.auditable_display_name = toTextOrNull(event.auditable_display_name);
  event.target_id = toTextOrNull(event.target_id);
  event.target_type = toTextOrNull(event.target_type);
  event.target_display_name = toTextOrNull(event.target_display_name);
  event.location = toTextOrNull(event.location);
  event.remote_ip = toTextOrNull(event.remote_ip);
  event.metadata ??= null;
  event.updated_at = toTextOrNull(event.updated_at);
}

/** Returns the given object, to which a derived class can then add a private field. */
class GivenObject {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the derived class needs it.
    return object;
  }
}

/**
 * Keeps the text of an event in a private field of the event, which no copy has and nothing prints. A WeakMap would add two thirds
 * to the time of reading a page.
 */
class RawText extends GivenObject {
  readonly #text: string;

  constructor(event: AuditEvent, text: string) {
    super(event);
    this.#text = text;
  }

  static of(event: unknown): string | undefined {
    return isRecord(event) && #text in event ? event.#text : undefined;
  }
}

interface RawTexts {
  get(event: AuditEvent): string | undefined;
  set(event: AuditEvent, text: string): void;
}

/** The same symbol in every copy of this package. */
const rawTextsKey = Symbol.for('planetscale-audit.raw-json');

const isRawTexts = (value: unknown): value is RawTexts =>
  isRecord(value) && typeof value.get === 'function' && typeof value.set === 'function';

/** Returns the texts of the events of all copies of this package, so that each copy knows the events of the others. */
const sharedRawTexts = (): RawTexts => {
  const shared: unknown = Reflect.get(globalThis, rawTextsKey);
  if (isRawTexts(shared)) return shared;
  const texts: RawTexts = { get: RawText.of, set: (event, text) => void new RawText(event, text) };
  Reflect.defineProperty(globalThis, rawTextsKey, { value: texts }); // Has no effect if globalThis is frozen.
  return texts;
};

const rawTexts = /* @__PURE__ */ sharedRawTexts();

/** Returns the event, or why it cannot be read. Makes `parsed` the event, in place, and keeps `text` for {@link rawJson}. */
export function parseEvent(
  parsed: unknown,
  text: string,
): { readonly event: AuditEvent } | { readonly id: string | undefined; readonly issues: readonly AuditIssue[] } {
  const result = requiredFieldsSchema.safeParse(parsed, english);
  if (!isRecord(parsed) || !result.success) {
    const id = isRecord(parsed) && typeof parsed.id === 'string' ? parsed.id : undefined;
    return { id, issues: toAuditIssues(result.error ?? { issues: [] }) };
  }
  fillMissingFields(parsed);
  // A field of this name would replace the prototype of a copy that is made by assignment.
  if (Object.hasOwn(parsed, '__proto__')) Reflect.deleteProperty(parsed, '__proto__');
  rawTexts.set(parsed, text);
  return { event: parsed };
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
