import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf, retryWhileLocked } from './fs-errors.ts';

/** Makes a directory, given by its whole path, that its owner alone can enter, and those above it, so that they are still there after a power cut. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

/** Writes a new file that its owner alone can read. When it resolves, the whole text is on the disk. */
export async function writeNewFile(path: string, text: string): Promise<void> {
  const file = await retryWhileLocked(() =>
    open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600),
  );
  try {
    const bytes = Buffer.from(text);
    await writeFully(file, bytes);
    await file.sync();
    const { size } = await file.stat();
    if (size !== bytes.length)
      throw new Error(`${path} has ${size} bytes after ${bytes.length} were written: the disk may be full.`);
  } finally {
    await file.close();
  }
}

/** A write may take less than it is given and call that a success. */
const writeFully = async (file: FileHandle, bytes: Uint8Array): Promise<void> => {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written);
    if (bytesWritten === 0) throw new Error('Nothing more can be written: the disk may be full.');
    written += bytesWritten;
  }
};

/** Gives a file a second name, in one step; false where that name is taken. */
export async function linkIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await retryWhileLocked(() => link(from, to));
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Makes the names in a directory durable. Windows cannot, and need not. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The text of a file; undefined where there is none of that name. */
export const readFileIfExists = (path: string): Promise<string | undefined> =>
  ignoreNotFound(() => retryWhileLocked(() => readFile(path, 'utf8')));

/** Removes a file that somebody else may have removed. */
export const removeFile = (path: string): Promise<void> => ignoreNotFound(() => retryWhileLocked(() => unlink(path)));

/** Undefined where there is no such file or directory. */
export async function ignoreNotFound<Result>(operation: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await operation();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
