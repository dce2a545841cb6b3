import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { SaveAnswer, SaveCommand } from './save-on-command.ts';

/** A system call that a save made. */
export interface SystemCall {
  readonly name: string;
  /** Its position among the calls of this name, from 1. */
  readonly nth: number;
  /** The call as strace prints it. */
  readonly text: string;
}

export interface TracedSave {
  /** `undefined` if the process was killed. */
  readonly answer: SaveAnswer | undefined;
  readonly calls: readonly SystemCall[];
}

/**
 * A process that saves on command while strace records its system calls and injects faults into them. The only thread of its
 * pool makes all file system calls and nothing else, so an injected fault hits only the store.
 */
export class TracedSaver {
  readonly #child: ChildProcess;
  readonly #thread: string;

  private constructor(child: ChildProcess, thread: string) {
    this.#child = child;
    this.#thread = thread;
  }

  static async start(program: string): Promise<TracedSaver> {
    // With one thread and without io_uring, strace sees every call in order.
    const env = { ...process.env, UV_THREADPOOL_SIZE: '1', UV_USE_IO_URING: '0' };
    const child = fork(program, { env });
    await once(child, 'message');
    return new TracedSaver(child, await poolThread(child.pid));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Saves under strace with the given expressions, such as `inject=fsync:error=EIO:when=2`. */
  async save(command: SaveCommand, ...expressions: readonly string[]): Promise<TracedSave> {
    const options = ['trace=%file,%desc', ...expressions].flatMap((expression) => ['-e', expression]);
    const strace = spawn('strace', ['-y', '-p', this.#thread, ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
    const trace = text(strace.stderr);
    await attached(strace);
    const answer = await this.#ask(command);
    strace.kill('SIGINT'); // strace detaches from the process and ends.
    const calls = callsIn(await trace);
    return { answer, calls };
  }

  /** Resolves with `undefined` if the process ends without an answer. */
  async #ask(command: SaveCommand): Promise<SaveAnswer | undefined> {
    const listening = new AbortController();
    const { signal } = listening;
    const answered = once(this.#child, 'message', { signal }).then(([answer]: SaveAnswer[]) => answer);
    const ended = once(this.#child, 'exit', { signal }).then(() => undefined);
    this.#child.send(command);
    try {
      return await Promise.race([answered, ended]);
    } finally {
      listening.abort();
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
  throw new Error(
    `Process ${pid} has no thread named libuv-worker. Look up in /proc how this version of Node names its pool threads.`,
  );
};

const attached = (strace: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    let output = '';
    strace.on('error', reject);
    strace.on('exit', () => reject(new Error(`strace ended before it attached to the process (${output})`)));
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
