// Copies PlanetScale's audit log into RunReveal's ClickHouse table, kills the poller with kill -9 in the middle, and starts it again.
// Start it with `npm run demo`. The demo reads the real PlanetScale if PLANETSCALE_ORG, PLANETSCALE_SERVICE_TOKEN_ID and
// PLANETSCALE_SERVICE_TOKEN are set, and a fake one over HTTP otherwise. ClickHouse runs inside this process (chdb).
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Session } from 'chdb';
import { planetscaleLogsDdl, printable } from 'planetscale-audit';
import type { DeliveredBatch, PollerArgument } from './demo/poller.ts';
import { createFakeSource, createRealSource, hasCredentials } from './demo/sources.ts';

const maxRunMs = 120_000;
/** If a process delivers nothing, its time counts from here on. */
const maxStartMs = 10_000;
const table = 'runreveal.planetscale_logs';

const deadline = AbortSignal.timeout(maxRunMs);
const closedPipe = new AbortController();
process.stdout.on('error', (error) => {
  if (!('code' in error && error.code === 'EPIPE')) throw error;
  closedPipe.abort(error); // The reader has closed the pipe, as head does.
});
const signal = AbortSignal.any([deadline, closedPipe.signal]);

const directory = mkdtempSync(join(tmpdir(), 'planetscale-audit-demo-'));
const clickHouse = new Session(join(directory, 'clickhouse'));
const source = hasCredentials() ? createRealSource(signal) : await createFakeSource();
const delivered = new Set<string>();
let repeated = 0;

try {
  clickHouse.query('CREATE DATABASE runreveal');
  clickHouse.query(planetscaleLogsDdl());
  print(`${source.description}\n`);

  print('A process polls them, and each batch becomes rows of a ClickHouse table.');
  const batches = await runPoller((count, ms) => (count === 2 || source.isOver(delivered, ms) ? 'SIGKILL' : undefined));
  const missed = batches === 2 ? ', and its last rows are in the table, but not in the cursor on the disk' : '';
  print(`kill -9: the process is gone${missed}.\n`);

  print('A new process continues from that cursor.');
  await runPoller((_, ms) => (source.isOver(delivered, ms) ? 'SIGTERM' : undefined));
  print('SIGTERM: the process has saved its cursor.\n');

  const made = await source.made(delivered);
  await runPoller(() => undefined, { drain: true }); // Delivers the events that appeared during the listing.
  showTable();
  showRow();
  showCounts(made);
} catch (error) {
  if (deadline.aborted) {
    console.error(
      `The demo did not finish within ${maxRunMs / 60_000} minutes. PlanetScale did not answer, or answered too slowly. Try again.`,
    );
    process.exitCode = 1;
  } else if (!closedPipe.signal.aborted) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
} finally {
  clickHouse.close();
  await source.close();
  rmSync(directory, { recursive: true, force: true });
}

/**
 * Runs demo/poller.ts in a process of its own, which shares nothing with the previous one but the cursor on the disk, and inserts what it
 * delivers. `endWith` receives the number of batches so far and the time since the first one, and may return a signal that ends the
 * process. Resolves with the number of batches.
 */
