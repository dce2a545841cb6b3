import { actorOf, isReadOnly, sourceIp } from '../../audit-log/derived-fields.ts';
import type { AuditEvent } from '../../audit-log/event.ts';
import type { JsonObject } from '../../internal/types.ts';
import { toText } from '../../internal/well-formed.ts';
import type { RunRevealContext } from '../context.ts';
import { checkContext, eventTimeOf, resourcesOf, serviceNameOf, tagsOf } from '../fields.ts';

/**
 * Returns the event in the format of RunReveal's structured webhook. The actor, tags, resources and address are those of
 * {@link toRunRevealRow}, and `eventTime` is in RFC 3339 with all its decimals.
 *
 * The format has no field for the event's id, its metadata, its raw JSON or `sourceType`. {@link toRevealdEvent} has them all, in
 * `rawLog` and `sourceType`. From the context, this function uses `receivedAt`, `actorEmail`, `tags` and `serviceName`. RunReveal
 * itself looks up the address.
 *
 * Source: https://docs.runreveal.com/sources/source-types/structured-webhooks
 *
 * @throws {@link AuditConfigError} if `receivedAt` is an invalid Date, or if the context has an unknown key.
 *
 * @example
 * ```ts
 * import { PlanetScaleAuditClient, toStructuredWebhook } from 'planetscale-audit';
 *
 * const { events } = await PlanetScaleAuditClient.fromEnv().page();
 * console.log(JSON.stringify(events.map((event) => toStructuredWebhook(event))));
 * ```
 */
export function toStructuredWebhook(event: AuditEvent, context: RunRevealContext = {}): JsonObject {
  checkContext(context);
  return {
    eventName: toText(event.audit_action),
    eventTime: eventTimeOf(event, context),
    readOnly: isReadOnly(event),
    actor: actorOf(event, context.actorEmail?.(event)),
    src: { ip: sourceIp(event) },
    service: { name: serviceNameOf(context) },
    resources: resourcesOf(event),
    tags: tagsOf(event, context.tags),
  };
}
