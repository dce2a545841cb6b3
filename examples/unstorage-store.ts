// Counts new events by action, with the cursor in unstorage, and ends once it has caught up. unstorage is a cursor store as it is,
// over any of its drivers: files here, and S3, Azure, Netlify, Vercel and others by another import.
// unstorage cannot tell two pollers of one key apart, so run one at a time. The stores of planetscale-audit/stores can.
// Set PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN.
import { PlanetScaleAuditClient, poller, printable } from 'planetscale-audit';
import { createStorage } from 'unstorage';
import fsDriver from 'unstorage/drivers/fs-lite';

const store = createStorage<string>({ driver: fsDriver({ base: process.env.CURSOR_DIRECTORY ?? './cursors' }) });
const events = poller(PlanetScaleAuditClient.fromEnv(), { store, startFrom: 'oldest', drain: true });

const counts = new Map<string, number>();
for await (const { audit_action } of events) counts.set(audit_action, (counts.get(audit_action) ?? 0) + 1);

for (const [action, count] of counts) console.log(printable(`${count} × ${action}`));
await store.dispose();
