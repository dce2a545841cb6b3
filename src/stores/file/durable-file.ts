import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf, retryWhileLocked } from './fs-errors.ts';

/**
 * Creates a directory that its owner alone can enter, and any missing parents. `path` must be absolute.
 * The created directories survive a power cut once the promise resolves.
 */
export async function makeDirectory(path: string): Promise<void> {
  const firstCreated = await mkdir(path, { recursive: true, mode: 0o700 });
  if (firstCreated === undefined) return;
  for (let created = path; created.length >= firstCreated.length; created = dirname(created)) {
    await syncDirectory(dirname(created));
  }
}

/** Creates a file that its owner alone can read. The whole text is on the disk once the promise resolves. */
export async function writeNewFile(path: string, text: string): Promise<void> {
  const file = await retryWhileLocked(() =>
    open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600),
  );
  try {
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
    if (codeOf(error) === 'EEXIST') return false;
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
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
