import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditConfigError, CursorStoreError, type PollNotice, poller } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';
import { cursorStoreChecks, fakePlanetScale } from 'planetscale-audit/testing';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { collect, credentials, numbered } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';

const temporaryDirectory = async (): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'cursors-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
};

/** The file that holds the current value, of this key where the directory has several. */
const newestFile = async (directory: string, key = 'key'): Promise<string> => {
  let newest = { path: '', generation: 0 };
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const generation = Number(name.split('.').at(-1));
    const isOfKey = (await readFile(path, 'utf8')).includes(`{"key":${JSON.stringify(key)},`);
    if (isOfKey && generation > newest.generation) newest = { path, generation };
  }
  return newest.path;
};

describe('passes', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cursors-'));
  afterAll(() => rm(directory, { recursive: true, force: true }));
  const checks = cursorStoreChecks({
    open: () => fileCursorStore(directory),
    compareAndSet: true,
    corrupt: async (key) => writeFile(await newestFile(directory, key), ''),
    async breakBackend() {
      await rename(directory, `${directory}.away`);
      await writeFile(directory, 'not a directory');
      return async () => {
        await rm(directory);
        await rename(`${directory}.away`, directory);
      };
    },
  });
  for (const check of checks) test(check.name, check.run);
});

test('makes the directory where it is missing, when the first value is saved', async () => {
  const parent = await temporaryDirectory();
  const directory = join(parent, 'made', 'if', 'missing');
  const store = fileCursorStore(directory);
  expect(await store.get('key')).toBeUndefined();
  expect(await readdir(parent)).toEqual([]);
  await store.set('key', 'value');
  expect(await fileCursorStore(directory).get('key')).toBe('value');
});

test.each(['', '\0', '\ud800', ' 7 ', 'null', '{"a":1}'])(
  'gives back text that no poller writes (%j)',
  async (value) => {
    const store = fileCursorStore(await temporaryDirectory());
    await store.set('key', value);
    expect(await store.get('key')).toBe(value);
  },
);

test('takes any key, and keeps each apart', async () => {
  const directory = await temporaryDirectory();
  const store = fileCursorStore(directory);
  const keys = [
    '',
    '.',
    '..',
    '../escape',
    'a/b',
    'a\\b',
    'A',
    'a',
    'é',
    'e\u0301',
    'con',
    'x'.repeat(5000),
    'a.1',
    '\0',
    '\ud800',
    '\ud801',
    'planetscale-audit:acme',
  ];
  for (const key of keys) await store.set(key, `value of ${key}`);
  for (const key of keys) expect(await store.get(key)).toBe(`value of ${key}`);
  expect(await readdir(directory)).toHaveLength(keys.length);
});

test('only its owner can read the files, and enter the directory', async () => {
  const directory = join(await temporaryDirectory(), 'private');
  await fileCursorStore(directory).set('key', 'value');
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  expect((await stat(await newestFile(directory))).mode & 0o777).toBe(0o600);
});

test('keeps two small files for a key, however often it is saved', async () => {
  const directory = await temporaryDirectory();
  const store = fileCursorStore(directory);
  for (let i = 0; i < 20; i++) await store.set('key', String(i));
  expect(await readdir(directory)).toHaveLength(2);
});

test('removes the draft that a killed process has left, and not that of a process at work', async () => {
  const directory = await temporaryDirectory();
  const store = fileCursorStore(directory);
  await store.set('key', 'one');
  const file = await newestFile(directory);
  await writeFile(`${file}.abandoned.draft`, 'half a sta');
  await writeFile(`${file}.busy.draft`, 'half a sta');
  const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
  await utimes(`${file}.abandoned.draft`, hoursAgo, hoursAgo);
  await store.set('key', 'two');
  expect((await readdir(directory)).filter((name) => name.endsWith('.draft'))).toEqual([
    expect.stringContaining('busy'),
  ]);
});

test('leaves a file alone whose name it would not have given', async () => {
  const directory = await temporaryDirectory();
  const store = fileCursorStore(directory);
  await store.set('key', 'one');
  const file = await newestFile(directory);
  for (const suffix of ['0099', '9'.repeat(20)]) await writeFile(file.replace(/1$/, suffix), 'a stray copy');
  expect(await store.get('key')).toBe('one');
  await store.set('key', 'two');
  expect(await store.get('key')).toBe('two');
  expect(await readdir(directory)).toHaveLength(2 + 2);
});

test('a value that is no text is refused, and what is stored stays', async () => {
  const store = fileCursorStore(await temporaryDirectory());
  await store.set('key', 'one');
  await expect(Reflect.apply(store.set, store, ['key', undefined])).rejects.toThrow(AuditConfigError);
  expect(await store.get('key')).toBe('one');
});

test('an empty directory name is an AuditConfigError', () => {
  expect(() => fileCursorStore('')).toThrow(AuditConfigError);
});

