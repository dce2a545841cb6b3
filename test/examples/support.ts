import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { lines, type Outcome, type Running, type RunOptions, run, served, start } from '../support/programs.ts';
import { idsOf, numbered } from '../support/served.ts';

// The examples import the package by its name. Here they get its source, so that no test depends on a build.
const resolver = new URL('../support/resolve-source.ts', import.meta.url).href;

export interface ExampleOptions extends RunOptions {
  readonly args?: readonly string[];
}

const commandOf = (example: string, args: readonly string[] = []) => [
  '--import',
  resolver,
  `examples/${example}`,
  ...args,
];

/** Starts an example. */
export const startExample = (example: string, { args, ...options }: ExampleOptions = {}): Running =>
  start(process.execPath, commandOf(example, args), options);

/** Runs an example to its end. */
export const runExample = (...call: Parameters<typeof startExample>): Promise<Outcome> => startExample(...call).ended;

export const runExampleSuccessfully = async (...call: Parameters<typeof startExample>): Promise<string> => {
  const { code, output } = await runExample(...call);
  expect(code, output).toBe(0);
  return output;
};

/** Runs an example whose output a shell takes. `pipeline` has the example as `"$@"`. */
export const runInShell = (pipeline: string, example: string, env: Readonly<Record<string, string>>) =>
  run('bash', ['-c', pipeline, 'bash', process.execPath, ...commandOf(example)], { env });

/** Runs an example whose output is a pipe that its reader has already closed. */
export const withClosedPipe = async (example: string, env: Readonly<Record<string, string>>): Promise<string[]> => {
  const script = 'exec 3> >(true); wait $!; "$@" >&3; echo "status $?"';
  const { output } = await runInShell(script, example, { CURSOR_DIRECTORY: await temporaryDirectory(), ...env });
  return lines(output).filter((line) => !line.startsWith('planetscale-audit: '));
};

/** A directory that is removed when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'planetscale-audit-example-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Runs an example that saves events twice, with three more events the second time. */
export async function runTwice(example: string, env: Readonly<Record<string, string>>): Promise<void> {
  const runOnce = async (count: number) =>
    runExampleSuccessfully(example, { env: { ...(await served(count)), ...env } });
  expect(lines(await runOnce(250)).at(-1)).toMatch(/^saved \d+ event\(s\)$/);
  expect(lines(await runOnce(253)).at(-1)).toBe('saved 3 event(s)');
}

/** The ids of the events that `runTwice` serves. */
export const everyEvent = (): string[] => idsOf(numbered(253)).sort();

/** A whole run under a machine that has other work. */
export const slowly = 180_000;
