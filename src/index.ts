/**
 * Runs wherever `fetch` does: Node, Bun, Deno, Cloudflare Workers.
 *
 * @module planetscale-audit
 */

export type { AccessReport } from './access.ts';
export { type EventsQuery, PlanetScaleAuditClient } from './client.ts';
export type { InvalidEventPolicy, PlanetScaleAuditClientOptions } from './client-options.ts';
export {
  AuditApiError,
  AuditConfigError,
  AuditConnectionError,
  type AuditIssue,
  AuditResponseError,
  CursorConflictError,
  CursorStoreError,
  type InvalidAuditEvent,
  PlanetScaleAuditError,
} from './errors.ts';
export { type AuditAction, type AuditEvent, rawJson } from './event.ts';
export { knownAuditActions } from './known-actions.ts';
export { toOcsf } from './ocsf.ts';
export type { AuditPage, AuditSource, PageQuery } from './page.ts';
export type { PollerHealth } from './poller/health.ts';
export type { PollNotice } from './poller/notices.ts';
export { type AuditPoller, poller } from './poller/poller.ts';
export type { PollerOptions } from './poller/poller-options.ts';
export type { StartFrom } from './poller/start.ts';
export { type CursorStore, memoryCursorStore } from './poller/store.ts';
export { type RunRevealRow, runRevealColumns } from './runreveal/columns.ts';
export type { IpInfo, RunRevealContext, RunRevealEnrichment } from './runreveal/context.ts';
export { planetscaleLogsTable } from './runreveal/ddl.ts';
export { toJsonEachRow } from './runreveal/json-each-row.ts';
export { type MaxMindReader, maxmindLookup } from './runreveal/maxmind.ts';
export { toRevealdEvent } from './runreveal/reveald-event.ts';
export { toRunRevealRow } from './runreveal/row.ts';
export { runRevealRowSchema } from './runreveal/row-schema.ts';
export { toStructuredWebhook } from './runreveal/structured-webhook.ts';
export { type RunRevealWebhookOptions, runRevealWebhook } from './runreveal/webhook.ts';
