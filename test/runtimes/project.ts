import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { copyFile, cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { installPacked } from '../package/consumers/project.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const root = await mkdtemp(join(tmpdir(), 'planetscale-audit-runtimes-'));
process.once('exit', () => rmSync(root, { recursive: true }));
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => process.exit(status));

/** A directory with the programs of `consumers`, the packed package, and all that the package.json beside this file names. */
export const project = join(root, 'project');

/** Makes an empty directory outside of the project. */
export const newDirectory = (): Promise<string> => mkdtemp(join(root, 'directory-'));

export async function installProject(): Promise<void> {
  await cp(here('consumers'), project, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) await copyFile(here(file), join(project, file));
  await copyFile(here('../package/consumers/jest-consumer.js'), join(project, 'consumer.test.js'));
  await installPacked(project);
}

export const installed = (path: string): string => join(project, 'node_modules', path);

const execute = promisify(execFile);

/** Runs a program in the project, and returns what it prints. The error of a program that fails has its standard error. */
export async function output(
  [file = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await execute(file, args, {
    cwd: project,
    env: { ...process.env, DENO_DIR: join(project, '.deno'), DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1', ...env },
    timeout: 300_000,
    killSignal: 'SIGKILL',
    maxBuffer: 2 ** 26,
  });
  return stdout;
}
