// Sends each new event of an organization to a webhook of RunReveal. The cursor advances only after RunReveal has accepted a
// batch. If anything fails before, the next run sends that batch again. Ctrl-C ends the program at once, even if RunReveal hangs, and
// so does a reader that closes the pipe.
// Set PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID, PLANETSCALE_SERVICE_TOKEN and RUNREVEAL_WEBHOOK_URL, and
// RUNREVEAL_WEBHOOK_TOKEN if the source has a token.
import { PlanetScaleAuditClient, poller, printable, runRevealWebhook } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
process.stdout.on('error', (error) => {
  if (!('code' in error && error.code === 'EPIPE')) throw error;
  stop.abort();
});

const send = runRevealWebhook({
  url: process.env.RUNREVEAL_WEBHOOK_URL ?? '',
  token: process.env.RUNREVEAL_WEBHOOK_TOKEN || undefined,
});
const client = PlanetScaleAuditClient.fromEnv();
const events = poller(client, {
  store: fileCursorStore(process.env.CURSOR_DIRECTORY ?? './cursors'),
  key: `runreveal:${client.organization}`, // A cursor of its own: the program sends every event, even if another consumer has read it.
  startFrom: { newest: 200 },
  signal: stop.signal,
});

try {
  for await (const batch of events.batches()) {
    await send(batch, { signal: stop.signal });
    console.log(`RunReveal accepted ${batch.length} event(s), up to ${printable(batch.at(-1)?.created_at ?? '')}`);
  }
} catch (error) {
  if (error !== stop.signal.reason) throw error; // An abort makes `send` throw the reason of the signal.
}
