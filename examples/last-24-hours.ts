// Prints each event of the last 24 hours, newest first, and keeps no cursor. For a look at the log, and for reports.
// Set PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN.
import { PlanetScaleAuditClient, printable } from 'planetscale-audit';

process.stdout.on('error', () => process.exit()); // The reader has closed the pipe, as head does.

const dayMs = 24 * 60 * 60_000;
const client = PlanetScaleAuditClient.fromEnv();

let count = 0;
for await (const event of client.events({ since: new Date(Date.now() - dayMs) })) {
  const { created_at, audit_action, actor_display_name, target_display_name } = event;
  console.log(
    printable([created_at, audit_action, actor_display_name ?? 'PlanetScale', target_display_name ?? ''].join('  ')),
  );
  count += 1;
}
console.log(`${count} event(s) in the last 24 hours`);
