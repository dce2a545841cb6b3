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

// SEED=… makes the choices of a run that failed again, KILLS=… makes it longer.
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const kills = Number(process.env.KILLS ?? 50);

/** A process is killed once it has come so far, and a moment later: anywhere in its work. Three of four deliver something first. */
const life = fc.record({
  until: fc.record({
    unit: fc.constantFrom('batches' as const, 'batches' as const, 'lines' as const, 'requests' as const),
    count: fc.integer({ min: 1, max: 5 }),
  }),
  restMs: fc.integer({ min: 0, max: 10 }),
  /** Events that come while it is not running. */
  backlog: fc.oneof(
    { weight: 9, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 100, max: 250 }) },
  ),
});
type Life = typeof life extends fc.Arbitrary<infer Value> ? Value : never;

/** How late each of the events becomes visible that come with a request. */
const arrivals = fc.array(fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 900 })), {
  maxLength: 6,
});

const fixed = { seed, numRuns: kills };
const lives = fc.sample(life, fixed);
const arrivalsByRequest = fc.sample(arrivals, { seed, numRuns: 997 });

/** A PlanetScale that is served over HTTP, and where events happen as it is asked for them. */
const servedWorld = async () => {
  const fake = fakePlanetScale(credentials);
  const made: string[] = [];
  const happen = (lateMs: number) => {
    const id = `event${String(made.length).padStart(7, '0')}`;
    fake.add({ id, created_at: new Date(Date.now() - lateMs).toISOString() });
    made.push(id);
  };
  let isQuiet = false;
  const server = await listen({
    ...fake,
    fetch: (...request) => {
      const lateness = arrivalsByRequest[fake.requests.length % arrivalsByRequest.length] ?? [];
      if (!isQuiet) for (const lateMs of lateness) happen(lateMs);
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
  return { made, happen, becomeQuiet, env, requests: () => fake.requests.length };
};

interface Line {
  readonly batch: number;
  readonly id: string;
}
const lineLength = '0001 event0000001\n'.length;

/** The file that the processes append to, read on from where it was read to. */
class Rows {
  readonly path: string;
  #readTo = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** How many whole lines can be read: one that was cut short is no delivery. */
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

/** What was delivered, and what of it may come again. */
class Ledger {
  readonly delivered = new Set<string>();
  repeated = 0;
  /** Of batches that were not followed by another one, whose save may not have come about. */
  readonly #inHand = new Set<string>();

  /** Takes note of what one process has delivered. */
  note(lines: readonly Line[]): void {
    const again = lines.filter(({ id }) => this.delivered.has(id));
    this.repeated += again.length;
    expect(again.filter(({ id }) => !this.#inHand.has(id))).toEqual([]);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
    const lastBatch = lines.at(-1)?.batch;
    // What was in hand lies on two pages at most now, and what is late before it on one more: it has come again by then.
    if (new Set(lines.map(({ batch }) => batch)).size > 3) this.#inHand.clear();
    for (const { id, batch } of lines) {
      this.delivered.add(id);
      if (batch === lastBatch) this.#inHand.add(id);
      else this.#inHand.delete(id);
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

test(`${kills} kills of a poller lose no event, and repeat none but those of the batch in hand (seed ${seed})`, {
  timeout: 3_600_000,
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'killed-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const world = await servedWorld();
  const rows = new Rows(join(directory, 'rows'));
  await writeFile(rows.path, '');
  const args = [join(directory, 'cursors'), rows.path];
  const ledger = new Ledger();
  let killsAfterDelivery = 0;

  const liveAndDie = async ({ until, restMs, backlog }: Life): Promise<void> => {
    for (let count = 0; count < backlog; count++) world.happen(0);
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
    ledger.note(lines);
  };

  for (const life of lives) await liveAndDie(life);

  world.becomeQuiet();
  const { child, output } = startPoller([...args, 'drain'], world.env);
  const [code] = await once(child, 'exit');
  expect(code, output()).toBe(0);
  ledger.note(await rows.read());

  const lost = world.made.filter((id) => !ledger.delivered.has(id));
  console.log(
    `${kills} kills, ${killsAfterDelivery} of them after a delivery: ${world.made.length} events made, ${ledger.delivered.size} delivered, ${ledger.repeated} repeated, ${lost.length} lost (seed ${seed}).`,
  );
  expect(lost).toEqual([]);
  expect(killsAfterDelivery).toBeGreaterThanOrEqual(kills / 2);
});
