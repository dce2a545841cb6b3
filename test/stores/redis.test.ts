import { Redis as IoRedis5 } from 'ioredis';
import { Redis as IoRedis6 } from 'ioredis-6';
import { type AtomicCursorStore, redisCursorStore } from 'planetscale-audit/stores';
import { cursorStoreChecks } from 'planetscale-audit/testing';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type RedisServer, redis, startRedis } from '../support/redis-server.ts';
import { describeWith } from '../support/server-process.ts';
import { configError, storeFailure, unknownClients, untyped } from './database-support.ts';

const leastPermissions = ['+eval', '+get', '+set', '+info', '+hello', '+client'];

describeWith(redis, 'redisCursorStore', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis();
  });

  afterAll(() => server?.close());

  const breakBackend = async () => {
    await server.stop();
    return () => server.start();
  };

  const connect = async (port = server.port, options: { username?: string; password?: string } = {}) => {
    const client = createClient({
      ...options,
      disableOfflineQueue: true,
      socket: { host: '127.0.0.1', port, reconnectStrategy: 20 },
    });
    client.on('error', () => {}); // The server is down.
    await client.connect();
    return client;
  };

  describe('passes the checks with redis', () => {
    const clients: Awaited<ReturnType<typeof connect>>[] = [];
    const open = async () => {
      const client = await connect();
      clients.push(client);
      return redisCursorStore(client);
    };
    const breakUntilReconnected = async () => {
      const repair = await breakBackend();
      return async () => {
        await repair();
        await expect.poll(() => clients.every(({ isReady }) => isReady), { timeout: 20_000 }).toBe(true);
      };
    };
    afterAll(() => clients.forEach((client) => void client.destroy()));
    const store = { open, compareAndSet: true, breakBackend: breakUntilReconnected };
    for (const { name, run } of cursorStoreChecks(store)) test(name, run);
  });

  const ioRedisOptions = {
    enableOfflineQueue: false,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 20,
  };

  describe.each([
    ['ioredis 5', () => new IoRedis5(server.port, '127.0.0.1', ioRedisOptions)],
    ['ioredis 6', () => new IoRedis6(server.port, '127.0.0.1', ioRedisOptions)],
  ])('passes the checks with %s', (_, createIoRedis) => {
    const clients: (IoRedis5 | IoRedis6)[] = [];
    const open = async () => {
      const client = createIoRedis();
      client.on('error', () => {}); // The server is down.
      await client.connect();
      clients.push(client);
      return redisCursorStore(client);
    };
    const breakUntilReconnected = async () => {
      const repair = await breakBackend();
      return async () => {
        await repair();
        await expect.poll(() => clients.every(({ status }) => status === 'ready'), { timeout: 20_000 }).toBe(true);
      };
    };
    afterAll(() => clients.forEach((client) => void client.disconnect()));
    const store = { open, compareAndSet: true, breakBackend: breakUntilReconnected };
    for (const { name, run } of cursorStoreChecks(store)) test(name, run);
  });

  const started = async (settings: Readonly<Record<string, string>> = {}) => {
    const other = await startRedis(settings);
    onTestFinished(() => other.close());
    return other;
  };

  const connected = async (...options: Parameters<typeof connect>) => {
    const client = await connect(...options);
    onTestFinished(() => client.destroy());
    return client;
  };

  describe.each([
    ['get', (store: AtomicCursorStore) => store.get('key')],
    ['set', (store: AtomicCursorStore) => store.set('key', 'v1:')],
    ['compareAndSet', (store: AtomicCursorStore) => store.compareAndSet('key', null, 'v1:')],
  ])('%s', (_, call) => {
    test.each(['allkeys-lru', 'allkeys-random'])('refuses a Redis that evicts keys by %s', async (policy) => {
      const { port } = await started({ maxmemory: '100mb', 'maxmemory-policy': policy });
      const client = await connected(port);
      const error = await storeFailure(() => call(redisCursorStore(client)));
      expect(error.message).toContain('CONFIG SET maxmemory-policy noeviction');
      expect(error.retryable).toBe(false);
      await client.configSet('maxmemory-policy', 'noeviction');
      await call(redisCursorStore(client));
    });

    test('names the commands that its user may not run', async () => {
      const { port } = await started();
      const admin = await connected(port);
      await admin.sendCommand(['ACL', 'SETUSER', 'poller', 'on', '>secret', '~*', '+@connection']);
      const client = await connected(port, { username: 'poller', password: 'secret' });
      const error = await storeFailure(() => call(redisCursorStore(client)));
      expect(error.message).toContain('Allow this user the commands EVAL, GET, SET and INFO');
      expect(error.retryable).toBe(false);
    });

    test('says that Redis is out of reach, and works again afterwards', async () => {
      const other = await started();
      const client = await connected(other.port);
      await other.stop();
      const error = await storeFailure(() => call(redisCursorStore(client)));
      expect(error.message).toMatch(/^redisCursorStore could not (read|save) "key" \(.+\)\. Make sure that Redis runs/);
      expect(error.retryable).toBe(true);
      await other.start();
      await expect.poll(() => client.isReady, { timeout: 20_000 }).toBe(true);
      await call(redisCursorStore(client));
    });
  });

  test('a key that holds something other than text is refused by get and compareAndSet, and left as it is', async () => {
    const client = await connected((await started()).port);
    await client.hSet('key', 'field', 'value');
    const store = redisCursorStore(client);
    for (const call of [() => store.get('key'), () => store.compareAndSet('key', null, 'v1:')]) {
      expect((await storeFailure(call)).message).toContain('Give the poller another key');
    }
    expect(await client.hGet('key', 'field')).toBe('value');
  });

  test('needs no more permissions than for EVAL, GET, SET and INFO', async () => {
    const { port } = await started();
    const admin = await connected(port);
    await admin.sendCommand(['ACL', 'SETUSER', 'poller', 'on', '>secret', '~planetscale-audit:*', ...leastPermissions]);
    const client = await connected(port, { username: 'poller', password: 'secret' });
    const store = redisCursorStore(client);
    expect(await store.compareAndSet('planetscale-audit:acme', null, 'v1:1')).toBe(true);
    await store.set('planetscale-audit:acme', 'v1:2');
    expect(await store.get('planetscale-audit:acme')).toBe('v1:2');
    const error = await storeFailure(() => store.get('other'));
    expect(error.message).toContain('on the key');
  });

  test('a replica refuses a save and says where to connect', async () => {
    const master = await started();
    const client = await connected((await started({ replicaof: `127.0.0.1 ${master.port}` })).port);
    const error = await storeFailure(() => redisCursorStore(client).set('key', 'v1:'));
    expect(error.message).toContain('Connect to the master');
    expect(error.retryable).toBe(true);
  });

  test('a Redis whose memory is full refuses a save and says so', async () => {
    const { port } = await started({ maxmemory: '1kb', 'maxmemory-policy': 'noeviction' });
    const client = await connected(port);
    const error = await storeFailure(() => redisCursorStore(client).set('key', 'v1:'));
    expect(error.message).toContain('Raise maxmemory');
    expect(error.retryable).toBe(true);
  });

  test('a policy that evicts is accepted without maxmemory, because such a Redis evicts nothing', async () => {
    const { port } = await started({ 'maxmemory-policy': 'allkeys-lru' });
    await redisCursorStore(await connected(port)).set('key', 'v1:');
  });

  test('a client that is not connected is refused, because no retry connects it', async () => {
    const error = await storeFailure(() => redisCursorStore(createClient()).get('key'));
    expect(error.message).toContain('Connect the client before the poller starts');
    expect(error.retryable).toBe(false);
  });

  test('volatile-lru, which evicts only keys with an expiry, is accepted', async () => {
    const { port } = await started({ maxmemory: '100mb', 'maxmemory-policy': 'volatile-lru' });
    await redisCursorStore(await connected(port)).set('key', 'v1:');
  });
});

