import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { freePort, installed, programOf, runUnprivileged, ServerProcess, serverDirectory } from './server-process.ts';

/** For `describeWith`. */
export const mariadb = installed('mariadb-server', ['/usr/sbin/mariadbd']);

/** A MariaDB of its own for one test file, on loopback. */
export interface MariadbServer {
  /** The connection string of the superuser `root`, who needs no password, with the database `app`. */
  readonly url: string;
  readonly port: number;
  start(): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Ends the server and removes its data. */
  close(): Promise<void>;
}

/** Creates and starts a server. The caller closes it. */
export async function startMariadb(): Promise<MariadbServer> {
  const program = programOf(mariadb);
  const directory = serverDirectory('mariadb');
  const data = join(directory, 'data');
  const set = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve'];
  runUnprivileged('mariadb-install-db', ['--no-defaults', `--datadir=${data}`, ...set], directory);
  const port = await freePort();
  const server = new ServerProcess({
    program,
    args: [
      '--no-defaults',
      `--datadir=${data}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(directory, 'socket')}`,
      '--skip-name-resolve',
      '--max-connections=200',
      '--innodb-fast-shutdown=2', // A stop takes a tenth of the time, as after a crash.
      '--innodb-flush-log-at-trx-commit=2', // A crash of the server loses nothing all the same. Only a crash of the machine does.
    ],
    directory,
    isReady: /ready for connections/,
  });
  await server.start();
  const connection = await createConnection({ host: '127.0.0.1', port, user: 'root' });
  await connection.query('CREATE DATABASE app');
  await connection.end();
  return {
    url: `mysql://root@127.0.0.1:${port}/app`,
    port,
    start: () => server.start(),
    stop: (signal) => server.stop(signal),
    close: () => server.close(),
  };
}
