import { spawn } from 'node:child_process';
import { mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The end of a process, with all that it printed. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

export const run = (
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const { cwd = root, env = {} } = options;
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data));
    child.stderr.on('data', (data: Buffer) => (output += data));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });

/** @throws Error if the command fails */
export async function runWell(...call: Parameters<typeof run>): Promise<string> {
  const { code, output } = await run(...call);
  if (code !== 0) throw new Error(`${call[0]} ${call[1].join(' ')} ended with ${code}:\n${output}`);
  return output;
}

/** Builds and packs the package, and installs it with other packages in a new directory, which the caller removes. */
export async function projectWith(...packages: readonly string[]): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), 'planetscale-audit-consumer-'));
  await writeFile(join(project, 'package.json'), '{"private":true}');
  await installPacked(project, ...packages);
  return project;
}

/** Builds and packs the package, and installs it in a project beside the packages that its package.json names. */
export async function installPacked(project: string, ...packages: readonly string[]): Promise<void> {
  await runWell('npm', ['pack', '--pack-destination', project]);
  const tarballs = (await readdir(project)).filter((name) => name.endsWith('.tgz')).map((name) => join(project, name));
  await runWell('npm', ['install', '--prefix', project, '--no-audit', '--no-fund', ...tarballs, ...packages], {
    cwd: project,
  });
}