const nodeRedisMulti = async (port: number) => {
  const client = createClient({ socket: { host: '127.0.0.1', port } });
  await client.connect();
  onTestFinished(() => client.destroy());
  return client.multi();
};

const ioRedisMulti = (port: number) => {
  const client = new IoRedis6({ host: '127.0.0.1', port });
  onTestFinished(() => client.disconnect());
  return client.pipeline();
};

describeWith(redis, 'redisCursorStore', () => {
  test.each(['redis', 'ioredis'])(
    'refuses a MULTI of %s at its first call, because it answers only at its end',
    async (name) => {
      const server = await startRedis();
      onTestFinished(() => server.close());
      const client = name === 'redis' ? await nodeRedisMulti(server.port) : ioRedisMulti(server.port);
      const store = redisCursorStore(untyped(client));
      const calls = [
        () => store.get('key'),
        () => store.set('key', 'v1:'),
        () => store.compareAndSet('key', null, 'v1:'),
      ];
      for (const call of calls) await expect((async () => call())()).rejects.toThrow('no MULTI or pipeline');
    },
  );
});

test.each(unknownClients)('redisCursorStore refuses %s, and shows nothing of it', (_, client) => {
  const error = configError(() => redisCursorStore(client));
  expect(error.message).toMatch(
    /^redisCursorStore does not know the client .*Pass a client of redis or ioredis, and no MULTI or pipeline\.$/,
  );
  expect(error.message).not.toContain('secret');
});
