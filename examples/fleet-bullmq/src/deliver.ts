import { type AuditEvent, rawJson } from 'planetscale-audit';
import { destinationUrl } from './config.ts';

/**
 * Replace this function to send events anywhere else. The cursor moves past the batch once the promise has resolved. After a crash
 * or an error, the batch comes again, so a second write of an event must change nothing.
 */
export async function deliver(organization: string, events: readonly AuditEvent[]): Promise<void> {
  const lines = events.map((event) => `{"organization":${JSON.stringify(organization)},"event":${rawJson(event)}}\n`);
  const response = await fetch(destinationUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.join(''),
    signal: AbortSignal.timeout(30_000),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`The destination answered ${response.status}. Check DESTINATION_URL.`);
}
