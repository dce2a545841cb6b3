import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { idsIn, program, run, servedEnv, startProgram, temporaryDirectory } from '../cli/support.ts';
import { canTrace } from '../support/fault-trials.ts';
import { idsOf, numbered } from '../support/served.ts';
import { describeWith, installed, programOf } from '../support/server-process.ts';
import { readDeployFile, root } from './dockerfile.ts';
import { onFreePort } from './support.ts';

vi.setConfig({ testTimeout: 120_000 }); // Each test starts several processes, and the machine may be busy.

const systemd = installed('systemd', ['/usr/bin/systemd-analyze', '/bin/systemd-analyze']);
const unitFile = join(root, 'examples/deploy/planetscale-audit.service');
const unit = readDeployFile('planetscale-audit.service');
const all = idsOf(numbered(250));

/** The value of a setting of the unit. */
const settingOf = (name: string): string => {
  const [value = '', ...others] = [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, text = '']) => text);
  expect(others, `${name} is set more than once`).toEqual([]);
  return value;
};

/** Runs systemd-analyze to its end. Rejects if it fails. */
const analyze = (...args: readonly string[]) => promisify(execFile)(programOf(systemd), [...args, '--no-pager']);

/** Returns the arguments of the command in ExecStart, with the directories that systemd would make, and a file of credentials in one of them. */
const createArgs = async (env: Readonly<Record<string, string>>): Promise<readonly string[]> => {
  const directory = await temporaryDirectory();
  const directories = {
    STATE_DIRECTORY: join(directory, 'state'),
    CREDENTIALS_DIRECTORY: join(directory, 'credentials'),
  };
  for (const path of Object.values(directories)) await mkdir(path, { mode: 0o700 });
  const [credential = ''] = settingOf('LoadCredential').split(':');
  const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(join(directories.CREDENTIALS_DIRECTORY, credential), lines.join(''));
  const [launcher, node, script, ...args] = settingOf('ExecStart').split(' ');
  expect([launcher, node]).toEqual(['/usr/bin/env', 'node']);
  expect(script).toMatch(/\/node_modules\/planetscale-audit\/dist\/cli\.js$/);
  return args.map((arg) =>
    Object.entries(directories).reduce((text, [name, path]) => text.replace(`\${${name}}`, path), arg),
  );
};

describeWith(systemd, 'the systemd unit', () => {
  test('is accepted by systemd-analyze verify without a warning', async () => {
    const { stderr } = await analyze('verify', '--man=no', '--recursive-errors=no', unitFile);
    expect(stderr.split('\n').filter((line) => line.includes('planetscale-audit'))).toEqual([]);
  });

  test('is confined so far that systemd-analyze security rates its exposure at 2 of 10 or less', async () => {
    // systemd-analyze fails if the exposure, in tenths, is above the threshold.
    await analyze('security', '--offline=yes', '--threshold=20', unitFile);
  });

  test.skipIf(!canTrace)(
    canTrace
      ? 'allows every system call that the command makes'
      : 'allows every system call (skipped: needs root and strace)',
    async () => {
      const allowed = expandFilter(settingOf('SystemCallFilter'), (await analyze('syscall-filter')).stdout);
      const { env } = await servedEnv();
      const { args } = await onFreePort(await createArgs(env));
      const summary = join(await temporaryDirectory(), 'summary');
      const strace = ['-f', '--seccomp-bpf', '-c', '-U', 'name', '-o', summary];
      const { status, stdout } = await startProgram('strace', [...strace, process.execPath, program, ...args, '--once'])
        .ended;
      expect(status).toBe(0);
      expect(idsIn(stdout)).toEqual(all);
      const used = (await readFile(summary, 'utf8'))
        .split('\n')
        .map((line) => line.trim())
        .filter((name) => /^[a-z]\w*$/.test(name));
      expect(used).toEqual(expect.arrayContaining(['execve', 'connect', 'fsync']));
      expect(used.filter((name) => name !== 'syscall' && name !== 'total' && !allowed.has(name))).toEqual([]);
    },
  );
});

/** Returns the names of the system calls in a filter, by the sets that `systemd-analyze syscall-filter` prints. */
const expandFilter = (filter: string, printedSets: string): ReadonlySet<string> => {
  const sets = new Map(
    printedSets.split(/\n(?=@)/).map((text) => {
      const [name = '', ...members] = text.split('\n').map((line) => line.trim());
      return [name, members.filter((member) => member !== '' && !member.startsWith('#'))] as const;
    }),
  );
  const expand = (name: string): string[] => (name.startsWith('@') ? (sets.get(name) ?? []).flatMap(expand) : [name]);
  return new Set(filter.split(' ').flatMap(expand));
};

describe('the command of the systemd unit', () => {
  test('reads the credentials, prints every event once over two runs, and keeps its place in the state directory', async () => {
    const { fake, env } = await servedEnv();
    const { args } = await onFreePort(await createArgs(env));
    const first = await run([...args, '--once']);
    expect(first).toMatchObject({ status: 0, signal: null });
    expect(idsIn(first.stdout)).toEqual(all);
    fake.add({ id: 'newcomer0000' });
    expect(idsIn((await run([...args, '--once'])).stdout)).toEqual(['newcomer0000']);
  });

  test('ends with the status that prevents a restart if the credentials are not set', async () => {
    const { status, stderr } = await run([...(await createArgs({})), '--once']);
    expect(stderr).toContain('PLANETSCALE_ORG');
    expect(settingOf('RestartPreventExitStatus').split(' ')).toContain(String(status));
  });

  test('ends with a status that prevents a restart if the file of credentials is missing', async () => {
    const { status, stderr } = await run(['tail', '--env-file', '/nonexistent/env']);
    expect(stderr).toContain('/nonexistent/env');
    expect(settingOf('RestartPreventExitStatus').split(' ')).toContain(String(status));
  });
});
