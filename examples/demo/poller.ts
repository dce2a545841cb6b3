// The program that examples/demo.ts kills and starts again. It delivers each batch to the demo, which keeps the table. In a program of
// your own, an INSERT stands in the place of `insert`.
import {
  type AuditEvent,
  PlanetScaleAuditClient,
  PlanetScaleAuditError,
  type PollerOptions,
  poller,
  toJsonEachRow,
} from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';

/** The argument of the program, as JSON. */
export interface PollerArgument extends Pick<PollerOptions, 'startFrom' | 'intervalMs' | 'drain'> {
  readonly cursors: string;
}

/** What the program sends for each batch. It waits for an answer before it goes on. */
export interface DeliveredBatch {
  readonly events: readonly AuditEvent[];
  /** The rows of the events, as lines of JSON. */
  readonly rows: readonly string[];
}

const { cursors, ...options }: PollerArgument = JSON.parse(process.argv[2] ?? '');
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
process.once('SIGINT', () => stop.abort());
process.once('disconnect', () => process.exit()); // The demo has ended.

const client = PlanetScaleAuditClient.fromEnv();
const events = poller(client, { ...options, store: fileCursorStore(cursors), signal: stop.signal });

try {
  for await (const batch of events.batches()) await insert(batch);
} catch (error) {
  console.error(error instanceof PlanetScaleAuditError ? error.message : error);
  process.exitCode = 1;
}
process.disconnect();

function insert(batch: readonly AuditEvent[]): Promise<void> {
  const rows = batch.map((event) => toJsonEachRow(event, { workspaceID: 'demo', sourceID: client.organization }));
  return new Promise((resolve) => {
    process.once('message', () => resolve());
    process.send?.({ events: batch, rows } satisfies DeliveredBatch);
  });
}
