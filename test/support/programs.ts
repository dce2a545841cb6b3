import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { AuditEvent } from 'planetscale-audit';
import { expect, onTestFinished } from 'vitest';
import { credentials, numbered, serve } from './served.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** A program that runs. */
export interface Running {
  readonly child: ChildProcess;
  /** What it has written so far, to standard output and standard error. */
  output(): string;
  readonly ended: Promise<Outcome>;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Accepts the output after which the program receives a SIGTERM. */
  readonly until?: (output: string) => boolean;
}

/** The time that the slowest command may take, which installs the package. */
const maxRunMs = 200_000;

/** Whether a test runs, and not a hook. */
const isInTest = (): boolean => expect.getState().currentTestName !== undefined;

export function start(command: string, args: readonly string[], options: RunOptions = {}): Running {
  const { cwd = root, env = {}, until } = options;
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const onData = (data: Buffer) => {
    output += data;
    if (!child.killed && until?.(output)) child.kill('SIGTERM'); // A second SIGTERM would end the program before its cleanup.
  };
  const kill = () => child.kill('SIGKILL');
  const limit = setTimeout(kill, maxRunMs);
  if (isInTest()) onTestFinished(() => void kill()); // A test that times out leaves no child behind.
  child.stdout.on('data', onData);
  child.stderr.on('data', onData);
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(limit);
      resolve({ code, output });
    });
  });
  return { child, output: () => output, ended };
}

/** Runs a command to its end. */
export const run = (...call: Parameters<typeof start>): Promise<Outcome> => start(...call).ended;

export const runSuccessfully = async (...call: Parameters<typeof start>): Promise<string> => {
  const { code, output } = await run(...call);
  expect(code, output).toBe(0);
  return output;
};

export const lines = (output: string): string[] => output.split('\n').filter(Boolean);

/** The environment variables that point to an organization. */
export const environmentOf = (url: string) => ({
  PLANETSCALE_ORG: 'acme',
  PLANETSCALE_SERVICE_TOKEN_ID: credentials.serviceTokenId,
  PLANETSCALE_SERVICE_TOKEN: credentials.serviceToken,
  PLANETSCALE_API_URL: url,
});

/** Serves an organization with so many events, and returns the environment variables that point to it. */
export const served = async (count: number, changes: readonly Partial<AuditEvent>[] = []) => {
  const { url } = await serve({ events: numbered(count).map((event, index) => ({ ...event, ...changes[index] })) });
  return environmentOf(url);
};

/** Names that clear a terminal and turn text around. */
export const hostileNames = { actor_display_name: '\u001b[2J\u202eada', auditable_display_name: '\u001b[2J\u202emain' };
