// One run of one organization: all that is new, and the outcome.
import { PlanetScaleAuditClient, type PollNotice, poller, printable } from 'planetscale-audit';
import { redisCursorStore } from 'planetscale-audit/stores';

import { deliver } from './deliver.ts';
import type { Credentials } from './organizations.ts';
import { type Outcome, outcomeOf, success } from './outcome.ts';
import { redis } from './redis.ts';
import { failuresOf, isDue, record } from './state.ts';

const store = redisCursorStore(redis);

/** @throws Error if the run failed for an unexpected reason, so that the engine has a failed job to show */
export async function run(organization: string, credentials: Credentials, signal: AbortSignal): Promise<void> {
  if (!(await isDue(organization))) return;
  try {
    await drain(organization, credentials, signal);
    if (!signal.aborted) await record(organization, success());
  } catch (error) {
    const outcome = outcomeOf(error, await failuresOf(organization));
    await record(organization, outcome);
    report(organization, outcome);
  }
}

async function drain(organization: string, credentials: Credentials, signal: AbortSignal): Promise<void> {
  // The back-off of the fleet takes the place of the client's retries. A worker must not sleep for one organization.
  const client = PlanetScaleAuditClient.fromEnv({ organization, ...credentials, retries: 0 });
  const onNotice = (notice: PollNotice) => console.warn(printable(`${organization}: ${JSON.stringify(notice)}`));
  const events = poller(client, { store, startFrom: 'oldest', drain: true, signal, onNotice });
  for await (const batch of events.batches()) await deliver(organization, batch);
}

function report(organization: string, outcome: Outcome): void {
  console.error(printable(`${organization}: ${outcome.kind}`), 'message' in outcome ? outcome.message : '');
  if (outcome.kind === 'failed' && outcome.isUnexpected) throw new Error(outcome.message);
}
