// A worker. Start as many as you like, on any number of machines.
import { Worker } from 'bullmq';
import { concurrency, intervalMs } from './config.ts';
import { readOrganizations } from './organizations.ts';
import { openWorkerConnection, redis } from './redis.ts';
import { run } from './run.ts';
import { type OrganizationJob, openQueue, queueName, reconcile } from './schedule.ts';

const stop = new AbortController();

await redis.connect();
const queue = openQueue();
queue.on('error', (error) => console.error(error.message));

const connection = openWorkerConnection();
const worker = new Worker<OrganizationJob>(
  queueName,
  async ({ data: { organization } }) => {
    const credentials = (await readOrganizations()).get(organization);
    if (credentials) await run(organization, credentials, stop.signal);
  },
  { connection, concurrency, stalledInterval: 10_000 },
);
worker.on('error', (error) => console.error(error.message));

const schedule = async (): Promise<void> => {
  try {
    await reconcile(queue, [...(await readOrganizations()).keys()]);
  } catch (error) {
    console.error(String(error)); // Redis is away, or the file is being written. The next round tries again.
  }
};
await schedule();
const rounds = setInterval(schedule, Math.min(60_000, intervalMs * 5));

const shutDown = async (): Promise<void> => {
  clearInterval(rounds);
  stop.abort();
  await worker.close(); // Waits for the batches in flight.
  await queue.close();
  connection.disconnect();
  redis.disconnect();
};
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, shutDown);