// 13: https://github.com/elastic/beats/issues/3537, https://github.com/grafana/loki/issues/6268
describe('the file of the last save was spoilt', () => {
  const corruptions: [how: string, spoil: (text: string) => string][] = [
    ['emptied', () => ''],
    ['cut short', (text) => text.slice(0, -5)],
    ['filled with NULs', (text) => '\0'.repeat(text.length)],
    ['changed by one letter', (text) => text.replace('second', 'seventh')],
    ['replaced by that of another key', (text) => text.replace('"key":"key"', '"key":"other"')],
  ];

  const spoil = async (path: string, how: (text: string) => string = () => '') => {
    await writeFile(path, how(await readFile(path, 'utf8')));
    return path;
  };

  /** Two saves, of which the second is spoilt. */
  const spoiltStore = async (how?: (text: string) => string) => {
    const directory = await temporaryDirectory();
    const store = fileCursorStore(directory);
    await store.set('key', 'first');
    await store.set('key', 'second');
    return { directory, store, path: await spoil(await newestFile(directory), how) };
  };

  test.each(corruptions)('%s: get gives the save before, and recovery says why', async (_, how) => {
    const { store, path } = await spoiltStore(how);
    expect(await store.get('key')).toBe('first');
    const recovery = await store.rollbackReason?.('key');
    expect(recovery).toContain(`${path} does not hold what was saved under "key"`);
    expect(recovery).toMatch(/events delivered since then are delivered again.*Check the disk/);
  });

  test.each(corruptions)('%s, and nothing else is there: every method is a CursorStoreError', async (_, how) => {
    const { directory, store } = await spoiltStore(how);
    for (const name of await readdir(directory))
      await spoil(join(directory, name), (text) => how(text.replace('first', 'second')));
    const calls = [
      () => store.get('key'),
      () => store.set('key', 'third'),
      () => store.compareAndSet('key', null, 'third'),
      () => store.compareAndSet('key', 'second', 'third'),
      () => store.rollbackReason?.('key'),
    ];
    for (const call of calls) {
      const failing = (async () => call())();
      await expect(failing).rejects.toThrow(CursorStoreError);
      await expect(failing).rejects.toMatchObject({ retryable: false, key: 'key' });
      for (const name of await readdir(directory)) await expect(failing).rejects.toThrow(join(directory, name));
      await expect(failing).rejects.toThrow('Restore the directory from a backup; or delete these files');
    }
  });

  test('the next save is made above it, and all is well again', async () => {
    const { directory, store, path } = await spoiltStore();
    expect(await store.compareAndSet('key', 'first', 'third')).toBe(true);
    expect(await newestFile(directory)).toBe(path.replace(/2$/, '3'));
    expect(await store.get('key')).toBe('third');
    expect(await store.rollbackReason?.('key')).toBeUndefined();
    await store.set('key', 'fourth');
    expect(await readdir(directory)).toHaveLength(2);
  });

  test('a second time: the save before both is still there', async () => {
    const { directory, store } = await spoiltStore();
    await store.set('key', 'third');
    await spoil(await newestFile(directory));
    expect(await store.get('key')).toBe('first');
    await store.set('key', 'fourth');
    expect(await store.get('key')).toBe('fourth');
  });

  test('of fifty racers on the save before it exactly one wins', async () => {
    const { directory } = await spoiltStore();
    const racers = Array.from({ length: 50 }, (_, racer) => String(racer));
    const won = await Promise.all(racers.map((next) => fileCursorStore(directory).compareAndSet('key', 'first', next)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await fileCursorStore(directory).get('key')).toBe(racers[won.indexOf(true)]);
  });

  test('under who had saved it: an error that says so, and no conflict', async () => {
    const { store, path } = await spoiltStore();
    const saving = store.compareAndSet('key', 'second', 'third');
    await expect(saving).rejects.toMatchObject({ name: 'CursorStoreError', retryable: false, key: 'key' });
    await expect(saving).rejects.toThrow(path);
    await expect(saving).rejects.toThrow('Start the poller again');
  });

  test('a poller says so before it delivers anything, repeats what was delivered since, and loses nothing', async () => {
    const directory = await temporaryDirectory();
    const source = sourceOf(fakePlanetScale({ ...credentials, events: numbered(250) }));
    const happened: string[] = [];
    const run = async (mostEvents: number) => {
      const options = {
        store: fileCursorStore(directory),
        startFrom: 'oldest',
        drain: true,
        onNotice: async ({ type }: PollNotice) => void happened.push(type),
      } as const;
      for await (const { id } of poller(source, options)) if (happened.push(id) === mostEvents) break;
    };
    const ids = numbered(250).map(({ id }) => id);
    await run(120); // Saved after 50, the oldest page, and at the break.
    expect(happened.splice(0)).toEqual(ids.slice(0, 120));
    await spoil(await newestFile(directory, 'planetscale-audit:acme'));
    await run(Number.POSITIVE_INFINITY);
    expect(happened.splice(0)).toEqual(['cursor-rolled-back', ...ids.slice(50)]);
    await run(Number.POSITIVE_INFINITY);
    expect(happened).toEqual([]);
  });
});

test('four processes that count together with compareAndSet lose no increment', async () => {
  const directory = await temporaryDirectory();
  const counting = new URL('../support/count-in-store.ts', import.meta.url);
  const processes = Array.from({ length: 4 }, () => fork(counting, [directory, '50']));
  const codes = await Promise.all(processes.map(async (child) => (await once(child, 'exit'))[0]));
  expect(codes).toEqual([0, 0, 0, 0]);
  expect(await fileCursorStore(directory).get('counter')).toBe('200');
}, 120_000);

test('a poller goes on where one that used the same directory has stopped', async () => {
  const directory = await temporaryDirectory();
  const source = sourceOf(fakePlanetScale({ ...credentials, events: numbered(250) }));
  const given: string[] = [];
  for await (const { id } of poller(source, { store: fileCursorStore(directory), startFrom: 'oldest' })) {
    if (given.push(id) === 120) break;
  }
  given.pop(); // In hand when it stopped.
  const rest = await collect(poller(source, { store: fileCursorStore(directory), drain: true }));
  expect([...given, ...rest.map(({ id }) => id)]).toEqual(numbered(250).map(({ id }) => id));
});
