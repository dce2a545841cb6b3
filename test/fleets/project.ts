import { existsSync, rmSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runWell } from '../package/consumers/project.ts';
import { mutantOf } from './mutants.ts';

const example = (name: string): string => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));

/** With FLEETS_DIRECTORY, the packages stay installed for the next run. */
const kept = process.env.FLEETS_DIRECTORY;
const root = kept ?? (await mkdtemp(join(tmpdir(), 'planetscale-audit-fleets-')));
if (!kept) process.once('exit', () => rmSync(root, { recursive: true, force: true }));

const findTarball = async (): Promise<string | undefined> =>
  (await readdir(root)).find((name) => name.endsWith('.tgz'));

async function packOnce(): Promise<string> {
  await mkdir(root, { recursive: true });
  if (!(await findTarball())) await runWell('npm', ['pack', '--pack-destination', root]);
  return join(root, (await findTarball()) ?? '');
}

/** Copies an example of several files to a directory of its own, and installs it there with the packed package, as a user does. */
export async function installExample(name: string): Promise<string> {
  const tarball = await packOnce();
  const project = join(root, name);
  const isInstalled = existsSync(join(project, 'node_modules'));
  rmSync(join(project, 'src'), { recursive: true, force: true });
  const isFresh = (path: string) => !path.includes('node_modules') && !(isInstalled && /package\.json$/.test(path));
  await cp(example(name), project, { recursive: true, filter: isFresh });
  if (!isInstalled)
    await runWell('npm', ['install', '--prefix', project, '--no-audit', '--no-fund', tarball], { cwd: project });
  await runWell('npm', ['run', 'typecheck'], { cwd: project });
  await mutate(project);
  return project;
}

/** With MUTANT=…, spoils the program, so that the trial must fail. */
async function mutate(project: string): Promise<void> {
  const mutant = mutantOf(process.env.MUTANT);
  if (!mutant) return;
  const file = join(project, 'src', mutant.file);
  const code = await readFile(file, 'utf8');
  const changed = code.replace(mutant.from, mutant.to);
  if (changed === code)
    throw new Error(`${mutant.file} has no ${mutant.from}. Correct the mutant ${process.env.MUTANT}.`);
  await writeFile(file, changed);
}
