/**
 * The client, the poller and the formats. They run wherever `fetch` does: Node, Bun, Deno and Cloudflare Workers.
 *
 * @module planetscale-audit
 */

export type { AccessReport } from './audit-log/access-report.ts';
export { knownAuditActions } from './audit-log/actions.ts';
export { type AuditAction, type AuditEvent, rawJson } from './audit-log/event.ts';
export type { AuditPage, AuditSource, PageQuery } from './audit-log/page.ts';
export { PlanetScaleAuditClient } from './client/client.ts';
export type { EventsQuery } from './client/events-query.ts';
export { type MissingEventsQuery, missingEvents } from './client/missing-events.ts';
export type { InvalidEventPolicy, PlanetScaleAuditClientOptions } from './client/options.ts';
export {
  AuditApiError,
  AuditConfigError,
  AuditConnectionError,
  type AuditIssue,
  AuditResponseError,
  CursorConflictError,
  CursorStoreError,
  classifyError,
  type ErrorClass,
  type InvalidAuditEvent,
  PlanetScaleAuditError,
} from './errors.ts';
export { createRateLimiter, type RateLimiter } from './http/rate-limiter.ts';
export { printable } from './internal/printable.ts';
export type { JsonObject, JsonValue, LiteralUnion, Promisable } from './internal/types.ts';
export { toOcsf } from './ocsf/ocsf.ts';
export type { AuditCheckpoint } from './poller/consumer-commits.ts';
export type { PollerHealth } from './poller/health.ts';
export type { PollNotice } from './poller/notices.ts';
export type { PollerOptions } from './poller/options.ts';
export { type AuditPoller, poller } from './poller/poller.ts';
export type { StartFrom } from './poller/start-from.ts';
export type { IpInfo, RunRevealContext, RunRevealEnrichment } from './runreveal/context.ts';
export { type MaxMindReader, maxmindLookup } from './runreveal/maxmind.ts';
export { type RunRevealRow, runRevealColumns } from './runreveal/row/columns.ts';
export { planetscaleLogsDdl } from './runreveal/row/ddl.ts';
export { toJsonEachRow, toRunRevealRow } from './runreveal/row/row.ts';
export { runRevealRowSchema } from './runreveal/row/row-schema.ts';
export { toRevealdEvent } from './runreveal/webhook/reveald-event.ts';
export { toStructuredWebhook } from './runreveal/webhook/structured-event.ts';
export { type RunRevealWebhookOptions, runRevealWebhook } from './runreveal/webhook/webhook.ts';
export type { AtomicCursorStore, CursorStore } from './stores/cursor-store.ts';
export { memoryCursorStore } from './stores/memory.ts';
