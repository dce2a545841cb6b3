import { cp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { poller } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';
import { describe, expect, test } from 'vitest';
import { fakeWith } from '../poller/support.ts';
import { defaultKey } from '../support/polling.ts';
import { collect, failure } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';
import { filesIn, newestFile, temporaryDirectory } from './support.ts';

const pollerOn = (directory: string, key = defaultKey) =>
  poller(sourceOf(fakeWith(250)), {
    store: fileCursorStore(directory),
    key,
    startFrom: 'oldest',
    drain: true,
    onNotice: () => {},
  });

/** The name and text of each file. */
const contentOf = async (directory: string): Promise<Record<string, string>> => {
  const paths = (await filesIn(directory)).sort();
  const texts = await Promise.all(
    paths.map(async (path) => [path.slice(directory.length), await readFile(path, 'utf8')]),
  );
  return Object.fromEntries(texts);
};

/** A poller that has delivered two batches and saved the first, and a copy of its directory from before that save. */
const runningPoller = async () => {
  const root = await temporaryDirectory();
  const [directory, olderCopy] = [join(root, 'cursors'), join(root, 'older')];
  const batches = pollerOn(directory).batches();
  await batches.next();
  await cp(directory, olderCopy, { recursive: true });
  await batches.next();
  expect(await contentOf(directory)).not.toEqual(await contentOf(olderCopy));
  /** The error of the next save. */
  const nextSave = async () => {
    const error = await failure(batches.next());
    expect(await batches.next()).toEqual({ done: true, value: undefined });
    return error;
  };
  return { root, directory, olderCopy, nextSave };
};

const lost = { name: 'CursorStoreError', retryable: false, key: defaultKey };

describe('a running poller stops, and writes nothing any more, if the directory of its fileCursorStore', () => {
  test('is deleted', async () => {
    const { directory, root, nextSave } = await runningPoller();
    await rm(directory, { recursive: true });
    expect(await nextSave()).toMatchObject(lost);
    expect(await readdir(root)).toEqual(['older']);
  });

  test('is emptied', async () => {
    const { directory, nextSave } = await runningPoller();
    for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true });
    expect(await nextSave()).toMatchObject(lost);
    expect(await readdir(directory)).toEqual([]);
  });

  test('loses the files of the key, and keeps the directory of the key', async () => {
    const { directory, nextSave } = await runningPoller();
    for (const path of await filesIn(directory)) await rm(path);
    expect(await nextSave()).toMatchObject(lost);
    expect(await filesIn(directory)).toEqual([]);
  });

  const replace = async (directory: string, copy: string) => {
    await rm(directory, { recursive: true });
    await rename(copy, directory);
    return contentOf(directory);
  };

  test('is replaced by an older copy of itself', async () => {
    const { directory, olderCopy, nextSave } = await runningPoller();
    const restored = await replace(directory, olderCopy);
    expect(await nextSave()).toMatchObject({ name: 'CursorConflictError', key: defaultKey });
    expect(await contentOf(directory)).toEqual(restored);
  });

  test('is replaced by that of another poller with the same key', async () => {
    const { root, directory, nextSave } = await runningPoller();
    await collect(pollerOn(join(root, 'other')));
    const other = await replace(directory, join(root, 'other'));
    expect(await nextSave()).toMatchObject({ name: 'CursorConflictError', key: defaultKey });
    expect(await contentOf(directory)).toEqual(other);
  });

  test('is replaced by that of a poller with another key', async () => {
    const { root, directory, nextSave } = await runningPoller();
    await collect(pollerOn(join(root, 'other'), 'another key'));
    const other = await replace(directory, join(root, 'other'));
    expect(await nextSave()).toMatchObject(lost);
    expect(await contentOf(directory)).toEqual(other);
  });

  test('has the files of another key in the place of its own', async () => {
    const { root, directory, nextSave } = await runningPoller();
    const keyDirectory = basename(dirname(await newestFile(directory, defaultKey)));
    await collect(pollerOn(join(root, 'other'), 'another key'));
    const otherKeyDirectory = dirname(await newestFile(join(root, 'other'), 'another key'));
    await rename(otherKeyDirectory, join(root, 'other', keyDirectory));
    const other = await replace(directory, join(root, 'other'));
    expect(await nextSave()).toMatchObject(lost);
    expect(await contentOf(directory)).toEqual(other);
  });
});
