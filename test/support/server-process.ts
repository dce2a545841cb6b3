import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';

/** PostgreSQL and MariaDB refuse to run as root. These are the ids of Debian's user `nobody`. */
const unprivileged = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/** With FAULT_TRIALS=required, as in CI, a missing server fails its tests instead of skipping them. */
const isRequired = process.env.FAULT_TRIALS === 'required';

/** A server that a test may need: the package that has it, and the first of these paths that exists. */
export interface Installed {
  readonly package: string;
  readonly program: string | undefined;
}

export const installed = (packageName: string, paths: readonly string[]): Installed => ({
  package: packageName,
  program: paths.find((path) => existsSync(path)),
});

/** Describes tests that need a server. Without the server they are skipped, and the title says how to install it. */
export const describeWith = (server: Installed, title: string, tests: () => void): void => {
  const isMissing = server.program === undefined && !isRequired;
  describe.skipIf(isMissing)(isMissing ? `${title} (skipped: apt-get install ${server.package})` : title, tests);
};

/** @throws Error if the server is not installed */
export const programOf = (server: Installed): string => {
  if (server.program !== undefined) return server.program;
  throw new Error(`A program is missing. Run apt-get install ${server.package}.`);
};

/** Creates a directory that a server can write to. */
export function serverDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `${name}-`));
  const { uid, gid } = unprivileged;
  if (uid !== undefined) chownSync(directory, uid, gid);
  return directory;
}

/** Runs a program to its end as the user of the servers. */
export const runUnprivileged = (program: string, args: readonly string[], cwd: string): void =>
  void execFileSync(program, args, { ...unprivileged, cwd, stdio: ['ignore', 'ignore', 'pipe'] });

/** A port of the loopback interface that is free now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

export interface ServerCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** A directory of `serverDirectory`, which `close` removes. */
  readonly directory: string;
  /** Matches the output of the server once it takes connections. */
  readonly isReady: RegExp;
}

/** A server that a test starts and stops as often as it likes. */
export class ServerProcess {
  readonly #command: ServerCommand;
  #child: ChildProcess | undefined;

  constructor(command: ServerCommand) {
    this.#command = command;
    process.once('exit', this.#kill); // A test run that ends early leaves no server behind.
  }

  readonly #kill = () => void this.#child?.kill('SIGKILL');

  /** Resolves once the server takes connections. */
  start(): Promise<void> {
    const { program, args, directory, isReady } = this.#command;
    const child = spawn(program, args, { ...unprivileged, cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    let output = '';
    return new Promise((resolve, reject) => {
      const onData = (data: Buffer) => {
        output = `${output}${data}`.slice(-10_000);
        if (isReady.test(output)) resolve();
      };
      child.stdout.on('data', onData);
      child.stderr.on('data', onData);
      child.once('error', reject);
      child.once('close', (code) => reject(new Error(`${program} ended with ${code}:\n${output}`)));
    });
  }

  /** Ends the server and resolves once its process is gone. SIGKILL is a crash. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.kill(signal);
    await closed;
  }

  /** Ends the server and removes its directory. */
  async close(): Promise<void> {
    await this.stop('SIGKILL');
    process.off('exit', this.#kill);
    rmSync(this.#command.directory, { recursive: true, force: true });
  }
}
