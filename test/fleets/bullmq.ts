import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startRedis } from '../support/redis-server.ts';
import { commandsOf } from './append-only-file.ts';
import { type Fleet, groupByOrganization, isCursorKey } from './fleet.ts';
import type { Delivery } from './verdict.ts';

/** Takes batches of NDJSON over HTTP, and keeps what came. */
async function startDestination() {
  const deliveries: Delivery[] = [];
  let batches = 0;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const batch = String(batches++);
    for (const line of body.split('\n').filter(Boolean)) {
      const { organization, event } = JSON.parse(line);
      deliveries.push({ organization, id: event.id, batch });
    }
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on a port, not on a pipe.
  return { deliveries, url: `http://127.0.0.1:${port}/`, close: () => server.close().closeAllConnections() };
}

const queue = 'bull:planetscale-audit';
const statePrefix = 'fleet:organization:';

/** The time at which a job of a scheduler should run is the end of its id. */
const dueMsOf = (jobId: string): number => Number(jobId.slice(jobId.lastIndexOf(':') + 1));

export async function bullmqFleet(): Promise<Fleet> {
  // Each write is on the disk before its answer. Redis must not rewrite the file, because the trial reads all saves from it.
  const server = await startRedis({ appendonly: 'yes', appendfsync: 'always', 'auto-aof-rewrite-percentage': '0' });
  const destination = await startDestination();
  const redis = new Redis({ port: server.port, host: '127.0.0.1' });
  redis.on('error', () => {});
  const appendOnlyFile = async () => {
    const [, directory = ''] = await redis.config('GET', 'dir').then((answer) => answer as string[]); // As Redis documents it.
    return commandsOf(join(directory, 'appendonlydir'));
  };
  return {
    name: 'fleet-bullmq',
    env: { REDIS_URL: `redis://127.0.0.1:${server.port}`, DESTINATION_URL: destination.url },
    observe: async () => {},
    interrupt: async (downMs) => {
      await server.stop('SIGKILL');
      await sleep(downMs);
      await server.start();
    },
    deliveries: async () => [...destination.deliveries],
    savedStates: async () => {
      const commands = await appendOnlyFile();
      return groupByOrganization(
        commands.flatMap(([command = '', key = '', value = '']) =>
          command.toUpperCase() === 'SET' && isCursorKey(key) ? [{ key, value }] : [],
        ),
      );
    },
    successes: async () => {
      const keys = await redis.keys(`${statePrefix}*`);
      const times = await Promise.all(keys.map((key) => redis.hget(key, 'lastSuccessAt')));
      return new Map(keys.map((key, index) => [key.slice(statePrefix.length), Number(times[index] ?? 0)]));
    },
    waitingSinceMs: async () => {
      const lists = await Promise.all(['wait', 'active'].map((list) => redis.lrange(`${queue}:${list}`, 0, -1)));
      const late = await redis.zrange(`${queue}:delayed`, 0, -1);
      const due = [...lists.flat(), ...late].map(dueMsOf).filter((ms) => ms < Date.now());
      return Math.min(Number.POSITIVE_INFINITY, ...due);
    },
    everythingKept: async () => (await appendOnlyFile()).flat(),
    close: async () => {
      redis.disconnect();
      destination.close();
      await server.close();
    },
  };
}
