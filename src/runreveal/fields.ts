import type { AuditEvent } from '../audit-log/event.ts';
import { AuditConfigError } from '../errors.ts';
import { toRfc3339 } from '../internal/timestamp.ts';
import { toText } from '../internal/well-formed.ts';
import type { RunRevealContext } from './context.ts';

// What RunReveal's forms of an event have in common: the row, and what its webhooks take.

export function validReceivedAt(receivedAt: Date = new Date()): Date {
  if (!Number.isNaN(receivedAt.getTime())) return receivedAt;
  throw new AuditConfigError(
    'receivedAt of the RunReveal context is an invalid Date: give the time at which the event arrived, or leave it out for now.',
  );
}

/** When it happened, as the webhooks take it: in RFC 3339. When it arrived, where `created_at` is no timestamp. */
export function eventTimeOf(event: AuditEvent, context: RunRevealContext): string {
  const receivedAt = validReceivedAt(context.receivedAt);
  return toRfc3339(event.created_at) ?? receivedAt.toISOString();
}

export const sourceTypeOf = (context: RunRevealContext): string => toText(context.sourceType ?? 'planetscale');

export const serviceNameOf = (context: RunRevealContext): string => toText(context.serviceName ?? 'planetscale');

/** Entries one by one: assigning to a key such as `__proto__` would not add it. */
export const toTextMap = (map: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [toText(key), toText(value)]));

export function tagsOf(event: AuditEvent, added: RunRevealContext['tags']): Record<string, string> {
  if (added === false) return {};
  const map: { actor_type?: string; auditable_type?: string; target_type?: string } = {};
  if (event.actor_type) map.actor_type = toText(event.actor_type);
  if (event.auditable_type) map.auditable_type = toText(event.auditable_type);
  if (event.target_type) map.target_type = toText(event.target_type);
  if (added === undefined) return map;
  return Object.fromEntries(Object.entries({ ...map, ...toTextMap(added) }).filter(([, value]) => value !== ''));
}

/** A thing that was acted on. */
export type Resource = { readonly type: string | null; readonly id: string | null; readonly name: string | null };

/** The auditable, then the target where that is another thing. */
export function resourcesOf(event: AuditEvent): Resource[] {
  const { auditable_type, auditable_id, auditable_display_name, target_type, target_id, target_display_name } = event;
  const found: Resource[] = [];
  if (auditable_type || auditable_id) found.push(toResource(auditable_type, auditable_id, auditable_display_name));
  if (target_type === auditable_type && target_id === auditable_id) return found;
  if (target_type || target_id) found.push(toResource(target_type, target_id, target_display_name));
  return found;
}

/** Well-formed before it becomes JSON: as an escape, a lone surrogate makes every JSONExtract on the text give ''. */
const toResource = (type: string | null, id: string | null, name: string | null): Resource => ({
  type: toTextOrNull(type),
  id: toTextOrNull(id),
  name: toTextOrNull(name),
});

const toTextOrNull = (text: string | null): string | null => (text ? toText(text) : (text ?? null));
