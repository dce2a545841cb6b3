// A worker. Start as many as you like, on any number of machines.
import { PgBoss } from 'pg-boss';
import { concurrency, databaseUrl, intervalMs } from './config.ts';
import { createTables, pool } from './database.ts';
import { readOrganizations } from './organizations.ts';
import { run } from './run.ts';
import { createQueue, enqueueDue, type OrganizationJob, queueName } from './schedule.ts';

const stop = new AbortController();

await createTables();

const boss = new PgBoss({
  connectionString: databaseUrl,
  connectionTimeoutMillis: 5000,
  schedule: false, // pg-boss's own schedules count whole minutes, and would start all organizations in the same second.
  superviseIntervalSeconds: 10, // How often it looks for jobs of dead workers.
  monitorIntervalSeconds: 10,
  maintenanceIntervalSeconds: 60,
});
boss.on('error', (error) => console.error(error.message));
await boss.start();
await createQueue(boss);

// Each slot takes one job at a time, so that a long backlog of one organization holds back no other one.
await boss.work<OrganizationJob>(
  queueName,
  { localConcurrency: concurrency, pollingIntervalSeconds: 0.5 },
  async ([job]) => {
    const credentials = job && (await readOrganizations()).get(job.data.organization);
    if (credentials) await run(job.data.organization, credentials, AbortSignal.any([stop.signal, job.signal]));
  },
);

const schedule = async (): Promise<void> => {
  try {
    await enqueueDue(boss, [...(await readOrganizations()).keys()]);
  } catch (error) {
    console.error(String(error)); // PostgreSQL is away, or the file is being written. The next round tries again.
  }
};
await schedule();
const rounds = setInterval(schedule, Math.min(5000, intervalMs / 2));

const shutDown = async (): Promise<void> => {
  clearInterval(rounds);
  stop.abort();
  await boss.stop({ timeout: 30_000 }); // Waits for the batches in flight.
  await pool.end();
};
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, shutDown);
