// One job for each organization that is due. Every worker asks, so that no machine is needed for it.
import type { PgBoss } from 'pg-boss';
import { dueOrganizations } from './state.ts';

export const queueName = 'planetscale-audit';

export interface OrganizationJob {
  /** The name alone. A token is never in a job. */
  readonly organization: string;
}

export const createQueue = (boss: PgBoss): Promise<void> =>
  boss.createQueue(queueName, {
    policy: 'exclusive', // With the singletonKey below, an organization has at most one job, queued or active.
    retryLimit: 0, // The table of organizations decides when the next run is.
    heartbeatSeconds: 30, // After the death of a worker, its jobs end after this time.
    expireInSeconds: 3600, // A first run must read down to the oldest event within this time.
    deleteAfterSeconds: 600,
  });

export async function enqueueDue(boss: PgBoss, organizations: readonly string[]): Promise<void> {
  const due = await dueOrganizations(organizations);
  const jobs = due.map((organization) => ({ data: { organization }, singletonKey: organization }));
  if (jobs.length > 0) await boss.insert(queueName, jobs);
}
