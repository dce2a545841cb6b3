// Copies PlanetScale's audit log into RunReveal's ClickHouse table, with a stop and a restart in the middle. Start it with
// `npm run demo`. The demo reads the real PlanetScale if PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and
// PLANETSCALE_SERVICE_TOKEN are set, and a fake one over HTTP otherwise. ClickHouse runs inside this process (chdb).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session } from 'chdb';
import {
  type AuditEvent,
  knownAuditActions,
  PlanetScaleAuditClient,
  type PollerOptions,
  planetscaleLogsDdl,
  poller,
  printable,
  toJsonEachRow,
} from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';
import { fakePlanetScale, listen } from 'planetscale-audit/testing';

/** The source of the events, and the ids that show whether one is missing. */
interface Scenario {
  readonly client: PlanetScaleAuditClient;
  readonly options: Pick<PollerOptions, 'startFrom' | 'intervalMs'>;
  /** Whether the scenario has no more events to deliver. */
  isOver(): boolean;
  /** Resolves with the ids of all events that a poller should have delivered by now. */
  made(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const stopAfter = 150;
const maxRunMs = 20_000;

const isReal = ['PLANETSCALE_ORG', 'PLANETSCALE_SERVICE_TOKEN_ID', 'PLANETSCALE_SERVICE_TOKEN'].every(
  (name) => process.env[name],
);
const directory = mkdtempSync(join(tmpdir(), 'planetscale-audit-demo-'));
const clickHouse = new Session(join(directory, 'clickhouse'));
const delivered: string[] = [];
const deadline = AbortSignal.timeout(maxRunMs);
const closedPipe = new AbortController();
process.stdout.on('error', (error) => {
  if (!('code' in error && error.code === 'EPIPE')) throw error;
  closedPipe.abort(error); // The reader has closed the pipe, as head does.
});

const scenario = isReal ? createRealScenario() : await createFakeScenario();
try {
  clickHouse.query('CREATE DATABASE runreveal');
  clickHouse.query(planetscaleLogsDdl());

  await pollUntil(() => delivered.length >= stopAfter || scenario.isOver());
  console.log(`\nStopped after ${delivered.length} events, and started again from the cursor on disk.\n`);
  await pollUntil(() => scenario.isOver());

  const made = await scenario.made();
  await pollUntil(() => false, { drain: true }); // Delivers the events that appeared during the listing.
  showTable();
  reportLosses(made);
} catch (error) {
  if (deadline.aborted) {
    console.error(
      `The demo did not finish within ${maxRunMs / 1000} seconds. PlanetScale did not answer, or answered too slowly. Try again.`,
    );
    process.exitCode = 1;
  } else if (error !== closedPipe.signal.reason) throw error;
} finally {
  clickHouse.close();
  await scenario.close();
  rmSync(directory, { recursive: true, force: true });
}

/** Runs a new poller, which shares nothing with the previous run but the cursor on disk, like a restarted process. */
async function pollUntil(isEnough: () => boolean, options: Partial<PollerOptions> = {}): Promise<void> {
  const stop = new AbortController();
  const timer = setInterval(() => {
    if (isEnough()) stop.abort();
  }, 50);
  const store = fileCursorStore(join(directory, 'cursors'));
  const signal = AbortSignal.any([stop.signal, deadline, closedPipe.signal]);
  const events = poller(scenario.client, { store, signal, ...scenario.options, ...options });
  try {
    for await (const batch of events.batches()) {
      insert(batch);
      for (const event of batch) console.log(describe(event));
      if (isEnough()) stop.abort();
    }
  } finally {
    clearInterval(timer);
  }
  closedPipe.signal.throwIfAborted();
}

function insert(batch: readonly AuditEvent[]): void {
  const rows = batch.map((event) => toJsonEachRow(event, { workspaceID: 'demo', sourceID: 'planetscale' }));
  clickHouse.query(`INSERT INTO runreveal.planetscale_logs FORMAT JSONEachRow ${rows.join('\n')}`);
  delivered.push(...batch.map(({ id }) => id));
}

function describe({ created_at, audit_action, actor_display_name, auditable_display_name }: AuditEvent): string {
  const actor = actor_display_name ?? 'PlanetScale';
  return printable(`${created_at}  ${audit_action.padEnd(50)}  ${actor.padEnd(12)}  ${auditable_display_name ?? ''}`);
}

/** Prints lines in which the names of the audit log cannot change the terminal. */
function print(text: string): void {
  console.log(text.split('\n').map(printable).join('\n'));
}

function showTable(): void {
  const check = 'SELECT * FROM runreveal.planetscale_logs LIMIT 10';
  print(`\n${check}\n${clickHouse.query(check, 'Vertical')}`);
  for (const [title, value, order] of [
    ['Who acted', "if(psActorDisplayName = '', 'PlanetScale', psActorDisplayName)", 'events DESC, value'],
    ['On what', 'psAuditableType', 'events DESC, value'],
    ['When', 'toDate(eventTime)', 'value DESC'],
  ]) {
    const bars = `
      SELECT ${value} AS value, count() AS events, bar(events, 0, max(events) OVER (), 40) AS bar
      FROM runreveal.planetscale_logs FINAL GROUP BY value ORDER BY ${order} LIMIT 8`;
    print(`${title}\n${clickHouse.query(bars, 'PrettyCompactNoEscapes')}`);
  }
}

/** Counts the events that are missing from ClickHouse, and exits with status 1 if there are any. */
function reportLosses(listed: readonly string[]): void {
  const stored = new Set(clickHouse.query('SELECT eventID FROM runreveal.planetscale_logs', 'TSV').split('\n'));
  const distinct = new Set(delivered);
  const made = distinct.union(new Set(listed)); // Includes the events that appeared after the listing.
  const lost = made.difference(stored).size;
  const repeated = delivered.length - distinct.size;
  console.log(`made ${made.size}, delivered ${distinct.size}, repeated ${repeated}, lost ${lost}`);
  if (lost > 0) process.exitCode = 1;
}

/** Fakes an organization with three days of history and a steady stream of new events. */
async function createFakeScenario(): Promise<Scenario> {
  const historyMs = 3 * 24 * 60 * 60_000;
  const pastCount = 300;
  const liveCount = 90;
  const actions = (index: number) => ({
    audit_action: knownAuditActions[(index * 7) % knownAuditActions.length] ?? 'database.created',
  });

  const fake = fakePlanetScale({ now: () => new Date() });
  const made: string[] = [];
  const add = (event: Partial<AuditEvent>) => made.push(...fake.add(event).map(({ id }) => id));
  for (let index = 0; index < pastCount; index++) {
    const created_at = new Date(Date.now() - historyMs * (1 - index / pastCount)).toISOString();
    add({ ...actions(index), created_at });
  }
  const server = await listen(fake);
  const timer = setInterval(() => {
    if (made.length < pastCount + liveCount) add(actions(made.length));
  }, 50);
  return {
    client: new PlanetScaleAuditClient({
      organization: 'acme',
      serviceTokenId: 'faketokenid1',
      serviceToken: 'pscale_tkn_fake',
      baseUrl: server.url,
    }),
    options: { startFrom: 'oldest', intervalMs: 250 },
    isOver: () => made.length === pastCount + liveCount && delivered.length >= made.length,
    made: async () => made,
    close: async () => {
      clearInterval(timer);
      await server.close();
    },
  };
}

/** Reads the 200 newest events of the real PlanetScale and those of the next ten seconds. */
function createRealScenario(): Scenario {
  const client = PlanetScaleAuditClient.fromEnv();
  const endMs = Date.now() + 10_000;
  return {
    client,
    options: { startFrom: { newest: 200 }, intervalMs: 2000 },
    isOver: () => Date.now() > endMs,
    made: async () => {
      const wasDelivered = new Set(delivered);
      const listed: string[] = [];
      for await (const { id } of client.events({ signal: deadline })) {
        // Without this limit, a deleted event would make the listing continue to the end of the audit log.
        if (listed.length > 2 * delivered.length) break;
        listed.push(id);
      }
      // The events below the oldest delivered one are older than `startFrom`.
      return listed.slice(0, listed.findLastIndex((id) => wasDelivered.has(id)) + 1);
    },
    close: async () => {},
  };
}
