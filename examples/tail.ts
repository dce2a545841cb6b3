// Prints the events of an organization as they come, one line each, and goes on where it stopped when it is started again.
// PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN say whose; Ctrl-C ends it.
import { PlanetScaleAuditClient, poller } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());

const client = PlanetScaleAuditClient.fromEnv();
const events = poller(client, {
  store: fileCursorStore(process.env.CURSOR_DIRECTORY ?? './cursors'),
  startFrom: { newest: 20 },
  signal: stop.signal,
});

for await (const { created_at, audit_action, actor_display_name, auditable_display_name } of events) {
  console.log(created_at, audit_action, actor_display_name ?? 'PlanetScale', auditable_display_name ?? '');
}
