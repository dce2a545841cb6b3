// A Cloudflare Worker that sends new events to a RunReveal webhook on a schedule, with the cursor in Workers KV. In wrangler.toml:
//   main = "cloudflare-worker.ts"
//   triggers = { crons = ["*/5 * * * *"] }
//   kv_namespaces = [{ binding = "CURSORS", id = "…" }]
// Set the four variables of Env with `wrangler secret put`.
//
// KV fits because Cloudflare starts one run of a schedule at a time. KV is not fit for several pollers: it has no compareAndSet, and a
// read may be a minute old. After an old read, the events of that minute are sent again. D1 or a Durable Object has neither limit.
import { PlanetScaleAuditClient, poller, runRevealWebhook } from 'planetscale-audit';

/** The part of a KV namespace that the Worker needs. `KVNamespace` of @cloudflare/workers-types fits. */
export interface KvLike {
  get(key: string): Promise<string | null>;
  put(key: string, value: string): Promise<void>;
}

export interface Env {
  readonly CURSORS: KvLike;
  readonly PLANETSCALE_ORG: string;
  readonly PLANETSCALE_SERVICE_TOKEN_ID: string;
  readonly PLANETSCALE_SERVICE_TOKEN: string;
  readonly PLANETSCALE_API_URL?: string;
  readonly RUNREVEAL_WEBHOOK_URL: string;
}

export default {
  async scheduled(_controller: unknown, { CURSORS, ...variables }: Env): Promise<void> {
    const client = PlanetScaleAuditClient.fromEnv({}, variables);
    const send = runRevealWebhook({ url: variables.RUNREVEAL_WEBHOOK_URL });
    const key = `planetscale-audit:${client.organization}`;

    // KV takes one write a second for each key, so the run reads the cursor once and writes it once. The poller works on a Map.
    const saved = await CURSORS.get(key);
    const cursor = new Map(saved === null ? [] : [[key, saved]]);
    // A free Worker may send 50 requests a run, so the first run starts with the newest two pages.
    const events = poller(client, { store: cursor, key, startFrom: { newest: 200 }, drain: true });
    try {
      for await (const batch of events.batches()) await send(batch);
    } finally {
      const current = cursor.get(key);
      if (current !== undefined && current !== saved) await CURSORS.put(key, current);
    }
  },
};
