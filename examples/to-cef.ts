// Prints new events in a format of your own, and ends once it has caught up. Here it is CEF, the Common Event Format, one event a line,
// which ArcSight, QRadar, Sentinel and others read: `node examples/to-cef.ts | logger --tcp --server collector.example.com`.
// Set PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN.
import { type AuditEvent, PlanetScaleAuditClient, poller, printable } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';

const client = PlanetScaleAuditClient.fromEnv();
const events = poller(client, {
  store: fileCursorStore(process.env.CURSOR_DIRECTORY ?? './cursors'),
  key: `cef:${client.organization}`,
  startFrom: 'oldest',
  drain: true,
});

// The loop asks for the next event, and so acknowledges this one, only once the line has been written.
for await (const event of events) await write(`${toCef(event)}\n`);

function toCef(event: AuditEvent): string {
  const header = ['PlanetScale', 'audit-log', '1', event.audit_action, event.audit_action, `${severityOf(event)}`];
  const extension = {
    rt: Date.parse(event.created_at) || undefined, // A time that cannot be read is left out.
    externalId: event.id,
    suid: event.actor_id,
    suser: event.actor_display_name ?? 'PlanetScale',
    src: event.remote_ip,
    cs1Label: 'organization',
    cs1: client.organization,
    cs2Label: event.target_type && 'target',
    cs2: event.target_type && `${event.target_type} ${event.target_display_name ?? event.target_id ?? ''}`,
  };
  const fields = Object.entries(extension).filter(([, value]) => value !== null && value !== undefined);
  const escapedHeader = header.map((text) => printable(text).replace(/[\\|]/g, '\\$&'));
  const escapedFields = fields.map(([name, value]) => `${name}=${printable(`${value}`).replace(/[\\=]/g, '\\$&')}`);
  return `CEF:0|${escapedHeader.join('|')}|${escapedFields.join(' ')}`;
}

/** From 0 to 10. */
function severityOf({ audit_action }: AuditEvent): number {
  if (audit_action.endsWith('_leaked')) return 9;
  if (/\.(disabled_|deleted|removed_)/.test(audit_action)) return 6;
  return 3;
}

function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
