import { execFile } from 'node:child_process';
import { chmod, chown, copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { validate } from 'dockerfile-utils';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { idsIn, linesOf, type Running, servedEnv, startProgram, temporaryDirectory } from '../cli/support.ts';
import { asFirstProcess, canStartFirstProcess } from '../support/fault-trials.ts';
import { idsOf, numbered } from '../support/served.ts';
import {
  buildCommands,
  buildDirectory,
  copied,
  defaultArgs,
  entrypoint,
  exposedPort,
  healthCheck,
  readDeployFile,
  root,
  stateHome,
  user,
  volume,
} from './dockerfile.ts';
import { listenAddressOf, onFreePort } from './support.ts';

vi.setConfig({ testTimeout: 120_000 }); // Each test starts several processes, and the machine may be busy.

const maxBuildMs = 300_000;
const all = idsOf(numbered(250));

/** Runs the commands of the first stage in a directory that holds the context of a build. */
const build = async (context: string): Promise<void> => {
  for (const command of buildCommands) {
    await promisify(execFile)('sh', ['-ec', command], { cwd: context, timeout: maxBuildMs });
  }
};

/** The place in a built context of a path in the image. */
const builtPath = (context: string, path: string): string =>
  join(context, path.replace(copied.to, copied.from.replace(buildDirectory, '')));

describe('the Dockerfile', () => {
  test('has no mistake that a linter finds', () => {
    expect(validate(readDeployFile('Dockerfile'))).toEqual([]);
  });

  test('exposes the port that the command listens on, and keeps the place in its volume, without root', () => {
    expect(listenAddressOf(defaultArgs)).toBe(`0.0.0.0:${exposedPort}`);
    expect(volume).toBe(join(stateHome, 'planetscale-audit'));
    expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(entrypoint[0]).toBe('node');
  });
});

// No image is built here. The commands of the build run in a directory, and then the entry point as process 1.
describe.skipIf(process.platform === 'win32')('the image of the Dockerfile', () => {
  let directory: string;
  let context: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'image-'));
    context = join(directory, 'clone');
    await chmod(directory, 0o755);
    const needed = readDeployFile('Dockerfile.dockerignore').match(/(?<=^!).+$/gm) ?? [];
    for (const name of needed) await cp(join(root, name), join(context, name), { recursive: true });
    await build(context);
  }, maxBuildMs);

  afterAll(() => rm(directory, { recursive: true, force: true }));

  /** The arguments of the entry point, behind `node`. */
  const entryArgs = (): string[] => entrypoint.slice(1).map((path) => builtPath(context, path));

  test(
    'can be built from the tarball of npm pack alone, with the packages that the command needs',
    async () => {
      const [tarball = ''] = (await readdir(context)).filter((name) => name.endsWith('.tgz'));
      const other = join(directory, 'tarball');
      await mkdir(other);
      await copyFile(join(context, tarball), join(other, tarball));
      await build(other);
      const packages = (await readdir(builtPath(other, copied.to))).filter((name) => !name.startsWith('.'));
      expect(packages.sort()).toEqual(
        (await readdir(builtPath(context, copied.to))).filter((name) => !name.startsWith('.')),
      );
      expect(packages).toEqual(expect.arrayContaining(['ky', 'planetscale-audit', 'zod']));
      expect(packages).not.toContain('typescript');
    },
    maxBuildMs,
  );

  test('prints every event and answers its health check, which fails once the command is gone', async () => {
    const { env } = await servedEnv();
    const { args, url } = await onFreePort(defaultArgs);
    const home = await temporaryDirectory();
    const running = startProgram(process.execPath, [...entryArgs(), ...args], { ...env, XDG_STATE_HOME: home });
    await running.until(({ stdout }) => stdout.includes(all.at(-1) ?? ''));
    expect(idsIn(running.output.stdout)).toEqual(all);
    expect(await readdir(home)).toEqual(['planetscale-audit']);

    const [node, ...checkArgs] = healthCheck.map((part) => part.replace(`http://127.0.0.1:${exposedPort}`, url));
    expect(node).toBe('node');
    const isHealthy = () => startProgram(process.execPath, checkArgs).ended;
    expect(await isHealthy()).toMatchObject({ status: 0, stderr: '' });
    running.child.kill('SIGKILL');
    await running.ended;
    expect((await isHealthy()).status).toBe(1);
  });

  describe.skipIf(!canStartFirstProcess)(
    canStartFirstProcess ? 'as process 1' : 'as process 1 (skipped: needs Linux and root)',
    () => {
      const userId = Number(user.split(':')[0]);

      /** A home and a Node that the user of the image can reach. */
      const createHome = async () => {
        const home = await temporaryDirectory();
        const node = join(home, 'node');
        await copyFile(process.execPath, node);
        await chmod(node, 0o755);
        const state = join(home, 'state');
        await mkdir(state);
        for (const path of [home, state]) await chown(path, userId, userId);
        return { node, state };
      };

      /** The process that is process 1 of its own space. */
      const firstProcessOf = async ({ child: { pid } }: Running): Promise<number> =>
        Number(await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'));

      test.each(['SIGTERM', 'SIGINT'] as const)(
        'ends with status 0 after a %s, has committed what it printed, and leaves no child',
        async (signal) => {
          const { env } = await servedEnv();
          const { node, state } = await createHome();
          const [program, ...before] = asFirstProcess(userId);
          const begin = (args: readonly string[]) =>
            startProgram(program, [...before, node, ...entryArgs(), ...args], { ...env, XDG_STATE_HOME: state });

          const { args } = await onFreePort(defaultArgs);
          const running = begin(args);
          await running.until(({ stdout }) => linesOf(stdout).length > 0);
          const pid = await firstProcessOf(running);
          // The end of unshare does not end it.
          onTestFinished(() => void (running.child.exitCode === null && process.kill(pid, 'SIGKILL')));
          const status = await readFile(`/proc/${pid}/status`, 'utf8');
          expect(status).toMatch(/^NSpid:\s+\d+\s+1$/m);
          expect(status).toMatch(new RegExp(`^Uid:\\s+${userId}\\s`, 'm'));
          expect(await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).toBe('');
          process.kill(pid, signal);
          const first = await running.ended;
          expect(first).toMatchObject({ status: 0, signal: null });
          expect(first.stderr).toContain(`${signal}: stopping after this batch`);

          const second = await begin(['tail', '--once', '--format', 'ndjson']).ended;
          expect([...idsIn(first.stdout), ...idsIn(second.stdout)]).toEqual(all);
        },
      );
    },
  );
});
