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
  for (const organization of organizations) {
    const nextMs = schedulers.get(organization);
    const isRunning =
      nextMs !== undefined && (nextMs > Date.now() - 3 * intervalMs || (await hasJob(queue, organization, nextMs)));
    if (!isRunning) await startScheduler(queue, organization);
  }
  const wanted = new Set(organizations);
  for (const organization of schedulers.keys())
    if (!wanted.has(organization)) await queue.removeJobScheduler(organization);
}

/** A job that is only late stays where it is. A job that workers took twice and never finished is failed, and has no successor. */
async function hasJob(queue: Queue<OrganizationJob>, organization: string, nextMs: number): Promise<boolean> {
  const job = await queue.getJob(`repeat:${organization}:${nextMs}`);
  return job !== undefined && !(await job.isFailed());
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
