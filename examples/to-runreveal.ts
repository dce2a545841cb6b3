// Sends the events of an organization to a webhook of RunReveal's as they come. The cursor moves only once RunReveal has
// accepted a batch: whatever fails, the next run sends that batch again.
// PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN say whose, RUNREVEAL_WEBHOOK_URL where to, with
// RUNREVEAL_WEBHOOK_TOKEN where the source has one; Ctrl-C ends it after the batch in hand.
import { PlanetScaleAuditClient, poller, runRevealWebhook } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());

const send = runRevealWebhook({
  url: process.env.RUNREVEAL_WEBHOOK_URL ?? '',
  token: process.env.RUNREVEAL_WEBHOOK_TOKEN || undefined,
});
const client = PlanetScaleAuditClient.fromEnv();
const events = poller(client, {
  store: fileCursorStore(process.env.CURSOR_DIRECTORY ?? './cursors'),
  key: `runreveal:${client.organization}`, // A place of its own: what another consumer has seen is sent all the same.
  startFrom: { newest: 200 },
  signal: stop.signal,
});

for await (const batch of events.batches()) {
  await send(batch);
  console.log(`RunReveal accepted ${batch.length} event(s), up to ${batch.at(-1)?.created_at}`);
}
