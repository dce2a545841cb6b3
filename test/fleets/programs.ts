import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProgramOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onOutput: (text: string) => void;
}

/** Starts a program of an example, which ends with this process at the latest. */
export function startProgram(
  file: string,
  args: readonly string[],
  { cwd, env, onOutput }: ProgramOptions,
): ChildProcess {
  const child = spawn(process.execPath, [file, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('close', () => process.off('exit', kill));
  child.stdout.setEncoding('utf8').on('data', onOutput);
  child.stderr.setEncoding('utf8').on('data', onOutput);
  return child;
}

/** Runs a program of an example to its end. */
export async function runProgram(...call: Parameters<typeof startProgram>): Promise<void> {
  const [code] = await once(startProgram(...call), 'close');
  if (code !== 0) throw new Error(`${call[0]} ${call[1].join(' ')} ended with ${code}.`);
}

/** Keeps a number of workers running, as systemd or Kubernetes does. */
export class Workers {
  readonly #options: ProgramOptions;
  readonly #children = new Set<ChildProcess>();
  #isStopping = false;
  /** How many workers ended by themselves. */
  exits = 0;

  constructor(count: number, options: ProgramOptions) {
    this.#options = options;
    for (let left = count; left > 0; left--) this.#start();
  }

  #start(): void {
    const child = startProgram('src/worker.ts', [], this.#options);
    this.#children.add(child);
    child.once('close', async () => {
      this.#children.delete(child);
      if (child.signalCode === null && !this.#isStopping) {
        this.exits++;
        this.#options.onOutput(`A worker ended with ${child.exitCode}.\n`);
      }
      await sleep(200);
      if (!this.#isStopping) this.#start();
    });
  }

  /** Kills a worker at random, which starts again at once. */
  killOne(random: () => number): boolean {
    const children = [...this.#children];
    return children[Math.floor(random() * children.length)]?.kill('SIGKILL') ?? false;
  }

  /** Ends all workers with SIGTERM, and returns their exit codes. */
  async stop(): Promise<readonly (number | null)[]> {
    this.#isStopping = true;
    return Promise.all(
      [...this.#children].map(async (child) => {
        const closed = once(child, 'close');
        child.kill('SIGTERM');
        const limit = setTimeout(() => child.kill('SIGKILL'), 120_000);
        const [code] = await closed;
        clearTimeout(limit);
        return code;
      }),
    );
  }
}
