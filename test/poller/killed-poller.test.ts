import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { fakePlanetScale, listen } from 'planetscale-audit/testing';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { bundled } from '../support/bundled.ts';
import { credentials } from '../support/served.ts';

// SEED=… repeats the choices of a failed run; KILLS=… sets the number of kills.
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const kills = Number(process.env.KILLS ?? 50);

/**
 * When a process is killed: `restMs` after it has come as far as `until` says, so anywhere in its work. Three of four processes deliver
 * something first.
 */
const processRun = fc.record({
  until: fc.record({
    unit: fc.constantFrom('batches' as const, 'batches' as const, 'lines' as const, 'requests' as const),
    count: fc.integer({ min: 1, max: 5 }),
  }),
  restMs: fc.integer({ min: 0, max: 10 }),
  /** How many events come before the process starts. */
  backlog: fc.oneof(
    { weight: 9, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 100, max: 250 }) },
  ),
});
type ProcessRun = typeof processRun extends fc.Arbitrary<infer Value> ? Value : never;

/** The events that become visible at a request: how late each of them is, in milliseconds. */
const arrivals = fc.array(fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 900 })), {
  maxLength: 6,
});

const processRuns = fc.sample(processRun, { seed, numRuns: kills });
const arrivalsByRequest = fc.sample(arrivals, { seed, numRuns: 997 });

/** A PlanetScale behind real HTTP. Each request brings new events, until `becomeQuiet` is called. */
const serveBusyPlanetScale = async () => {
  const fake = fakePlanetScale(credentials);
  const made: string[] = [];
  const addEvent = (lateMs: number) => {
    const id = `event${String(made.length).padStart(7, '0')}`;
    fake.add({ id, created_at: new Date(Date.now() - lateMs).toISOString() });
    made.push(id);
  };
  let isQuiet = false;
  const server = await listen({
    ...fake,
    fetch: (...request) => {
      const lateness = arrivalsByRequest[fake.requests.length % arrivalsByRequest.length] ?? [];
      if (!isQuiet) for (const lateMs of lateness) addEvent(lateMs);
      return fake.fetch(...request);
    },
  });
  onTestFinished(() => server.close());
  const env = {
    PLANETSCALE_API_URL: server.url,
    PLANETSCALE_ORG: 'acme',
    PLANETSCALE_SERVICE_TOKEN_ID: credentials.serviceTokenId,
    PLANETSCALE_SERVICE_TOKEN: credentials.serviceToken,
  };
  const becomeQuiet = () => {
    isQuiet = true;
  };
  return { made, addEvent, becomeQuiet, env, requests: () => fake.requests.length };
};

interface Line {
  readonly batch: number;
  readonly id: string;
}
const lineLength = '0001 event0000001\n'.length;

/** The file to which the processes append a line for each event. Each `read` continues after the one before it. */
class Rows {
  readonly path: string;
  #readTo = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** How many whole lines are unread. A line that a kill cut short is no delivery. */
  async lines(): Promise<number> {
    return Math.floor(((await stat(this.path)).size - this.#readTo) / lineLength);
  }

  async batches(): Promise<number> {
    const lines = await this.lines();
    return lines === 0 ? 0 : Number((await this.#bytes((lines - 1) * lineLength, 4)).toString());
  }

  async read(): Promise<Line[]> {
    const bytes = await this.#bytes(0, (await this.lines()) * lineLength);
    this.#readTo += bytes.length;
    const lines = bytes.toString().split('\n').filter(Boolean);
    return lines.map((line) => ({ batch: Number(line.slice(0, 4)), id: line.slice(5) }));
  }

  async #bytes(from: number, length: number): Promise<Buffer> {
    const bytes = Buffer.alloc(length);
    const file = await open(this.path);
    await file.read(bytes, 0, length, this.#readTo + from);
    await file.close();
    return bytes;
  }
}

/** The delivered events, and which of them may be delivered again. */
class Ledger {
  readonly delivered = new Set<string>();
  repeated = 0;
  /** The events of the last batch of each process: its save may be missing. */
  readonly #inFlight = new Set<string>();

  /** Records the lines of one process, and checks that it repeats only events that were in flight. */
  record(lines: readonly Line[]): void {
    const again = lines.filter(({ id }) => this.delivered.has(id));
    this.repeated += again.length;
    expect(again.filter(({ id }) => !this.#inFlight.has(id))).toEqual([]);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
    const lastBatch = lines.at(-1)?.batch;
    // The in-flight events are on at most two pages, and the late events below them on one more: all have come again by then.
    if (new Set(lines.map(({ batch }) => batch)).size > 3) this.#inFlight.clear();
    for (const { id, batch } of lines) {
      this.delivered.add(id);
      if (batch === lastBatch) this.#inFlight.add(id);
      else this.#inFlight.delete(id);
    }
  }
}

let program: string;
beforeAll(async () => {
  const bundle = await bundled('poll-into-file.ts');
  program = bundle.path;
  return bundle.remove;
});

const startPoller = (args: readonly string[], env: Readonly<Record<string, string>>) => {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (data: Buffer) => {
    output += data;
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, output: () => output };
};

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

test(`a poller process loses no event over ${kills} kills, and repeats at most the in-flight batches (seed ${seed})`, {
  timeout: 3_600_000,
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'killed-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const world = await serveBusyPlanetScale();
  const rows = new Rows(join(directory, 'rows'));
  await writeFile(rows.path, '');
  const args = [join(directory, 'cursors'), rows.path];
  const ledger = new Ledger();
  let killsAfterDelivery = 0;

  const runUntilKilled = async ({ until, restMs, backlog }: ProcessRun): Promise<void> => {
    for (let count = 0; count < backlog; count++) world.addEvent(0);
    const requestsBefore = world.requests();
    const progress = {
      batches: () => rows.batches(),
      lines: () => rows.lines(),
      requests: async () => world.requests() - requestsBefore,
    };
    const { child, output } = startPoller(args, world.env);
    const ended = once(child, 'exit');
    while (isRunning(child) && (await progress[until.unit]()) < until.count) await sleep(1);
    await sleep(restMs);
    child.kill('SIGKILL');
    const [, signal] = await ended;
    expect(signal, output()).toBe('SIGKILL');
    const lines = await rows.read();
    if (lines.length > 0) killsAfterDelivery++;
    ledger.record(lines);
  };

  for (const run of processRuns) await runUntilKilled(run);

  world.becomeQuiet();
  const { child, output } = startPoller([...args, 'drain'], world.env);
  const [code] = await once(child, 'exit');
  expect(code, output()).toBe(0);
  ledger.record(await rows.read());

  const lost = world.made.filter((id) => !ledger.delivered.has(id));
  console.log(
    `${kills} kills, ${killsAfterDelivery} of them after a delivery: ${world.made.length} events made, ${ledger.delivered.size} delivered, ${ledger.repeated} repeated, ${lost.length} lost (seed ${seed}).`,
  );
  expect(lost).toEqual([]);
  expect(killsAfterDelivery).toBeGreaterThanOrEqual(kills / 2);
});
