// Appends new events to a file, one line of JSON each, and ends once it has caught up. Run it from cron. Fluent Bit, Vector and the
// agents of most SIEMs read such a file. An event that is delivered again is in the file twice: its reader tells by the id.
// Set NDJSON_FILE, PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN.
import { open } from 'node:fs/promises';
import { type AuditEvent, PlanetScaleAuditClient, poller, rawJson } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';

const file = await open(process.env.NDJSON_FILE ?? './audit.ndjson', 'a', 0o600);
const client = PlanetScaleAuditClient.fromEnv();
const events = poller(client, {
  store: fileCursorStore(process.env.CURSOR_DIRECTORY ?? './cursors'),
  key: `ndjson:${client.organization}`,
  startFrom: 'oldest',
  drain: true,
});

for await (const batch of events.batches()) {
  await file.appendFile(batch.map(lineOf).join(''));
  await file.sync(); // The cursor is on the disk when its save resolves, and the events must be there before it.
  console.log(`saved ${batch.length} event(s)`);
}
await file.close();

/** The event as PlanetScale sent it. JSON has line breaks only between its values, where a space means the same. */
function lineOf(event: AuditEvent): string {
  return `${rawJson(event).replace(/[\r\n]+/g, ' ')}\n`;
}
