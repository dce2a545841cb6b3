// From PlanetScale's audit log into RunReveal's table in ClickHouse, with a stop and a restart in the middle: `npm run demo`.
// It makes up a PlanetScale of its own, behind real HTTP, or reads the real one where PLANETSCALE_ORG,
// PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN are set. ClickHouse runs inside this process (chdb).
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
  toJsonEachRow,
} from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';
import { fakePlanetScale, listen } from 'planetscale-audit/testing';

/** Where the events come from, and how to tell that none is missing. */
interface Stage {
  readonly client: PlanetScaleAuditClient;
  readonly options: Pick<PollerOptions, 'startFrom' | 'intervalMs'>;
  /** Whether everything that was made has arrived. */
  isOver(): boolean;
  /** The ids of all events that a poller should have delivered by now. */
  made(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const stopAfter = 150;
const longestRunMs = 20_000;

const isReal = ['PLANETSCALE_ORG', 'PLANETSCALE_SERVICE_TOKEN_ID', 'PLANETSCALE_SERVICE_TOKEN'].every(
  (name) => process.env[name],
);
const directory = mkdtempSync(join(tmpdir(), 'planetscale-audit-demo-'));
const clickHouse = new Session(join(directory, 'clickhouse'));
const delivered: string[] = [];
const deadline = AbortSignal.timeout(longestRunMs);

const stage = isReal ? readPlanetScale() : await fakeAnOrganization();
try {
  clickHouse.query('CREATE DATABASE runreveal');
  clickHouse.query(planetscaleLogsDdl());

  await pollUntil(() => delivered.length >= stopAfter || stage.isOver());
  console.log(`\nStopped after ${delivered.length} events, and started again from the cursor on disk.\n`);
  await pollUntil(() => stage.isOver());

  const made = await stage.made();
  await pollUntil(() => false, { drain: true }); // What came while we asked.
  showTable();
  judge(made);
} catch (error) {
  if (!deadline.aborted) throw error;
  console.error(`Not done within ${longestRunMs / 1000} seconds: PlanetScale did not answer, or too slowly.`);
  process.exitCode = 1;
} finally {
  clickHouse.close();
  await stage.close();
  rmSync(directory, { recursive: true, force: true });
}

/** Runs a poller as a process of its own would, with nothing but the cursor on disk from the run before. */
async function pollUntil(isEnough: () => boolean, options: Partial<PollerOptions> = {}): Promise<void> {
  const stop = new AbortController();
  const timer = setInterval(() => {
    if (isEnough()) stop.abort();
  }, 50);
  const store = fileCursorStore(join(directory, 'cursors'));
  const signal = AbortSignal.any([stop.signal, deadline]);
  const events = poller(stage.client, { store, signal, ...stage.options, ...options });
  try {
    for await (const batch of events.batches()) {
      insert(batch);
      for (const event of batch) console.log(describe(event));
      if (isEnough()) stop.abort();
    }
  } finally {
    clearInterval(timer);
  }
}

function insert(batch: readonly AuditEvent[]): void {
  const rows = batch.map((event) => toJsonEachRow(event, { workspaceID: 'demo', sourceID: 'planetscale' }));
  clickHouse.query(`INSERT INTO runreveal.planetscale_logs FORMAT JSONEachRow ${rows.join('\n')}`);
  delivered.push(...batch.map(({ id }) => id));
}

function describe({ created_at, audit_action, actor_display_name, auditable_display_name }: AuditEvent): string {
  const actor = actor_display_name ?? 'PlanetScale';
  return `${created_at}  ${audit_action.padEnd(50)}  ${actor.padEnd(12)}  ${auditable_display_name ?? ''}`;
}

function showTable(): void {
  const check = 'SELECT * FROM runreveal.planetscale_logs LIMIT 10';
  console.log(`\n${check}\n${clickHouse.query(check, 'Vertical')}`);
  for (const [title, value, order] of [
    ['Who acted', "if(psActorDisplayName = '', 'PlanetScale', psActorDisplayName)", 'events DESC, value'],
    ['On what', 'psAuditableType', 'events DESC, value'],
    ['When', 'toDate(eventTime)', 'value DESC'],
  ]) {
    const bars = `
      SELECT ${value} AS value, count() AS events, bar(events, 0, max(events) OVER (), 40) AS bar
      FROM runreveal.planetscale_logs FINAL GROUP BY value ORDER BY ${order} LIMIT 8`;
    console.log(`${title}\n${clickHouse.query(bars, 'PrettyCompactNoEscapes')}`);
  }
}

/** By what is in ClickHouse, not by what we believe to have put there. */
function judge(listed: readonly string[]): void {
  const stored = new Set(clickHouse.query('SELECT eventID FROM runreveal.planetscale_logs', 'TSV').split('\n'));
  const distinct = new Set(delivered);
  const made = distinct.union(new Set(listed)); // What came after the listing was made too.
  const lost = made.difference(stored).size;
  const repeated = delivered.length - distinct.size;
  console.log(`made ${made.size}, delivered ${distinct.size}, repeated ${repeated}, lost ${lost}`);
  if (lost > 0) process.exitCode = 1;
}

/** An organization with three days of history, in which something happens all the time. */
async function fakeAnOrganization(): Promise<Stage> {
  const historyMs = 3 * 24 * 60 * 60_000;
  const past = 300;
  const toCome = 90;
  const actions = (index: number) => ({
    audit_action: knownAuditActions[(index * 7) % knownAuditActions.length] ?? 'database.created',
  });

  const fake = fakePlanetScale({ now: () => new Date() });
  const made: string[] = [];
  const add = (event: Partial<AuditEvent>) => made.push(...fake.add(event).map(({ id }) => id));
  for (let index = 0; index < past; index++) {
    const created_at = new Date(Date.now() - historyMs * (1 - index / past)).toISOString();
    add({ ...actions(index), created_at });
  }
  const server = await listen(fake);
  const timer = setInterval(() => {
    if (made.length < past + toCome) add(actions(made.length));
  }, 50);
  return {
    client: new PlanetScaleAuditClient({
      organization: 'acme',
      serviceTokenId: 'faketokenid1',
      serviceToken: 'pscale_tkn_fake',
      baseUrl: server.url,
    }),
    options: { startFrom: 'oldest', intervalMs: 250 },
    isOver: () => made.length === past + toCome && delivered.length >= made.length,
    made: async () => made,
    close: async () => {
      clearInterval(timer);
      await server.close();
    },
  };
}

/** The real one: its 200 newest events, and what comes within ten seconds. */
function readPlanetScale(): Stage {
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
        // One that was deleted meanwhile would be looked for down to the end.
        if (listed.length > 2 * delivered.length) break;
        listed.push(id);
      }
      // What lies below the oldest that was delivered is older than what was asked for.
      return listed.slice(0, listed.findLastIndex((id) => wasDelivered.has(id)) + 1);
    },
    close: async () => {},
  };
}
