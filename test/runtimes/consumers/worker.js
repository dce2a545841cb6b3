// A Worker that copies new events into a KV namespace on a schedule, and keeps its cursor in another one.
import { env } from 'cloudflare:workers';
import { PlanetScaleAuditClient, poller, toJsonEachRow } from 'planetscale-audit';
import { consume } from './consume.js';

const kvCursorStore = (kv) => ({
  get: (key) => kv.get(key),
  set: (key, value) => kv.put(key, value),
});

// A Worker may neither send requests nor start timers at this level.
const client = PlanetScaleAuditClient.fromEnv({}, env);
const store = kvCursorStore(env.CURSORS);

export default {
  async scheduled() {
    for await (const batch of poller(client, { store, startFrom: 'oldest', drain: true }).batches()) {
      await env.ROWS.put(batch[0].id, batch.map((event) => toJsonEachRow(event)).join('\n'));
    }
  },
  async fetch(request) {
    const { urls } = await request.json();
    return Response.json(await consume({ urls, stores: { kv: kvCursorStore(env.OTHER_CURSORS) } }));
  },
};
