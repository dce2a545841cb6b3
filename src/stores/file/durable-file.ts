import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../../internal/foreign-error.ts';
import { retryWhileLocked } from './fs-errors.ts';

/** Readable by the owner alone. */
export const privateMode = 0o600;

/**
 * Creates a directory, and any missing parents. `path` must be absolute. The created directories survive a power cut once the
 * promise resolves.
 */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  const firstCreated = await makeWithParents(path, mode);
  if (firstCreated === undefined) return;
  for (let created = path; created.length >= firstCreated.length; created = dirname(created)) {
    await syncDirectory(dirname(created));
  }
}

/** Resolves with the first directory that was created, or undefined if all were there. */
const makeWithParents = async (path: string, mode: number): Promise<string | undefined> => {
  try {
    return await mkdir(path, { recursive: true, mode });
  } catch (error) {
    // On a read-only file system, Node says that the parent does not exist. A plain mkdir says what is wrong.
    if (errorCode(error) === 'ENOENT' && dirname(path) !== path) await mkdir(await firstMissing(path), { mode });
    throw error;
  }
};

/** The topmost directory of the path that does not exist. */
const firstMissing = async (path: string): Promise<string> => {
  const parent = dirname(path);
  const hasParent = parent === path || (await ignoreNotFound(() => stat(parent))) !== undefined;
  return hasParent ? path : firstMissing(parent);
};

/** Creates a file. The whole text is on the disk once the promise resolves. */
export async function writeNewFile(path: string, text: string, mode: number): Promise<void> {
  const file = await retryWhileLocked(() =>
    open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode),
  );
  try {
    if ((mode & ~privateMode) !== 0) await file.chmod(mode); // The process's umask may have taken bits away.
    const bytes = Buffer.from(text);
    await writeFully(file, bytes);
    await file.sync();
    const { size } = await file.stat();
    if (size !== bytes.length) throw new Error(`${path} has ${size} bytes after ${bytes.length} were written`);
  } finally {
    await file.close();
  }
}

/** A single write may store fewer bytes than it receives and still succeed. */
const writeFully = async (file: FileHandle, bytes: Uint8Array): Promise<void> => {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written);
    if (bytesWritten === 0) throw new Error(`write stored ${written} of ${bytes.length} bytes and then no more`);
    written += bytesWritten;
  }
};

/** Links a file to a second name in one step. Resolves with false if that name is taken. */
export async function linkIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await retryWhileLocked(() => link(from, to));
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Makes new names in a directory durable. Windows neither supports nor needs this step. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Resolves with undefined if no file has this name. */
export const readFileIfExists = (path: string): Promise<string | undefined> =>
  ignoreNotFound(() => retryWhileLocked(() => readFile(path, 'utf8')));

/** Removes a file that another process may have removed already. */
export const removeFile = (path: string): Promise<void> => ignoreNotFound(() => retryWhileLocked(() => unlink(path)));

/** Resolves with undefined if the operation fails with `ENOENT`. */
export async function ignoreNotFound<Result>(operation: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await operation();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
