import { freePort, installed, programOf, ServerProcess, serverDirectory } from './server-process.ts';

/** For `describeWith`. */
export const redis = installed('redis-server', ['/usr/bin/redis-server', '/usr/local/bin/redis-server']);

/** A Redis of its own for one test file, on loopback, that keeps its keys when it stops. */
export interface RedisServer {
  readonly port: number;
  start(): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Ends the server and removes its data. */
  close(): Promise<void>;
}

/** Creates and starts a server. The caller closes it. */
export async function startRedis(settings: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
  const directory = serverDirectory('redis');
  const port = await freePort();
  const all = {
    port: `${port}`,
    bind: '127.0.0.1',
    dir: directory,
    appendonly: 'yes',
    appendfsync: 'always',
    ...settings,
  };
  const server = new ServerProcess({
    program: programOf(redis),
    args: Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]),
    directory,
    isReady: /Ready to accept connections/,
  });
  await server.start();
  return {
    port,
    start: () => server.start(),
    stop: (signal) => server.stop(signal),
    close: () => server.close(),
  };
}
