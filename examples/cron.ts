// Handles the events since the last run, and ends: for cron, a systemd timer, a Kubernetes CronJob and job queues.
//   */5 * * * * cd /opt/audit && node cron.ts
// The status is 0 if the run caught up, 75 (EX_TEMPFAIL) if the next run may succeed, and 1 if a person has to act.
// Set PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN.
import {
  type AuditEvent,
  CursorConflictError,
  PlanetScaleAuditClient,
  PlanetScaleAuditError,
  poller,
  rawJson,
} from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';

// The scheduler ends a run that takes too long with SIGTERM. The run then saves the cursor of what it has handled.
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const events = poller(PlanetScaleAuditClient.fromEnv(), {
  store: fileCursorStore(process.env.CURSOR_DIRECTORY ?? './cursors'),
  startFrom: 'oldest',
  drain: true, // Ends the loop once it has caught up. Without it, the loop waits for more.
  signal: stop.signal,
});

try {
  for await (const batch of events.batches()) await handle(batch);
  console.error(`handled ${events.health().processed} event(s)`);
} catch (error) {
  if (!(error instanceof PlanetScaleAuditError)) throw error;
  console.error(`${error.name}: ${error.message}`);
  // Another run with the same cursor, which has not ended yet, has won.
  const mayPass = error.retryable || error instanceof CursorConflictError;
  process.exitCode = mayPass ? 75 : 1;
}

/** Stands for your own work. The cursor moves past the batch once the promise has resolved. */
async function handle(batch: readonly AuditEvent[]): Promise<void> {
  for (const event of batch) console.log(rawJson(event));
}
