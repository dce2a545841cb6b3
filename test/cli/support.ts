import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FakePlanetScaleOptions, fakePlanetScale } from 'planetscale-audit/testing';
import { onTestFinished } from 'vitest';
import { credentials, numbered, serve, serveRaw } from '../support/served.ts';

/** The command line, which Node runs. */
export const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export type Env = Readonly<Record<string, string>>;

/** A command that runs as a process. */
export interface Running {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly output: { stdout: string; stderr: string };
  /** Resolves once the output meets the condition. */
  until(condition: (output: { readonly stdout: string; readonly stderr: string }) => boolean): Promise<void>;
  readonly ended: Promise<Ended>;
}

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the command line as a process. */
export const start = (args: readonly string[], env: Env = {}, input = ''): Running =>
  startProgram(process.execPath, [program, ...args], env, input);

/** Starts any program as a process, with a text on its standard input. */
export function startProgram(file: string, args: readonly string[], env: Env = {}, input = ''): Running {
  const child = spawn(file, args, {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.end(input);
  const output = { stdout: '', stderr: '' };
  const checks = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      for (const check of checks) check();
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, ...output }));
  });
  const until: Running['until'] = (condition) =>
    new Promise((resolve, reject) => {
      const check = () => {
        if (condition(output)) resolve();
      };
      checks.add(check);
      check();
      void ended.then(({ status }) => reject(new Error(`ended with ${status}: ${output.stderr}`)));
    });
  return { child, output, until, ended };
}

/** Runs the command line to its end. */
export const run = (args: readonly string[], env: Env = {}, input = ''): Promise<Ended> =>
  start(args, env, input).ended;

/** Serves a made-up PlanetScale, and returns the variables that point to it. */
export async function servedEnv(options: FakePlanetScaleOptions = {}) {
  const { fake, url } = await serve({ events: numbered(250), ...options });
  return { fake, env: envOf(url) };
}

/** The same with a `hold`, after which so many more requests get an answer, and later ones wait for a `release`. */
export async function heldEnv(options: FakePlanetScaleOptions) {
  const fake = fakePlanetScale({ ...credentials, ...options });
  let left = Number.POSITIVE_INFINITY;
  let waiting = Promise.withResolvers<void>();
  const url = await serveRaw(async ({ url: path, headers }, response) => {
    if (left-- <= 0) await waiting.promise;
    const { authorization = '' } = headers;
    const answer = await fake.fetch(`http://127.0.0.1${path}`, { headers: { authorization } });
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  });
  const hold = (requests: number): void => {
    left = requests;
  };
  const release = (): void => {
    left = Number.POSITIVE_INFINITY;
    waiting.resolve();
    waiting = Promise.withResolvers();
  };
  return { fake, env: envOf(url), hold, release };
}

const envOf = (url: string) => ({
  PLANETSCALE_ORG: 'acme',
  PLANETSCALE_SERVICE_TOKEN_ID: credentials.serviceTokenId,
  PLANETSCALE_SERVICE_TOKEN: credentials.serviceToken,
  PLANETSCALE_API_URL: url,
});

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'cli-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export const linesOf = (text: string): string[] => text.split('\n').filter(Boolean);

/** The ids in lines of ndjson or raw JSON. */
export const idsIn = (text: string): string[] => linesOf(text).map((line) => JSON.parse(line).id);
