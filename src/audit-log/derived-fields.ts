import { canonicalIpAddress } from '../internal/ip-address.ts';
import { toText } from '../internal/well-formed.ts';
import type { AuditEvent } from './event.ts';

// What the RunReveal row, the webhook formats and OCSF derive from an event alike.

/** What was done, `created`. From `audit_action`, which is always there; `action` may be null. */
export const actionVerb = ({ audit_action }: AuditEvent): string =>
  audit_action.slice(audit_action.lastIndexOf('.') + 1);

/** Verbs of actions that read something and change nothing. */
export const readVerbs: readonly string[] = ['viewed', 'read', 'listed', 'downloaded', 'exported'];

const readOnlyVerbs: ReadonlySet<string> = new Set([...readVerbs, 'signed_in', 'open_web_console']);

/** Whether the action certainly changes nothing. An unknown verb counts as one that writes. */
export const isReadOnly = (event: AuditEvent): boolean => readOnlyVerbs.has(actionVerb(event));

/** `remote_ip` in canonical text; `''` if it is not a bare address. */
export const sourceIp = (event: AuditEvent): string => canonicalIpAddress(toText(event.remote_ip));

type Actor = { id?: string; username?: string; email?: string };

/**
 * Who acted. Empty keys are left out.
 *
 * @param email an e-mail address from elsewhere. Without it, the display name counts if it is one.
 */
export function actorOf({ actor_id, actor_display_name }: AuditEvent, email?: string): Actor {
  const actor: Actor = {};
  const address = email ?? emailAddressIn(actor_display_name);
  if (actor_id) actor.id = toText(actor_id);
  if (actor_display_name) actor.username = toText(actor_display_name);
  if (address) actor.email = toText(address);
  return actor;
}

/** An address and nothing else: never a name, and not `Ada <ada@example.com>`. */
const emailPattern = /^[^\s@<>()[\],;:"\\]+@(?:[\p{L}\p{N}-]+\.)+[\p{L}\p{N}-]+$/u;

/** https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.3 */
const maxEmailLength = 254;

const emailAddressIn = (name: unknown): string | undefined =>
  typeof name === 'string' && name.length <= maxEmailLength && emailPattern.test(name) ? name : undefined;
