import { canonicalIpAddress } from '../internal/ip-address.ts';
import { toText } from '../internal/well-formed.ts';
import type { AuditEvent } from './event.ts';

// The RunReveal row, the webhook formats and OCSF share these fields.

/** Returns the verb of an action, such as `created`. The verb comes from `audit_action`, because `action` may be null. */
export const actionVerb = ({ audit_action }: AuditEvent): string =>
  audit_action.slice(audit_action.lastIndexOf('.') + 1);

/** The verbs of actions that read something and change nothing. */
export const readVerbs: readonly string[] = ['viewed', 'read', 'listed', 'downloaded', 'exported'];

/** A sign-in and an opened console change nothing, but are no activity `Read` in OCSF. */
const nonWritingVerbs: ReadonlySet<string> = /* @__PURE__ */ (() =>
  new Set([...readVerbs, 'signed_in', 'open_web_console']))();

/** Returns whether the action is known to change nothing. An unknown verb counts as a write. */
export const isReadOnly = (event: AuditEvent): boolean => nonWritingVerbs.has(actionVerb(event));

/** Returns `remote_ip` as canonical text, or `''` if it is not a bare address. */
export const sourceIp = (event: AuditEvent): string => canonicalIpAddress(toText(event.remote_ip));

type Actor = { id?: string; username?: string; email?: string };

/**
 * Returns the actor of an event without empty keys.
 *
 * @param email the actor's e-mail address. If it is left out, a display name that is an address serves as one.
 */
export function actorOf({ actor_id, actor_display_name }: AuditEvent, email?: string): Actor {
  const actor: Actor = {};
  const address = email ?? emailAddressIn(actor_display_name);
  if (actor_id) actor.id = toText(actor_id);
  if (actor_display_name) actor.username = toText(actor_display_name);
  if (address) actor.email = toText(address);
  return actor;
}

/** Matches a bare address, but neither a name nor `Ada <ada@example.com>`. */
const emailPattern = /^[^\s@<>()[\],;:"\\]+@(?:[\p{L}\p{N}-]+\.)+[\p{L}\p{N}-]+$/u;

/** https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.3 */
const maxEmailLength = 254;

const emailAddressIn = (name: unknown): string | undefined =>
  typeof name === 'string' && name.length <= maxEmailLength && emailPattern.test(name) ? name : undefined;
