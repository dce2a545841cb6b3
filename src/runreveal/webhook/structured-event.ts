import type { JsonObject } from 'type-fest';
import { actorOf, isReadOnly, sourceIp } from '../../audit-log/derived-fields.ts';
import type { AuditEvent } from '../../audit-log/event.ts';
import { toText } from '../../internal/well-formed.ts';
import type { RunRevealContext } from '../context.ts';
import { eventTimeOf, resourcesOf, serviceNameOf, tagsOf } from '../fields.ts';

/**
 * The event as RunReveal's structured webhook takes it, with the values of {@link toRunRevealRow}: the same actor, tags,
 * resources and address; `eventTime` in RFC 3339 with all its decimals.
 *
 * The format has no room for the event's id, its metadata or its raw JSON, nor for `sourceType`: {@link toRevealdEvent} has.
 * Of the context it takes `receivedAt`, `actorEmail`, `tags` and `serviceName`; what is known of the address RunReveal looks up.
 *
 * Source: https://docs.runreveal.com/sources/source-types/structured-webhooks
 *
 * @throws {@link AuditConfigError} where `receivedAt` is an invalid Date.
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
