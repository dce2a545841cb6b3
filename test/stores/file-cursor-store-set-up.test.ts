import { execFile } from 'node:child_process';
import { chmod, mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fileCursorStore } from 'planetscale-audit/node';
import { describe, expect, onTestFinished, test } from 'vitest';
import { describeFsError } from '../../src/stores/file/fs-errors.ts';
import { canMount, mountedDirectory } from '../support/fault-trials.ts';
import { failure } from '../support/served.ts';
import { newestFile, temporaryDirectory } from './support.ts';

const errnoOf = (error: unknown) => (error instanceof Error ? error.cause : undefined);

describe.skipIf(!canMount)('fileCursorStore on a read-only file system (needs Linux and root)', () => {
  // Node's recursive mkdir says ENOENT for two and more missing directories.
  test.each(['cursors', 'made/if-missing', 'four/levels/of/them'])(
    'says that it is read-only if %s does not exist',
    async (path) => {
      const root = await mountedDirectory('ro,size=1m');
      const error = await failure(Promise.resolve(fileCursorStore(join(root, path)).set('key', 'value')));
      expect(error).toMatchObject({ name: 'CursorStoreError', retryable: true });
      expect(errnoOf(error)).toMatchObject({ code: 'EROFS' });
      expect(error).toHaveProperty('message', expect.stringMatching(/read-only.*Allow this process to read, write/));
    },
  );
});

test('fileCursorStore creates several missing directories at once', async () => {
  const root = await mkdtemp(join(tmpdir(), 'set-up-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const store = fileCursorStore(join(root, 'four/levels/of/them'));
  await store.set('key', 'value');
  expect(await store.get('key')).toBe('value');
});

test.skipIf(process.platform !== 'linux').each(['/proc/cursors', '/proc/made/if-missing'])(
  'fileCursorStore throws if its directory cannot be made, as in %s',
  async (path) => {
    const error = await failure(Promise.resolve(fileCursorStore(path).set('key', 'value')));
    expect(error).toMatchObject({ name: 'CursorStoreError', key: 'key' });
    expect(error).toHaveProperty('message', expect.stringContaining(`in ${path} (ENOENT`));
  },
);

test('an error of fileCursorStore escapes the control characters of a key and of a path', async () => {
  const file = join(await temporaryDirectory(), 'a\u001b[2Jfile');
  await writeFile(file, '');
  const error = await failure(Promise.resolve(fileCursorStore(join(file, 'below')).get('a\u202ekey')));
  expect(error).toHaveProperty('message', expect.stringMatching(/"a\\u202ekey" in .*a\\u001b\[2Jfile/));
  expect(error).not.toHaveProperty('message', expect.stringContaining('\u001b'));
});

describe.skipIf(process.platform === 'win32')('fileCursorStore with { mode: 0o660 }', () => {
  /** Saves in a process that lets nobody but its user read what it creates. */
  const saveWithUmask = (directory: string) => {
    const program = `
      import { fileCursorStore } from ${JSON.stringify(new URL('../../src/node.ts', import.meta.url).href)};
      process.umask(0o077);
      await fileCursorStore(${JSON.stringify(directory)}, { mode: 0o660 }).set('key', 'value');`;
    return promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  };
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o7777).toString(8);

  test('lets the group save, whatever the umask of the process is', async () => {
    const root = await temporaryDirectory();
    await saveWithUmask(join(root, 'made', 'if-missing'));
    const file = await newestFile(root);
    expect(await modeOf(file)).toBe('660');
    for (const created of ['made', 'made/if-missing', dirname(file)])
      expect(await modeOf(resolve(root, created))).toBe('770');
  });

  test.skipIf(process.platform !== 'linux')('keeps the group that a directory hands down', async () => {
    const root = await temporaryDirectory();
    await chmod(root, 0o2770);
    await saveWithUmask(root);
    expect(await modeOf(dirname(await newestFile(root)))).toBe('2770');
  });
});

describe("fileCursorStore under Node's permission model", () => {
  const project = fileURLToPath(new URL('../..', import.meta.url));

  /** Calls a method of a store in a process that may read the project alone. */
  const inRestrictedProcess = async (call: string, directory: string, ...flags: readonly string[]) => {
    const program = `
      import { fileCursorStore } from ${JSON.stringify(new URL('../../src/node.ts', import.meta.url).href)};
      const store = fileCursorStore(${JSON.stringify(directory)});
      const outcome = await store.${call}.then(() => ({ isDone: true }), ({ name, message }) => ({ name, message }));
      console.log(JSON.stringify(outcome));`;
    const modules = await realpath(join(project, 'node_modules'));
    const read = [project, modules].map((path) => `--allow-fs-read=${path}`);
    const args = ['--permission', ...read, ...flags, '--input-type=module', '--eval', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: project });
    return JSON.parse(stdout);
  };

  test.each(['get("key")', 'set("key", "value")'])(
    'names the permissions, and the missing directory, when Node refuses %s',
    async (call) => {
      const directory = join(tmpdir(), 'never-made');
      const error = await inRestrictedProcess(call, directory);
      expect(error.name).toBe('CursorStoreError');
      expect(error.message).toContain(
        'Start Node with --allow-fs-read and --allow-fs-write for the directory. If the directory is missing, create it first.',
      );
      expect(error.message).toContain(directory);
    },
  );

  test('saves once they are given', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'allowed-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const flags = [`--allow-fs-read=${directory}`, `--allow-fs-write=${directory}`];
    expect(await inRestrictedProcess('set("key", "value")', directory, ...flags)).toEqual({ isDone: true });
    expect(await fileCursorStore(directory).get('key')).toBe('value');
  });
});

test("an error of fileCursorStore names Deno's permissions after a refusal by Deno", () => {
  const refusal = Object.assign(new Error('Requires read access to "/cursors", run again with the --allow-read flag'), {
    name: 'NotCapable',
  });
  expect(describeFsError(refusal)).toContain(
    'Start Deno with --allow-read and --allow-write for the directory. If the directory is missing, create it first.',
  );
});
