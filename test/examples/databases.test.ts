import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { Client } from 'pg';
import { createClient } from 'redis';
import { expect, onTestFinished, test } from 'vitest';
import { mariadb, startMariadb } from '../support/mariadb-server.ts';
import { postgres, startPostgres } from '../support/postgres-server.ts';
import { redis, startRedis } from '../support/redis-server.ts';
import { describeWith } from '../support/server-process.ts';
import { everyEvent, runTwice, slowly, temporaryDirectory } from './support.ts';

describeWith(postgres, 'the examples for PostgreSQL', () => {
  test.each(['postgres-store.ts', 'postgres-transaction.ts'])(
    '%s copies every event once, over two runs',
    async (example) => {
      const server = await startPostgres();
      onTestFinished(() => server.close());
      await runTwice(example, { DATABASE_URL: server.url });
      const client = new Client(server.url);
      await client.connect();
      const { rows } = await client.query('SELECT id FROM audit_events ORDER BY id');
      await client.end();
      expect(rows.map(({ id }) => id)).toEqual(everyEvent());
    },
    slowly,
  );
});

describeWith(mariadb, 'examples/mysql-store.ts', () => {
  test(
    'copies every event once into MariaDB, over two runs',
    async () => {
      const server = await startMariadb();
      onTestFinished(() => server.close());
      const connection = await createConnection(server.url);
      await runTwice('mysql-store.ts', { DATABASE_URL: server.url });
      const [rows] = await connection.query<RowDataPacket[]>(
        'SELECT CAST(id AS CHAR) AS id FROM audit_events ORDER BY id',
      );
      await connection.end();
      expect(rows.map(({ id }) => id)).toEqual(everyEvent());
    },
    slowly,
  );
});

describeWith(redis, 'examples/redis-store.ts', () => {
  test(
    'appends every event once to a stream of Redis, over two runs',
    async () => {
      const server = await startRedis();
      onTestFinished(() => server.close());
      const url = `redis://127.0.0.1:${server.port}`;
      await runTwice('redis-store.ts', { REDIS_URL: url });
      const client = await createClient({ url }).connect();
      const entries = await client.xRange('audit-events', '-', '+');
      await client.close();
      expect(entries?.map(({ message }) => message.id)).toEqual(everyEvent());
    },
    slowly,
  );
});

test(
  'examples/sqlite-store.ts copies every event once into SQLite, over two runs',
  async () => {
    const file = join(await temporaryDirectory(), 'audit.db');
    await runTwice('sqlite-store.ts', { SQLITE_FILE: file });
    const database = new DatabaseSync(file);
    const rows = database.prepare('SELECT id FROM audit_events ORDER BY id').all();
    database.close();
    expect(rows.map(({ id }) => id)).toEqual(everyEvent());
  },
  slowly,
);
