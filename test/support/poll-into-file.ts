/** Polls the PlanetScale of the environment and appends a line for each event, until it is killed; or until it has caught up. */
import { ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlanetScaleAuditClient } from '../../src/client/client.ts';
import { poller } from '../../src/poller/poller.ts';
import { fileCursorStore } from '../../src/stores/file/file-cursor-store.ts';

const [cursors = '', path = '', mode = ''] = process.argv.slice(2);

const events = poller(PlanetScaleAuditClient.fromEnv({ requestsPerMinute: 60_000 }), {
  store: fileCursorStore(cursors),
  startFrom: 'oldest',
  intervalMs: 10,
  lookbackMs: 1000,
  drain: mode === 'drain',
});

const file = openSync(path, 'a');
// An event whose line was cut short by a kill is not delivered.
ftruncateSync(file, readFileSync(path).lastIndexOf('\n') + 1);

let batches = 0;
for await (const batch of events.batches()) {
  await sleep(5); // As long as a database takes.
  batches++;
  for (const { id } of batch) writeSync(file, `${String(batches).padStart(4, '0')} ${id}\n`);
}
