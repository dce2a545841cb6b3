// Tries the two fleets of `examples` on real servers, while workers are killed and everything around them fails: npm run test:fleets.
// FLEET=pg-boss or FLEET=bullmq runs one of them. The variables of settings.ts set the size, and SEED=… repeats the choices of a run.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mulberry32 } from '../poller/model/random.ts';
import { freePort } from '../support/server-process.ts';
import { bullmqFleet } from './bullmq.ts';
import type { Fleet } from './fleet.ts';
import { pgBossFleet } from './pg-boss.ts';
import { parkedOrganization, startPlanetScale } from './planetscale.ts';
import { type ProgramOptions, runProgram, startProgram, Workers } from './programs.ts';
import { installExample } from './project.ts';
import { outages, pollSeconds, settings } from './settings.ts';
import { checkStatusPage } from './status-page.ts';
import { foreignEvents, lostEvents, repetitions, savesThatGoBack } from './verdict.ts';

type PlanetScale = Awaited<ReturnType<typeof startPlanetScale>>;

/** @throws Error if the condition does not hold in time */
async function waitUntil(what: string, seconds: number, isTrue: () => Promise<boolean>): Promise<void> {
  for (const endMs = Date.now() + seconds * 1000; !(await isTrue()); await sleep(1000))
    if (Date.now() > endMs) throw new Error(`After ${seconds} s, this is not true: ${what}.`);
}

/** Kills workers and stops the database at random times, while the logs grow. */
async function disturb(fleet: Fleet, planetScale: PlanetScale, workers: Workers, random: () => number) {
  const timesOf = (count: number) => Array.from({ length: count }, () => (0.05 + 0.9 * random()) * settings.seconds);
  const killWorkers = async () => {
    let kills = 0;
    for (const second of timesOf(settings.kills).toSorted((a, b) => a - b)) {
      await sleep(Math.max(0, startMs + second * 1000 - Date.now()));
      while (!workers.killOne(random)) await sleep(50);
      kills++;
    }
    return kills;
  };
  const stopDatabase = async () => {
    for (const second of timesOf(outages).toSorted((a, b) => a - b)) {
      await sleep(Math.max(0, startMs + second * 1000 - Date.now()));
      await fleet.interrupt(1000 + 2000 * random());
    }
  };
  const growLogs = async () => {
    for (; Date.now() < startMs + settings.seconds * 1000; await sleep(50)) planetScale.grow();
  };
  const startMs = Date.now();
  const [kills] = await Promise.all([killWorkers(), stopDatabase(), growLogs()]);
  return kills;
}

/** Waits until each organization has all of its events and a success of its own, and no job has waited since before. */
async function sweep(fleet: Fleet, planetScale: PlanetScale): Promise<number> {
  const startMs = Date.now();
  let missing = '';
  const isCaughtUp = async () => {
    const lost = lostEvents(planetScale.idsInOrder(), await fleet.deliveries()).length;
    const successes = await fleet.successes();
    const behind = planetScale.entries.filter(({ organization }) => !((successes.get(organization) ?? 0) > startMs));
    const isWaiting = (await fleet.waitingSinceMs()) < startMs;
    missing = `${lost} events and ${behind.length} organizations (${behind[0]?.organization}) are missing, a job ${isWaiting ? 'waits' : 'does not wait'}`;
    return lost === 0 && behind.length === 0 && !isWaiting;
  };
  try {
    await waitUntil(
      'every organization has caught up, and no job has waited since before',
      settings.sweepSeconds,
      isCaughtUp,
    );
  } catch (error) {
    throw new Error(`${String(error)} ${missing}.`);
  }
  return Date.now() - startMs;
}

/** Shows the parked organization on the status page, and brings it back. */
async function resumeParked(
  planetScale: PlanetScale,
  options: ProgramOptions,
  saveEntries: (entries: object) => Promise<void>,
) {
  const port = await freePort();
  const page = startProgram('src/status-page.ts', [], { ...options, env: { ...options.env, STATUS_PORT: `${port}` } });
  try {
    const url = `http://127.0.0.1:${port}/`;
    const answers = () =>
      fetch(url).then(async (response) => response.ok && (await response.text()).includes('1 parked'));
    await waitUntil('the status page has a parked organization', settings.sweepSeconds, () =>
      answers().catch(() => false),
    );
    await checkStatusPage(url, settings.organizations, parkedOrganization);
  } finally {
    page.kill();
  }
  await saveEntries(planetScale.entries);
  await runProgram('src/command.ts', ['resume', parkedOrganization], options);
}

