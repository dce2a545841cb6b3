// The connections to Redis. Redis needs `appendonly yes` and `maxmemory-policy noeviction`, or it loses cursors.
import { Redis } from 'ioredis';
import { redisUrl } from './config.ts';

/** For the cursors, the states and the schedules. A command fails while Redis is away, instead of waiting. */
export const redis = new Redis(redisUrl, {
  lazyConnect: true,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  commandTimeout: 30_000,
});
redis.on('error', (error) => console.error(error.message));

/** For the workers of BullMQ, which wait for Redis without end. */
export const openWorkerConnection = (): Redis => {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  connection.on('error', (error) => console.error(error.message));
  return connection;
};
