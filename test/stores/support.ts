import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export const temporaryDirectory = async (): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'cursors-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
};

/** The path of the file that holds the current value of `key` in a file store. */
export const newestFile = async (directory: string, key = 'key'): Promise<string> => {
  let newest = { path: '', generation: 0 };
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const isOfKey = (await readFile(path, 'utf8')).includes(`{"key":${JSON.stringify(key)},`);
    const generation = Number(entry.name);
    if (isOfKey && generation > newest.generation) newest = { path, generation };
  }
  return newest.path;
};

/** The paths of all files of a file store, in any order. */
export const filesIn = async (directory: string): Promise<string[]> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name));
};
