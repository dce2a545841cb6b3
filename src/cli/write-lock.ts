import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { errorCode } from '../internal/foreign-error.ts';
import { ignoreNotFound } from '../stores/file/durable-file.ts';
import { UsageError } from './flags.ts';

/**
 * Keeps other processes from writing the same file. The lock of a process that no longer runs is free.
 *
 * A process on another machine or in another container takes the lock over, because nobody can see there whether this one still runs.
 * Ask {@link WriteLock.check} before each write, so that only the last owner goes on.
 */
export class WriteLock {
  readonly #path: string;
  readonly #owner = `${process.pid} ${randomUUID()}`;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws UsageError if another process on this machine holds the lock */
  static async take(path: string): Promise<WriteLock> {
    const lock = new WriteLock(path);
    if (await lock.#create()) return lock;
    const pid = Number.parseInt((await lock.#read()) ?? '', 10);
    if (pid !== process.pid && isRunning(pid)) {
      throw new UsageError(
        `--out: another export writes this file (process ${pid}). Wait until it has ended. If that process is no export, remove ${path}.`,
      );
    }
    await rm(path, { force: true });
    if (await lock.#create()) return lock;
    throw new UsageError('--out: another export has begun to write this file. Wait until it has ended.');
  }

  /** @throws Error if another process has taken the lock over */
  async check(): Promise<void> {
    if ((await this.#read()) === this.#owner) return;
    throw new Error(
      `${this.#path} is no longer of this export, because another one has begun, or somebody has removed the file. This export has stopped.`,
    );
  }

  async release(): Promise<void> {
    if ((await this.#read()) === this.#owner) await rm(this.#path, { force: true });
  }

  /** Resolves with false if the lock exists already. */
  async #create(): Promise<boolean> {
    try {
      await writeFile(this.#path, this.#owner, { flag: 'wx' });
      return true;
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false;
      throw error;
    }
  }

  #read(): Promise<string | undefined> {
    return ignoreNotFound(() => readFile(this.#path, 'utf8'));
  }
}

/** The process of another user answers with EPERM. */
const isRunning = (pid: number): boolean => {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
};
