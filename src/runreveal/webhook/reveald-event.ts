import { actorOf, isReadOnly, sourceIp } from '../../audit-log/derived-fields.ts';
import { type AuditEvent, rawJson } from '../../audit-log/event.ts';
import type { JsonObject } from '../../internal/types.ts';
import { toText } from '../../internal/well-formed.ts';
import type { RunRevealContext } from '../context.ts';
import { checkContext, eventTimeOf, serviceNameOf, sourceTypeOf, tagsOf } from '../fields.ts';

/**
 * Returns the event in the wire format of reveald, RunReveal's own collector, in version 1 ("native"). No other public format
 * pushes `sourceType` and the raw log together. The values are those of {@link toRunRevealRow}, but `eventTime` is in RFC 3339.
 *
 * `rawLog` is the event as parsed JSON, in which integers beyond 2^53 are rounded. {@link runRevealWebhook} sends the text of
 * {@link rawJson} instead, exact to the byte and at any depth of nesting. RunReveal may treat an unexpected `sourceType` as
 * `reveald`. It does not publish which values it expects from a collector.
 *
 * Sources: https://docs.runreveal.com/sources/reveald/destinations/runreveal, and internal/types/types.go in the history of
 * https://github.com/runreveal/reveald. The version is an option of reveald, not a field of the event.
 *
 * @throws {@link AuditConfigError} if `receivedAt` is an invalid Date, or if the context has an unknown key.
 *
 * @example
 * ```ts
 * import { PlanetScaleAuditClient, toRevealdEvent } from 'planetscale-audit';
 *
 * const { events } = await PlanetScaleAuditClient.fromEnv().page();
 * console.log(JSON.stringify(events.map((event) => toRevealdEvent(event))));
 * ```
 */
export function toRevealdEvent(event: AuditEvent, context: RunRevealContext = {}): JsonObject {
  return { ...baseFields(event, context), rawLog: JSON.parse(rawJson(event)) };
}

/** Returns the JSON of {@link toRevealdEvent}, with the exact text of the event as `rawLog`. */
export function revealdJson(event: AuditEvent, context: RunRevealContext = {}): string {
  const fields = JSON.stringify(baseFields(event, context));
  return `${fields.slice(0, -1)},"rawLog":${toText(rawJson(event))}}`;
}

const baseFields = (event: AuditEvent, context: RunRevealContext): JsonObject => {
  checkContext(context);
  return {
    sourceType: sourceTypeOf(context),
    eventTime: eventTimeOf(event, context),
    eventName: toText(event.audit_action),
    src: { ip: sourceIp(event) },
    dst: { ip: '' },
    actor: actorOf(event, context.actorEmail?.(event)),
    service: { name: serviceNameOf(context) },
    tags: tagsOf(event, context.tags),
    readOnly: isReadOnly(event),
  };
};
