import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { SaveAnswer, SaveCommand } from './save-on-command.ts';

/** A system call of a save, and which of its name it is. */
export interface SystemCall {
  readonly name: string;
  readonly nth: number;
  /** As strace shows it. */
  readonly text: string;
}

export interface TracedSave {
  /** `undefined` where the process was killed. */
  readonly answer: SaveAnswer | undefined;
  readonly calls: readonly SystemCall[];
}

/**
 * A process that saves on command, and whose system calls are watched and tampered with by strace. All calls that concern files
 * are made by the one thread of its pool, which does nothing else: what is injected there hits nothing but the store.
 */
export class TracedSaver {
  readonly #child: ChildProcess;
  readonly #thread: string;

  private constructor(child: ChildProcess, thread: string) {
    this.#child = child;
    this.#thread = thread;
  }

  static async start(program: string): Promise<TracedSaver> {
    // Neither several threads nor io_uring: each call is seen, and in its order.
    const env = { ...process.env, UV_THREADPOOL_SIZE: '1', UV_USE_IO_URING: '0' };
    const child = fork(program, { env });
    await once(child, 'message');
    return new TracedSaver(child, await poolThread(child.pid));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Saves under strace with these options of its own, such as `inject=fsync:error=EIO:when=2`. */
  async save(command: SaveCommand, ...expressions: readonly string[]): Promise<TracedSave> {
    const options = ['trace=%file,%desc', ...expressions].flatMap((expression) => ['-e', expression]);
    const strace = spawn('strace', ['-y', '-p', this.#thread, ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
    const trace = text(strace.stderr);
    await attached(strace);
    const answer = await this.#ask(command);
    strace.kill('SIGINT'); // It lets the process go.
    const calls = callsIn(await trace);
    return { answer, calls };
  }

  /** `undefined` where the process ends instead. */
  async #ask(command: SaveCommand): Promise<SaveAnswer | undefined> {
    const settled = new AbortController();
    const { signal } = settled;
    const answered = once(this.#child, 'message', { signal }).then(([answer]: SaveAnswer[]) => answer);
    const ended = once(this.#child, 'exit', { signal }).then(() => undefined);
    this.#child.send(command);
    try {
      return await Promise.race([answered, ended]);
    } finally {
      settled.abort();
    }
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}

const poolThread = async (pid: number | undefined): Promise<string> => {
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const name = await readFile(`/proc/${pid}/task/${thread}/comm`, 'utf8');
    if (name.trim() === 'libuv-worker') return thread;
  }
  throw new Error(`Process ${pid} has no thread of the name libuv-worker: this Node names them otherwise.`);
};

const attached = (strace: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    let output = '';
    strace.on('error', reject);
    strace.on('exit', () => reject(new Error(`strace ended: ${output}`)));
    strace.stderr?.on('data', (data: Buffer) => {
      output += data;
      if (output.includes('attached')) resolve();
    });
  });

const callsIn = (log: string): SystemCall[] => {
  const counts = new Map<string, number>();
  return log.split('\n').flatMap((text) => {
    const name = /^(\w+)\(/.exec(text)?.[1];
    if (!name) return [];
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    return [{ name, nth, text }];
  });
};