async function tryFleet(openFleet: () => Promise<Fleet>): Promise<void> {
  const random = mulberry32(settings.seed);
  const fleet = await openFleet();
  console.log(`${fleet.name}: installing.`);
  const cwd = await installExample(fleet.name);
  const planetScale = await startPlanetScale(random);
  let output = '';
  const file = join(cwd, 'trial-organizations.json');
  const saveEntries = (entries: object) => writeFile(file, JSON.stringify(entries));
  const options: ProgramOptions = {
    cwd,
    env: {
      ...fleet.env,
      ORGANIZATIONS: file,
      PLANETSCALE_API_URL: planetScale.url,
      POLL_SECONDS: `${pollSeconds}`,
      CONCURRENCY: `${settings.concurrency}`,
    },
    onOutput: (text) => {
      output += text;
    },
  };
  try {
    await saveEntries(planetScale.entriesWithDeadToken());
    await runProgram('src/command.ts', ['resume'], options); // Makes the tables.
    await fleet.observe();
    const workers = new Workers(settings.workers, options);
    await waitUntil('the fleet delivers', settings.sweepSeconds, async () => {
      planetScale.grow();
      return (await fleet.deliveries()).length > 0;
    });
    const kills = await disturb(fleet, planetScale, workers, random);
    planetScale.endFaults();
    await resumeParked(planetScale, options, saveEntries);
    const sweepMs = await sweep(fleet, planetScale);
    const codes = await workers.stop();

    const ledger = planetScale.idsInOrder();
    const deliveries = await fleet.deliveries();
    const saved = await fleet.savedStates();
    const lost = lostEvents(ledger, deliveries);
    const repeated = repetitions(deliveries);
    const back = [...ledger].reduce((sum, [name, ids]) => sum + savesThatGoBack(ids, saved.get(name) ?? []), 0);
    const saves = [...saved.values()].reduce((sum, values) => sum + values.length, 0);
    const conflicts = output.match(/: ignored/g)?.length ?? 0;
    // A run can fail between the delivery and the save only by the store or the destination, and not by PlanetScale.
    const failures = output.match(/: failed (?!Audit(?:Api|Connection|Response)Error)/g)?.length ?? 0;
    const inFlight = settings.concurrency * (kills + workers.exits + outages * settings.workers) + conflicts + failures;
    const events = [...ledger.values()].reduce((sum, ids) => sum + ids.length, 0);
    console.log(
      `${fleet.name}: ${events} events of ${settings.organizations} organizations, ${lost.length} lost, ${repeated.events} delivered again in ${repeated.batches} batches (at most ${inFlight} were in flight), ${back} of ${saves} saves went back; ${kills} kills, ${outages} outages, ${workers.exits} workers ended by themselves, ${conflicts} conflicts, ${planetScale.requests()} requests; caught up after ${(sweepMs / 1000).toFixed(1)} s (seed ${settings.seed}).`,
    );
    assert.deepEqual(lost, [], 'no event is lost');
    assert.deepEqual(foreignEvents(ledger, deliveries), [], 'each event came with its organization');
    assert.ok(repeated.batches <= inFlight, 'only batches in flight at a kill or an outage come again');
    assert.equal(saved.size, settings.organizations, 'the trial observed the cursor of each organization');
    assert.equal(back, 0, 'no cursor goes back');
    assert.equal(kills, settings.kills);
    assert.deepEqual(new Set(codes), new Set([0]), 'a worker ends well on SIGTERM');
    assert.doesNotMatch(output, /pscale_tkn/, 'no program prints a token');
    assert.deepEqual(
      (await fleet.everythingKept()).filter((text) => text.includes('pscale_tkn')),
      [],
      'the engine keeps no token',
    );
  } catch (error) {
    console.log(output.slice(-5000));
    throw error;
  } finally {
    await writeFile(join(cwd, 'trial.log'), output);
    await planetScale.close();
    await fleet.close();
  }
}

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => process.exit(status)); // The servers and programs end with this process.

const fleets: Readonly<Record<string, () => Promise<Fleet>>> = { 'pg-boss': pgBossFleet, bullmq: bullmqFleet };
for (const [name, openFleet] of Object.entries(fleets)) {
  if (process.env.FLEET && process.env.FLEET !== name) continue;
  try {
    await tryFleet(openFleet);
    console.log(`ok: ${name}`);
  } catch (error) {
    console.log(`FAILED: ${name} (seed ${settings.seed})`, error);
    process.exitCode = 1;
  }
}
process.exit();
