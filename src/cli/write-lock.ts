import { randomUUID } from 'node:crypto';
import { readFile, readlink, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { errorCode } from '../internal/foreign-error.ts';
import { sleep } from '../internal/sleep.ts';
import { ignoreNotFound } from '../stores/file/durable-file.ts';
import { UsageError } from './flags.ts';

/** How often the owner touches its lock, and when a lock that nobody has touched is free. */
const touchEveryMs = 10_000;
const untouchedMs = 60_000;

/** Processes that find the same dead lock replace it within this time. The last of them owns it. */
const takeoverMs = 500;

/**
 * Keeps other processes from writing the same file. The lock of a process that no longer runs is free: at once if it ran on this
 * machine, and after a minute if it ran on another one or in another container.
 *
 * A process that was suspended for longer may lose its lock. Ask {@link WriteLock.check} before each write.
 */
export class WriteLock {
  readonly #path: string;
  readonly #text: string;
  readonly #touching: NodeJS.Timeout;

  private constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
    this.#touching = setInterval(() => void touch(path), touchEveryMs).unref();
  }

  /** @throws UsageError if another process holds the lock */
  static async take(path: string): Promise<WriteLock> {
    const owner: Owner = { place: await findPlace(), pid: process.pid, id: randomUUID() };
    const text = JSON.stringify(owner);
    if (!(await create(path, text))) {
      await rejectHeld(path, owner);
      await writeFile(`${path}.${owner.id}`, text);
      await rename(`${path}.${owner.id}`, path);
      await sleep(takeoverMs);
    }
    if ((await read(path)) !== text)
      throw new UsageError('--out: another export has begun to write this file. Wait until it has ended.');
    return new WriteLock(path, text);
  }

  /** @throws Error if another process has taken the lock over */
  async check(): Promise<void> {
    if ((await read(this.#path)) === this.#text) return;
    throw new Error(
      `${this.#path} is no longer of this export, because another one has begun, or somebody has removed the file. This export has stopped.`,
    );
  }

  async release(): Promise<void> {
    clearInterval(this.#touching);
    if ((await read(this.#path)) === this.#text) await rm(this.#path, { force: true });
  }
}

interface Owner {
  /** The machine or container. Processes see each other within one place alone. */
  readonly place: string;
  readonly pid: number;
  readonly id: string;
}

const findPlace = async (): Promise<string> => {
  const pidNamespace = await readlink('/proc/self/ns/pid').catch(() => ''); // Linux alone has it.
  return [hostname(), pidNamespace].filter(Boolean).join(' ');
};

const rejectHeld = async (path: string, owner: Owner): Promise<void> => {
  const { place, pid } = parseOwner(await read(path));
  if (place === owner.place) {
    if (pid === owner.pid || !(await isRunning(pid))) return;
    throw new UsageError(
      `--out: another export writes this file (process ${pid}). Wait until it has ended. If that process is no export, remove ${path}.`,
    );
  }
  const touchedMs = (await ignoreNotFound(() => stat(path)))?.mtimeMs ?? 0;
  if (Date.now() - touchedMs > untouchedMs) return;
  throw new UsageError(
    `--out: an export on another machine or in another container writes this file (${place}). Wait until it has ended. If it has crashed, wait a minute.`,
  );
};

/** Resolves with false if the lock exists already. */
const create = async (path: string, text: string): Promise<boolean> => {
  try {
    await writeFile(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
};

const read = (path: string): Promise<string | undefined> => ignoreNotFound(() => readFile(path, 'utf8'));

const touch = (path: string): Promise<void> => utimes(path, new Date(), new Date()).catch(() => {}); // The next check tells.

/** A process that died while it made the lock may have left it empty. */
const parseOwner = (text = ''): Pick<Owner, 'place' | 'pid'> => {
  try {
    const { place, pid } = Object(JSON.parse(text));
    return { place: String(place), pid: Number(pid) };
  } catch {
    return { place: 'unknown', pid: 0 };
  }
};

const isRunning = async (pid: number): Promise<boolean> => {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM'; // The process of another user.
  }
  // A dead process whose parent has not asked for its status. Linux alone tells.
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return !/\) Z [^)]*$/.test(stat);
};
