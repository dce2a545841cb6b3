// Prints each new event of an organization on one line. A restart resumes after the last printed event. Ctrl-C ends the program.
// Set PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN.
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
