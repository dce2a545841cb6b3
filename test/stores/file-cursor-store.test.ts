import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditConfigError, CursorStoreError, type PollNotice, poller } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';
import { cursorStoreChecks, fakePlanetScale } from 'planetscale-audit/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { collect, credentials, numbered } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';
import { filesIn, newestFile, temporaryDirectory } from './support.ts';

describe('the checks of fileCursorStore()', async () => {
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

test('fileCursorStore creates a missing directory on the first save, and not before', async () => {
  const parent = await temporaryDirectory();
  const directory = join(parent, 'made', 'if', 'missing');
  const store = fileCursorStore(directory);
  expect(await store.get('key')).toBeUndefined();
  expect(await readdir(parent)).toEqual([]);
  await store.set('key', 'value');
  expect(await fileCursorStore(directory).get('key')).toBe('value');
});

test.each(['', '\0', '\ud800', ' 7 ', 'null', '{"a":1}'])(
  'fileCursorStore returns text that no poller writes unchanged: %j',
  async (value) => {
    const store = fileCursorStore(await temporaryDirectory());
    await store.set('key', value);
    expect(await store.get('key')).toBe(value);
  },
);

test('fileCursorStore accepts any key and keeps all keys apart', async () => {
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

test('fileCursorStore lets only the owner read its files and enter its directory', async () => {
  const directory = join(await temporaryDirectory(), 'private');
  await fileCursorStore(directory).set('key', 'value');
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  expect((await stat(await newestFile(directory))).mode & 0o777).toBe(0o600);
});

test('fileCursorStore keeps two files for a key, however often the key is saved', async () => {
  const directory = await temporaryDirectory();
  const store = fileCursorStore(directory);
  for (let i = 0; i < 20; i++) await store.set('key', String(i));
  expect(await filesIn(directory)).toHaveLength(2);
});

test('fileCursorStore removes the draft of a killed process and keeps the draft of a running one', async () => {
  const directory = await temporaryDirectory();
  const store = fileCursorStore(directory);
  await store.set('key', 'one');
  const file = await newestFile(directory);
  await writeFile(`${file}.abandoned.draft`, 'half a sta');
  await writeFile(`${file}.busy.draft`, 'half a sta');
  const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
  await utimes(`${file}.abandoned.draft`, hoursAgo, hoursAgo);
  await store.set('key', 'two');
  expect((await filesIn(directory)).filter((path) => path.endsWith('.draft'))).toEqual([
    expect.stringContaining('busy'),
  ]);
});

test('fileCursorStore leaves files alone whose names it does not use', async () => {
  const directory = await temporaryDirectory();
  const store = fileCursorStore(directory);
  await store.set('key', 'one');
  const file = await newestFile(directory);
  for (const suffix of ['0099', '9'.repeat(20)]) await writeFile(file.replace(/1$/, suffix), 'a stray copy');
  expect(await store.get('key')).toBe('one');
  await store.set('key', 'two');
  expect(await store.get('key')).toBe('two');
  expect(await filesIn(directory)).toHaveLength(2 + 2);
});

test('fileCursorStore refuses a value that is not text and keeps the stored one', async () => {
  const store = fileCursorStore(await temporaryDirectory());
  await store.set('key', 'one');
  await expect(Reflect.apply(store.set, store, ['key', undefined])).rejects.toThrow(AuditConfigError);
  expect(await store.get('key')).toBe('one');
});

test('fileCursorStore throws an AuditConfigError for an empty directory name', () => {
  expect(() => fileCursorStore('')).toThrow(AuditConfigError);
});

// As reported in https://github.com/elastic/beats/issues/3537, https://github.com/grafana/loki/issues/6268
describe('fileCursorStore whose last save is corrupt', () => {
  const corruptions: [how: string, corrupt: (text: string) => string][] = [
    ['emptied', () => ''],
    ['truncated', (text) => text.slice(0, -5)],
    ['filled with NULs', (text) => '\0'.repeat(text.length)],
    ['changed by one letter', (text) => text.replace('second', 'seventh')],
    ['replaced by the file of another key', (text) => text.replace('"key":"key"', '"key":"other"')],
  ];

  const corruptFile = async (path: string, how: (text: string) => string = () => '') => {
    await writeFile(path, how(await readFile(path, 'utf8')));
    return path;
  };

  /** A store with two saves, the second of which is corrupt. */
  const storeWithCorruptSave = async (how?: (text: string) => string) => {
    const directory = await temporaryDirectory();
    const store = fileCursorStore(directory);
    await store.set('key', 'first');
    await store.set('key', 'second');
    return { directory, store, path: await corruptFile(await newestFile(directory), how) };
  };

  test.each(corruptions)('returns the save before it and explains why (file %s)', async (_, how) => {
    const { store, path } = await storeWithCorruptSave(how);
    expect(await store.get('key')).toBe('first');
    const reason = await store.rollbackReason?.('key');
    expect(reason).toContain(`the last save under "key" corrupt (${path} was changed or truncated)`);
    expect(reason).toMatch(/delivers the events since that save again and loses none.*Check the disk/);
  });

  test.each(corruptions)(
    'throws a CursorStoreError from every method if no intact save is left (files %s)',
    async (_, how) => {
      const { directory, store } = await storeWithCorruptSave(how);
      const files = await filesIn(directory);
      for (const path of files) await corruptFile(path, (text) => how(text.replace('first', 'second')));
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
        for (const path of files) await expect(failing).rejects.toThrow(path);
        await expect(failing).rejects.toThrow('Restore the directory from a backup, or delete these files');
      }
    },
  );

  test('saves the next value as a newer generation and recovers', async () => {
    const { directory, store, path } = await storeWithCorruptSave();
    expect(await store.compareAndSet('key', 'first', 'third')).toBe(true);
    expect(await newestFile(directory)).toBe(path.replace(/2$/, '3'));
    expect(await store.get('key')).toBe('third');
    expect(await store.rollbackReason?.('key')).toBeUndefined();
    await store.set('key', 'fourth');
    expect(await filesIn(directory)).toHaveLength(2);
  });

  test('still returns an intact earlier save after the following save is corrupted too', async () => {
    const { directory, store } = await storeWithCorruptSave();
    await store.set('key', 'third');
    await corruptFile(await newestFile(directory));
    expect(await store.get('key')).toBe('first');
    await store.set('key', 'fourth');
    expect(await store.get('key')).toBe('fourth');
  });

  test('lets exactly one of 50 concurrent compareAndSet calls win that expect the save before it', async () => {
    const { directory } = await storeWithCorruptSave();
    const racers = Array.from({ length: 50 }, (_, racer) => String(racer));
    const won = await Promise.all(racers.map((next) => fileCursorStore(directory).compareAndSet('key', 'first', next)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await fileCursorStore(directory).get('key')).toBe(racers[won.indexOf(true)]);
  });

  test('throws, and reports no conflict, if compareAndSet expects the corrupt value', async () => {
    const { store, path } = await storeWithCorruptSave();
    const saving = store.compareAndSet('key', 'second', 'third');
    await expect(saving).rejects.toMatchObject({ name: 'CursorStoreError', retryable: false, key: 'key' });
    await expect(saving).rejects.toThrow(path);
    await expect(saving).rejects.toThrow('Start the poller again');
  });

  test('makes a poller report cursor-rolled-back first, then redeliver the events since the save before it', async () => {
    const directory = await temporaryDirectory();
    const source = sourceOf(fakePlanetScale({ ...credentials, events: numbered(250) }));
    const happened: string[] = [];
    const run = async (maxEvents: number) => {
      const options = {
        store: fileCursorStore(directory),
        startFrom: 'oldest',
        drain: true,
        onNotice: async ({ type }: PollNotice) => {
          if (type !== 'first-run') happened.push(type);
        },
      } as const;
      for await (const { id } of poller(source, options)) if (happened.push(id) === maxEvents) break;
    };
    const ids = numbered(250).map(({ id }) => id);
    await run(120); // The poller saves after the oldest page, which has 50 events, and at the break.
    expect(happened.splice(0)).toEqual(ids.slice(0, 120));
    await corruptFile(await newestFile(directory, 'planetscale-audit:acme'));
    await run(Number.POSITIVE_INFINITY);
    expect(happened.splice(0)).toEqual(['cursor-rolled-back', ...ids.slice(50)]);
    await run(Number.POSITIVE_INFINITY);
    expect(happened).toEqual([]);
  });
});

test('four processes that share a fileCursorStore lose no increment of a counter', async () => {
  const directory = await temporaryDirectory();
  const counting = new URL('../support/count-in-store.ts', import.meta.url);
  const processes = Array.from({ length: 4 }, () => fork(counting, [directory, '50']));
  const codes = await Promise.all(processes.map(async (child) => (await once(child, 'exit'))[0]));
  expect(codes).toEqual([0, 0, 0, 0]);
  expect(await fileCursorStore(directory).get('counter')).toBe('200');
}, 120_000);

test('a poller resumes from the fileCursorStore of a poller that stopped', async () => {
  const directory = await temporaryDirectory();
  const source = sourceOf(fakePlanetScale({ ...credentials, events: numbered(250) }));
  const acknowledged: string[] = [];
  for await (const { id } of poller(source, { store: fileCursorStore(directory), startFrom: 'oldest' })) {
    if (acknowledged.push(id) === 120) break;
  }
  acknowledged.pop(); // The event in hand at the break stays unacknowledged.
  const rest = await collect(poller(source, { store: fileCursorStore(directory), drain: true }));
  expect([...acknowledged, ...rest.map(({ id }) => id)]).toEqual(numbered(250).map(({ id }) => id));
});
