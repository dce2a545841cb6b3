import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileCursorStore } from 'planetscale-audit/node';
import { describe, expect, onTestFinished, test } from 'vitest';
import { failure } from '../support/served.ts';
import { newestFile, temporaryDirectory } from './support.ts';

const makeSocket = async (path: string): Promise<void> => {
  const boundPath = join(await temporaryDirectory(), 'socket'); // A longer path may not be bound.
  const server = createServer().listen(boundPath);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  await rename(boundPath, path);
};

const intruders: [what: string, make: (path: string) => unknown][] = [
  ['named pipe', (path) => execFileSync('mkfifo', [path])],
  ['socket', makeSocket],
  ['device', (path) => symlink('/dev/zero', path)],
];
const fileIntruders: typeof intruders = [...intruders, ['directory', (path) => mkdir(path)]];

const storeWithTwoSaves = async () => {
  const directory = join(await temporaryDirectory(), 'cursors');
  const store = fileCursorStore(directory);
  await store.set('key', 'first');
  await store.set('key', 'second');
  return { directory, store, path: await newestFile(directory) };
};

/** The error of each method of a store. A method that hangs fails the test by its timeout. */
const errorsOf = (store: ReturnType<typeof fileCursorStore>) =>
  Promise.all(
    [
      async () => store.get('key'),
      async () => store.set('key', 'third'),
      async () => store.compareAndSet('key', null, 'third'),
      async () => store.compareAndSet('key', 'second', 'third'),
      async () => store.rollbackReason?.('key'),
    ].map((call) => failure(call())),
  );

const expectErrorsToName = async (store: ReturnType<typeof fileCursorStore>, path: string) => {
  for (const error of await errorsOf(store)) {
    expect(error).toMatchObject({ name: 'CursorStoreError', key: 'key' });
    expect(error).toHaveProperty('message', expect.stringContaining(path));
    expect(error).toHaveProperty('message', expect.stringMatching(/\. Remove /));
  }
};

describe.skipIf(process.platform === 'win32')(
  'every method of fileCursorStore throws an error with the path of',
  () => {
    test.each(fileIntruders)('a %s in the place of the last save, and saves nothing', async (_, make) => {
      const { store, path } = await storeWithTwoSaves();
      await rm(path);
      await make(path);
      await expectErrorsToName(store, path);
      expect(await readdir(dirname(path))).toEqual(['1', '2']);
    });

    test.each(fileIntruders)('a %s in the place of the next save', async (_, make) => {
      const { store, path } = await storeWithTwoSaves();
      const next = path.replace(/2$/, '3');
      await make(next);
      await expectErrorsToName(store, next);
    });

    test.each(intruders)('a %s in the place of the directory of a key', async (_, make) => {
      const { store, path } = await storeWithTwoSaves();
      await rm(dirname(path), { recursive: true });
      await make(dirname(path));
      await expectErrorsToName(store, dirname(path));
    });

    test.each(intruders)('a %s in the place of its directory', async (_, make) => {
      const { store, directory } = await storeWithTwoSaves();
      await rm(directory, { recursive: true });
      await make(directory);
      await expectErrorsToName(store, directory);
    });
  },
);
