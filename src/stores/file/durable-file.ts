import { constants, type Stats } from 'node:fs';
import { chmod, type FileHandle, link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../../internal/foreign-error.ts';
import { retryWhileLocked } from './fs-errors.ts';

/** Readable by the owner alone. */
export const privateMode = 0o600;
const privateDirectoryMode = 0o700;

/**
 * Creates a directory, and any missing parents. `path` must be absolute. The created directories survive a power cut once the
 * promise resolves.
 */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  const firstCreated = await makeWithParents(path, mode);
  // The process that created an existing directory may not have come as far as the sync.
  if (firstCreated === undefined) return syncDirectory(dirname(path));
  for (let created = path; created.length >= firstCreated.length; created = dirname(created)) {
    await allow(created, mode);
    await syncDirectory(dirname(created));
  }
}

/** Gives a directory the bits that the process's umask may have taken away, and leaves it the group that it hands down. */
const allow = async (path: string, mode: number): Promise<void> => {
  if ((mode & ~privateDirectoryMode) === 0) return;
  const { mode: found } = await stat(path);
  await chmod(path, found | mode);
};

/**
 * Resolves with the first directory that was created, or undefined if all were there. Node's recursive mkdir never ends below a
 * directory that takes no new names, such as /proc, and calls a read-only file system a missing parent.
 */
const makeWithParents = async (path: string, mode: number): Promise<string | undefined> => {
  try {
    return (await makeIfAbsent(path, mode)) ? path : undefined;
  } catch (error) {
    const parent = dirname(path);
    if (errorCode(error) !== 'ENOENT' || parent === path) throw error;
    const firstCreated = await makeWithParents(parent, mode);
    return (await makeIfAbsent(path, mode)) ? (firstCreated ?? path) : firstCreated;
  }
};

/** Resolves with false if the directory was there. Another process may create it at the same time. */
const makeIfAbsent = async (path: string, mode: number): Promise<boolean> => {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && (await isDirectory(path))) return false;
    throw error;
  }
};

const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false, // The error of mkdir says more.
  );

/** A file that takes its name in one step. */
export interface NewFile {
  readonly path: string;
  /** A path in the same directory that no other process uses. The file is written there, and then linked to `path`. */
  readonly draft: string;
  readonly text: string;
  readonly mode: number;
}

/**
 * Creates a file, and resolves with its fingerprint, or with undefined if the name is taken. The whole text is on the disk before the
 * file appears under its name.
 */
export async function createFile(newFile: NewFile): Promise<string | undefined> {
  const { path, draft, mode } = newFile;
  const file = await retryWhileLocked(() =>
    open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode),
  );
  const write = async (): Promise<string | undefined> => {
    const stats = await closeAfter(file, () => writeDurably(file, newFile));
    return (await linkIfAbsent(draft, path)) ? toFingerprint(stats) : undefined;
  };
  return cleanUpAfter(write, () => removeFile(draft));
}

const writeDurably = async (file: FileHandle, { draft, text, mode }: NewFile): Promise<Stats> => {
  if ((mode & ~privateMode) !== 0) await file.chmod(mode); // The process's umask may have taken bits away.
  const bytes = Buffer.from(text);
  await writeFully(file, bytes);
  await file.sync();
  const stats = await file.stat();
  if (stats.size !== bytes.length)
    throw new Error(`${draft} has ${stats.size} bytes after ${bytes.length} were written`);
  return stats;
};

/** Tells a file from one that replaced it, and from the same file after another write. */
const toFingerprint = ({ ino, size, mtimeMs }: Stats): string => `${ino} ${size} ${mtimeMs}`;

/** Resolves with undefined if no file has this name. */
export async function fingerprintOf(path: string): Promise<string | undefined> {
  const stats = await ignoreNotFound(() => stat(path));
  return stats && toFingerprint(stats);
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
const linkIfAbsent = async (from: string, to: string): Promise<boolean> => {
  try {
    await retryWhileLocked(() => link(from, to));
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
};

/** Makes new names in a directory durable. Windows neither supports nor needs this step. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await closeAfter(directory, () => directory.sync());
}

const closeAfter = <Result>(file: FileHandle, operation: () => Promise<Result>): Promise<Result> =>
  cleanUpAfter(operation, () => file.close());

/** If both the operation and the clean-up fail, the error of the operation is thrown: it came first and is often the reason. */
const cleanUpAfter = async <Result>(
  operation: () => Promise<Result>,
  cleanUp: () => Promise<void>,
): Promise<Result> => {
  let result: Result;
  try {
    result = await operation();
  } catch (error) {
    await cleanUp().catch(() => {});
    throw error;
  }
  await cleanUp();
  return result;
};

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
