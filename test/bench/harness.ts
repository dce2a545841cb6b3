import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Contender, Row, Sample } from './row.ts';
import { orderOfRound } from './statistics.ts';

const contenderProcess = fileURLToPath(new URL('contender-process.ts', import.meta.url));
const serverProcess = fileURLToPath(new URL('server.ts', import.meta.url));
/** The first rounds of a process compile its code, and do not count. */
const warmUpRounds = 2;
const maxRoundMs = 5 * 60_000;

/** A build of the library to measure. */
export interface Build {
  readonly label: string;
  /** The directory with its `index.js`. */
  readonly dist: string;
}

/** The samples of one contender, or why it has none. */
export type Outcome = readonly Sample[] | { readonly failure: string };

/** The outcomes of one row by build, and then by contender. A floor or a peer has the same outcome in every build. */
export type RowOutcome = ReadonlyMap<Build, Readonly<Record<string, Outcome>>>;

interface Entry {
  readonly name: string;
  readonly contender: Contender;
  readonly build: Build;
  readonly samples: Sample[];
  failure?: string;
  process?: ChildProcess;
}

/** Starts the server, and resolves to its URL. */
export async function startServer(): Promise<{ readonly url: string; stop(): void }> {
  const server = spawn(process.execPath, [serverProcess], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [url] = await once(createInterface({ input: server.stdout }), 'line');
  return { url: String(url), stop: () => server.stdin.end() };
}

/** Measures all contenders of a row, one round of each after the other. The error of a contender ends that contender alone. */
export async function measureRow(row: Row, builds: readonly Build[], serverUrl: string): Promise<RowOutcome> {
  const entries = entriesOf(row, builds);
  try {
    for (let round = -warmUpRounds; round < row.rounds; round++) {
      for (const entry of orderOfRound(entries, round + warmUpRounds)) {
        const isWarmUp = round < 0;
        if (entry.failure !== undefined || (isWarmUp && entry.contender.freshProcess)) continue;
        const sample = await measureRound(row, entry, serverUrl).catch((error: Error) => {
          entry.failure = error.message;
        });
        if (sample && !isWarmUp) entry.samples.push(sample);
      }
    }
  } finally {
    for (const entry of entries) stopProcess(entry);
  }
  return outcomesOf(entries, builds);
}

/** A contender that uses the library runs once for each build, and any other once. */
const entriesOf = ({ contenders }: Row, builds: readonly Build[]): Entry[] =>
  Object.entries(contenders).flatMap(([name, contender]) =>
    (contender.kind === 'library' ? builds : builds.slice(0, 1)).map((build) => ({
      name,
      contender,
      build,
      samples: [],
    })),
  );

const outcomesOf = (entries: readonly Entry[], builds: readonly Build[]): RowOutcome =>
  new Map(
    builds.map((build) => [
      build,
      Object.fromEntries(
        entries
          .filter((entry) => entry.build === build || entry.contender.kind !== 'library')
          .map(({ name, samples, failure }) => [name, failure === undefined ? samples : { failure }]),
      ),
    ]),
  );

async function measureRound(row: Row, entry: Entry, serverUrl: string): Promise<Sample> {
  entry.process ??= fork(contenderProcess, [row.name, entry.name, entry.build.dist, serverUrl], {
    execArgv: ['--expose-gc'],
  });
  try {
    return await askForSample(entry.process);
  } finally {
    if (entry.contender.freshProcess) stopProcess(entry);
  }
}

async function askForSample(child: ChildProcess): Promise<Sample> {
  if (child.exitCode !== null) throw new Error(`The process ended with code ${child.exitCode}.`);
  const settled = new AbortController();
  const signal = AbortSignal.any([settled.signal, AbortSignal.timeout(maxRoundMs)]);
  const exited = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`The process ended with code ${code}.`);
  });
  exited.catch(() => {});
  try {
    child.send('round', () => {}); // A process that has ended tells so by its exit.
    const [message] = await Promise.race([once(child, 'message', { signal }), exited]);
    if ('failure' in message) throw new Error(message.failure);
    return message.sample;
  } finally {
    settled.abort();
  }
}

const stopProcess = (entry: Entry): void => {
  entry.process?.kill();
  delete entry.process;
};
