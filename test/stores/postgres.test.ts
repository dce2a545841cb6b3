import { Client, Pool } from 'pg';
import { cursorTableDdl, type PostgresLike, postgresCursorStore } from 'planetscale-audit/stores';
import { cursorStoreChecks } from 'planetscale-audit/testing';
import postgresJs from 'postgres';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type PostgresServer, postgres, startPostgres } from '../support/postgres-server.ts';
import { describeWith } from '../support/server-process.ts';

describeWith(postgres, 'postgresCursorStore', () => {
  let server: PostgresServer;
  let admin: Pool;

  const openPool = (user = 'postgres') => {
    const pool = new Pool({ host: '127.0.0.1', port: server.port, user, database: 'postgres', max: 50 });
    pool.on('error', () => {}); // An idle connection broke.
    return pool;
  };

  beforeAll(async () => {
    server = await startPostgres();
    admin = openPool();
    await admin.query(cursorTableDdl('postgres'));
  }, 60_000);

  afterAll(async () => {
    await admin?.end();
    await server?.close();
  });

  const breakBackend = async () => {
    await server.stop();
    return () => server.start();
  };

  describe('passes the checks with a Pool of pg', () => {
    const pools: Pool[] = [];
    const open = () => {
      const pool = openPool();
      pools.push(pool);
      return postgresCursorStore(pool);
    };
    afterAll(() => Promise.all(pools.map((pool) => pool.end())));
    for (const { name, run } of cursorStoreChecks({ open, compareAndSet: true, breakBackend })) test(name, run);
  });

  describe('passes the checks with Clients of pg that the application replaces after an outage', () => {
    const handles: { client: Client }[] = [];
    const connected = async () => {
      const client = new Client(server.url);
      client.on('error', () => {});
      await client.connect();
      return client;
    };
    const open = async () => {
      const handle = { client: await connected() };
      handles.push(handle);
      return postgresCursorStore({ query: (text, values) => handle.client.query(text, values) });
    };
    const breakAndReconnect = async () => {
      const repair = await breakBackend();
      return async () => {
        await repair();
        await Promise.all(
          handles.map(async (handle) => {
            handle.client = await connected();
          }),
        );
      };
    };
    afterAll(() => Promise.all(handles.map(({ client }) => client.end())));
    const store = { open, compareAndSet: true, breakBackend: breakAndReconnect };
    for (const { name, run } of cursorStoreChecks(store)) test(name, run);
  });

  describe('passes the checks with postgres', () => {
    const clients: postgresJs.Sql[] = [];
    const open = () => {
      const sql = postgresJs(server.url, { max: 1, backoff: false });
      clients.push(sql);
      return postgresCursorStore(sql);
    };
    afterAll(() => Promise.all(clients.map((sql) => sql.end({ timeout: 1 }))));
    for (const { name, run } of cursorStoreChecks({ open, compareAndSet: true, breakBackend })) test(name, run);
  });
});
