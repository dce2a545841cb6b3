import { type AuditEvent, rawJson } from 'planetscale-audit';
import { pool } from './database.ts';

/**
 * Replace this function to send events anywhere else. The cursor moves past the batch once the promise has resolved. After a crash
 * or an error, the batch comes again, so a second write of an event must change nothing.
 */
export async function deliver(organization: string, events: readonly AuditEvent[]): Promise<void> {
  await pool.query('INSERT INTO audit_events SELECT $1, * FROM unnest($2::text[], $3::json[]) ON CONFLICT DO NOTHING', [
    organization,
    events.map(({ id }) => id),
    events.map((event) => rawJson(event)),
  ]);
}
