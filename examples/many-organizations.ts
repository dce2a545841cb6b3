// Prints the new events of many organizations from one process, which is enough for thousands. An organization that fails stops no
// other one, and GET /healthz tells which have failed: it answers 503 then, with the reasons as JSON.
// Set ORGANIZATIONS to a file with [{ "organization": "acme", "serviceTokenId": "…", "serviceToken": "…" }, …], and HEALTH_PORT if
// 9464 is taken.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AuditPoller, PlanetScaleAuditClient, poller, printable, rawJson } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';

interface Organization {
  readonly organization: string;
  readonly serviceTokenId: string;
  readonly serviceToken: string;
}

const organizations: readonly Organization[] = JSON.parse(readFileSync(process.env.ORGANIZATIONS ?? '', 'utf8'));
const store = fileCursorStore(process.env.CURSOR_DIRECTORY ?? './cursors');
const pollers = new Map<string, AuditPoller>();
const errors = new Map<string, string>();

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
const { signal } = stop;

/** Follows one organization to the end of the process. The poller itself waits out what may pass, such as a PlanetScale that is down. */
async function follow({ organization, ...credentials }: Organization): Promise<void> {
  try {
    // The starts are spread over a minute, or over less for a few organizations. The polls stay apart after that.
    await sleep(Math.random() * Math.min(60_000, organizations.length * 10), undefined, { signal });
    const client = PlanetScaleAuditClient.fromEnv({ organization, ...credentials });
    const events = poller(client, { store, startFrom: 'oldest', signal });
    pollers.set(organization, events);
    for await (const batch of events.batches()) await handle(organization, batch.map(rawJson));
  } catch (error) {
    if (signal.aborted) return;
    errors.set(organization, printable(String(error)));
    console.error(printable(organization), errors.get(organization));
  }
}

/** Stands for your own work. The cursor moves past the batch once the promise has resolved. */
async function handle(organization: string, events: readonly string[]): Promise<void> {
  for (const event of events) console.log(`{"organization":${JSON.stringify(organization)},"event":${event}}`);
}

const server = createServer((request, response) => {
  if (request.url !== '/healthz') return void response.writeHead(404).end();
  const stale = [...pollers]
    .filter(([, events]) => events.health().state === 'stale')
    .map(([organization]) => organization);
  const isHealthy = errors.size === 0 && stale.length === 0;
  const health = { organizations: organizations.length, stale, errors: Object.fromEntries(errors) };
  response.writeHead(isHealthy ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(health));
});
server.listen(Number(process.env.HEALTH_PORT ?? 9464), '127.0.0.1');

await Promise.all(organizations.map(follow));
if (signal.aborted) server.close().closeAllConnections(); // If all have failed, /healthz still says why.
