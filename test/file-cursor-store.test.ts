import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditConfigError, CursorStoreError, poller } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { collect, credentials, numbered } from './support/served.ts';
import { sourceOf } from './support/source.ts';

const temporaryDirectory = async (): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'cursors-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
};

/** The one file that holds the current value. */
const newestFile = async (directory: string): Promise<string> => {
  const names = await readdir(directory);
  const generation = (name: string) => Number(name.split('.').at(-1));
  return join(directory, names.sort((a, b) => generation(a) - generation(b)).at(-1) ?? '');
};

test('keeps what it is given, over instances', async () => {
  const directory = join(await temporaryDirectory(), 'made', 'if', 'missing');
  const store = fileCursorStore(directory);
  expect(await store.get('key')).toBeUndefined();
  await store.set('key', 'one');
  await store.set('key', 'two');
  expect(await fileCursorStore(directory).get('key')).toBe('two');
});

test.each(['', 'a\nb', '"\\', '\0', '\u2028', '💥', '\ud800', 'x'.repeat(1_000_000), 'v1:{"a":1}', ' 7 '])(
  'gives back any text as it was (%#)',
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

test('an empty directory name is an AuditConfigError', () => {
  expect(() => fileCursorStore('')).toThrow(AuditConfigError);
});

describe('a file that was spoilt', () => {
  test.each([
    ['emptied', () => ''],
    ['cut short', (text: string) => text.slice(0, -5)],
    ['filled with NULs', (text: string) => '\0'.repeat(text.length)],
    ['changed by one letter', (text: string) => text.replace('value', 'valve')],
  ])('%s is a CursorStoreError that names it, and never nothing', async (_, spoil) => {
    const directory = await temporaryDirectory();
    const store = fileCursorStore(directory);
    await store.set('key', 'value');
    const file = await newestFile(directory);
    await writeFile(file, spoil(await readFile(file, 'utf8')));
    const loading = store.get('key');
    await expect(loading).rejects.toThrow(CursorStoreError);
    await expect(loading).rejects.toMatchObject({
      retryable: false,
      key: 'key',
      message: expect.stringContaining(file),
    });
    await expect(store.compareAndSet('key', null, 'other')).rejects.toThrow(CursorStoreError);
  });

  test('that another key wrote is a CursorStoreError', async () => {
    const directory = await temporaryDirectory();
    const store = fileCursorStore(directory);
    await store.set('one', 'value');
    const other = await readFile(await newestFile(directory));
    await store.set('two', 'value');
    for (const name of await readdir(directory)) await writeFile(join(directory, name), other);
    await expect(store.get('two')).rejects.toThrow(CursorStoreError);
  });
});

test.skipIf(process.getuid?.() === 0)(
  'a directory that cannot be written to is an error of the file system',
  async () => {
    const directory = await temporaryDirectory();
    const store = fileCursorStore(directory);
    await store.set('key', 'one');
    await chmod(directory, 0o500);
    await expect(store.set('key', 'two')).rejects.toThrow(/EACCES/);
    await chmod(directory, 0o700);
    expect(await store.get('key')).toBe('one');
  },
);

describe('compareAndSet', () => {
  test('saves only while the value is the expected one', async () => {
    const store = fileCursorStore(await temporaryDirectory());
    expect(await store.compareAndSet('key', 'one', 'two')).toBe(false);
    expect(await store.compareAndSet('key', null, 'one')).toBe(true);
    expect(await store.compareAndSet('key', null, 'two')).toBe(false);
    expect(await store.compareAndSet('key', 'one', 'two')).toBe(true);
    expect(await store.get('key')).toBe('two');
  });

  test('lets exactly one of fifty racers win, round after round', async () => {
    const directory = await temporaryDirectory();
    let current: string | null = null;
    for (let round = 0; round < 10; round++) {
      const racers = Array.from({ length: 50 }, (_, racer) => `${round}:${racer}`);
      const won = await Promise.all(
        racers.map((next) => fileCursorStore(directory).compareAndSet('key', current, next)),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      current = racers[won.indexOf(true)] ?? null;
      expect(await fileCursorStore(directory).get('key')).toBe(current);
    }
  });

  test('loses no increment of four processes that count together', async () => {
    const directory = await temporaryDirectory();
    const counting = new URL('support/count-in-store.ts', import.meta.url);
    const processes = Array.from({ length: 4 }, () => fork(counting, [directory, '50']));
    const codes = await Promise.all(processes.map(async (child) => (await once(child, 'exit'))[0]));
    expect(codes).toEqual([0, 0, 0, 0]);
    expect(await fileCursorStore(directory).get('counter')).toBe('200');
  }, 120_000);
});

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
