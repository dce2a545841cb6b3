// Prints new events, and serves the poller's health over HTTP: GET /healthz answers 200 or 503, with the state as JSON. For the
// liveness probe of a container, a load balancer or a monitor. The command has the same: npx planetscale-audit tail --listen.
// Set PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN, and HEALTH_PORT if 9464 is taken.
import { createServer } from 'node:http';
import { PlanetScaleAuditClient, poller, printable } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());

const events = poller(PlanetScaleAuditClient.fromEnv(), {
  store: fileCursorStore(process.env.CURSOR_DIRECTORY ?? './cursors'),
  signal: stop.signal,
});

const server = createServer((request, response) => {
  if (request.url !== '/healthz') return void response.writeHead(404).end();
  const health = events.health();
  // `retrying` is healthy: a restart does not help while PlanetScale is down, and the poller waits by itself.
  const isHealthy = health.state !== 'stale' && health.state !== 'failed';
  response.writeHead(isHealthy ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(health));
});
// Only this machine can ask. In a container, listen on 0.0.0.0.
server.listen(Number(process.env.HEALTH_PORT ?? 9464), '127.0.0.1');

try {
  for await (const { created_at, audit_action } of events) console.log(printable(`${created_at} ${audit_action}`));
} finally {
  server.close();
  server.closeAllConnections(); // A monitor that keeps its connection open would otherwise keep the process alive.
}
