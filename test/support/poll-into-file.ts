// Polls the PlanetScale of the environment, and appends a line for each event to a file. It runs until a kill, or with `drain` until it
// has caught up. Usage: poll-into-file.ts <cursor directory> <file> [drain]
import { ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlanetScaleAuditClient } from '../../src/client/client.ts';
import { poller } from '../../src/poller/poller.ts';
import { fileCursorStore } from '../../src/stores/file/file-cursor-store.ts';

const [cursorDirectory = '', path = '', mode = ''] = process.argv.slice(2);

const events = poller(PlanetScaleAuditClient.fromEnv({ requestsPerMinute: 60_000 }), {
  store: fileCursorStore(cursorDirectory),
  startFrom: 'oldest',
  intervalMs: 10,
  lookbackMs: 1000,
  drain: mode === 'drain',
});

const file = openSync(path, 'a');
// A kill may have cut the last line short. Such an event was not delivered.
ftruncateSync(file, readFileSync(path).lastIndexOf('\n') + 1);

let batches = 0;
for await (const batch of events.batches()) {
  await sleep(5); // A database takes about as long for a batch.
  batches++;
  for (const { id } of batch) writeSync(file, `${String(batches).padStart(4, '0')} ${id}\n`);
}
