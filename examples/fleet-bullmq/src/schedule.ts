// A job scheduler for each organization. Every worker looks after them, so that no machine is needed for it.
import { Queue } from 'bullmq';
import { intervalMs } from './config.ts';
import { redis } from './redis.ts';
import { addOrganizations } from './state.ts';

export const queueName = 'planetscale-audit';

export interface OrganizationJob {
  /** The name alone. A token is never in a job. */
  readonly organization: string;
}

export const openQueue = (): Queue<OrganizationJob> => new Queue<OrganizationJob>(queueName, { connection: redis });

/** Adds schedulers that are missing, removes those of organizations that are gone, and starts those again that stand still. */
export async function reconcile(queue: Queue<OrganizationJob>, organizations: readonly string[]): Promise<void> {
  await addOrganizations(organizations);
  const schedulers = new Map((await queue.getJobSchedulers()).map(({ key, next = 0 }) => [key, next]));
  // A worker that dies in the wrong moment can leave a scheduler without its next job.
  const standsStill = (organization: string) => (schedulers.get(organization) ?? 0) < Date.now() - 3 * intervalMs;
  for (const organization of organizations.filter(standsStill)) await startScheduler(queue, organization);
  const wanted = new Set(organizations);
  for (const organization of schedulers.keys())
    if (!wanted.has(organization)) await queue.removeJobScheduler(organization);
}

async function startScheduler(queue: Queue<OrganizationJob>, organization: string): Promise<void> {
  await queue.upsertJobScheduler(
    organization,
    // The offset keeps the organizations from starting in the same second.
    { every: intervalMs, offset: Math.floor(Math.random() * intervalMs) },
    {
      name: 'drain',
      data: { organization },
      opts: { attempts: 1, removeOnComplete: true, removeOnFail: { age: 86_400, count: 1000 } },
    },
  );
}
