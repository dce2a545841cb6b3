// Appends new events to a stream of Redis, with the cursor in the same Redis, and ends once it has caught up. Run it from cron.
// An event that is delivered again is in the stream twice: the consumer of the stream tells by its id.
// Set REDIS_URL, PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN.
import { PlanetScaleAuditClient, poller, rawJson } from 'planetscale-audit';
import { redisCursorStore } from 'planetscale-audit/stores';
import { createClient } from 'redis';

const redis = createClient({
  url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
  disableOfflineQueue: true, // With the offline queue, a call waits for as long as Redis is down.
  // After ten attempts the program ends with an error. The next run continues where this one was.
  socket: { reconnectStrategy: (attempts, error) => (attempts < 10 ? 500 : error) },
});
redis.on('error', (error) => console.error(error.message)); // Without a listener, a connection that breaks ends the process.
await redis.connect();

const store = redisCursorStore(redis);
const events = poller(PlanetScaleAuditClient.fromEnv(), { store, startFrom: 'oldest', drain: true });

for await (const batch of events.batches()) {
  const appends = redis.multi();
  for (const event of batch) appends.xAdd('audit-events', '*', { id: event.id, event: rawJson(event) });
  await appends.exec();
  console.log(`saved ${batch.length} event(s)`);
}
await redis.close();
