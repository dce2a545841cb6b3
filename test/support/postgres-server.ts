import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freePort, installed, programOf, runUnprivileged, ServerProcess, serverDirectory } from './server-process.ts';

/** For `describeWith`. */
export const postgres = installed('postgresql', globSync('/usr/lib/postgresql/*/bin/postgres').sort().reverse());

/** A PostgreSQL of its own for one test file, on loopback. */
export interface PostgresServer {
  /** The connection string of the superuser `postgres`, who needs no password. */
  readonly url: string;
  readonly port: number;
  start(): Promise<void>;
  /** Ends all connections, and resolves once the server is gone. SIGKILL is a crash. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Ends the server and removes its data. */
  close(): Promise<void>;
}

/** Creates and starts a server. The caller closes it. */
export async function startPostgres(): Promise<PostgresServer> {
  const program = programOf(postgres);
  const directory = serverDirectory('postgres');
  const data = join(directory, 'data');
  const set = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'];
  runUnprivileged(join(dirname(program), 'initdb'), ['-D', data, ...set], directory);
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: directory,
    max_connections: '200',
    fsync: 'off', // A crash of the server loses nothing all the same. Only a crash of the machine does.
    logging_collector: 'off',
  };
  const server = new ServerProcess({
    program,
    args: [
      '-D',
      data,
      '-p',
      `${port}`,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    directory,
    isReady: /database system is ready to accept connections/,
  });
  await server.start();
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    start: () => server.start(),
    // SIGINT ends all connections. SIGTERM would wait for the clients to leave.
    stop: (signal = 'SIGINT') => server.stop(signal),
    close: () => server.close(),
  };
}