async function runPoller(
  endWith: (batches: number, pollingMs: number) => NodeJS.Signals | undefined,
  options: Pick<PollerArgument, 'drain'> = {},
): Promise<number> {
  const argument: PollerArgument = { cursors: join(directory, 'cursors'), ...source.options, ...options };
  const child = fork(fileURLToPath(new URL('demo/poller.ts', import.meta.url)), [JSON.stringify(argument)], {
    env: { ...process.env, ...source.env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    signal,
    killSignal: 'SIGKILL',
  });
  let batches = 0;
  let pollingSinceMs = Date.now() + maxStartMs;
  const endIfDue = (): NodeJS.Signals | undefined => {
    const name = endWith(batches, Date.now() - pollingSinceMs);
    if (name !== undefined && !child.killed) child.kill(name); // A second SIGTERM would end it before it saves its cursor.
    return name;
  };
  const timer = setInterval(endIfDue, 50);
  child.on('message', (batch: DeliveredBatch) => {
    insert(batch);
    if (batches === 0) pollingSinceMs = Date.now();
    batches += 1;
    // Without an answer, the process cannot save its cursor before the kill.
    if (endIfDue() !== 'SIGKILL') child.send('inserted', () => {});
  });
  try {
    const [code] = await once(child, 'close');
    if (code) throw new Error(`The poller ended with status ${code}. Its error is above.`);
    return batches;
  } finally {
    clearInterval(timer);
  }
}

function insert({ events, rows }: DeliveredBatch): void {
  clickHouse.query(`INSERT INTO ${table} FORMAT JSONEachRow ${rows.join('\n')}`);
  const again = events.filter(({ id }) => delivered.has(id)).length;
  repeated += again;
  for (const { id } of events) delivered.add(id);
  const { created_at, audit_action, actor_display_name } = events.at(-1) ?? {};
  const count = `+${events.length}`.padStart(6);
  const total = `${delivered.size}`.padStart(4);
  const note = again > 0 ? ` (${again} were there already)` : '';
  print(
    `${count} rows, ${total} in the table${note}, up to ${created_at} ${audit_action} by ${actor_display_name ?? 'PlanetScale'}`,
  );
}

/** Prints lines in which the names of the audit log cannot change the terminal. */
function print(text: string): void {
  console.log(text.split('\n').map(printable).join('\n'));
}

function showTable(): void {
  const [[rows, first, last] = []] = select(`SELECT count(), min(eventTime), max(eventTime) FROM ${table} FINAL`);
  print(`${table} has ${rows} rows, from ${first} to ${last} UTC.\n`);
  const actor = "if(psActorDisplayName = '', 'PlanetScale', psActorDisplayName)";
  showBars('Events of each day (the longest bar is the busiest day)', 'toDate(eventTime)', 'value DESC');
  showBars('Events of each actor (the longest bar is the busiest actor)', actor, 'events DESC, value');
}

function showBars(title: string, value: string, order: string): void {
  const bars = select(`
    SELECT ${value} AS value, count() AS events, bar(events, 0, max(events) OVER (), 40)
    FROM ${table} FINAL GROUP BY value ORDER BY ${order} LIMIT 5`);
  print(title);
  for (const [name, events, bar] of bars) print(`  ${`${name}`.padEnd(20)} ${`${events}`.padStart(5)}  ${bar}`);
  print('');
}

function showRow(): void {
  const newestLeak = `SELECT * FROM ${table} FINAL ORDER BY endsWith(eventName, '_leaked') DESC, eventTime DESC LIMIT 1`;
  const row: Record<string, unknown> = JSON.parse(clickHouse.query(newestLeak, 'JSONEachRow') || '{}');
  const columns = Object.entries(row).map(([name, value]) => ({
    name,
    text: typeof value === 'string' ? value : JSON.stringify(value),
  }));
  const isEmpty = (text: string): boolean => ['', '0', '[]', '{}', 'false'].includes(text);
  print('One row, whole: the newest leak of a secret, or else the newest event');
  for (const { name, text } of columns) if (!isEmpty(text)) print(`  ${name.padEnd(24)} ${text}`);
  const empty = columns.filter(({ text }) => isEmpty(text)).map(({ name }) => name);
  print(`  ${empty.length} columns are empty here: ${empty.join(', ')}\n`);
}

/** Counts the events that are missing from ClickHouse, and exits with status 1 if there are any. */
function showCounts(listed: readonly string[]): void {
  const stored = new Set(select(`SELECT eventID FROM ${table}`).flat());
  const made = delivered.union(new Set(listed)); // Includes the events that appeared after the listing.
  const lost = made.difference(stored).size;
  if (repeated > 0) {
    print(
      `The kill made the poller deliver ${repeated} events again, which the table shows once: a batch is repeated, never lost.`,
    );
  }
  console.log(`made ${made.size}, delivered ${delivered.size}, repeated ${repeated}, lost ${lost}`);
  if (lost > 0) process.exitCode = 1;
}

/** Returns the values of the rows as texts. */
function select(query: string): string[][] {
  const lines = clickHouse.query(query, 'JSONCompactStringsEachRow').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line));
}
