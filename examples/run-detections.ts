// Runs the detections of examples/detections on RunReveal's table in your own ClickHouse, prints each finding as a line of JSON, and ends.
//   */15 * * * * cd /opt/audit && node run-detections.ts
// Each run looks at the rows that the table received since the last run. A run that fails is repeated by the next one.
// Set CLICKHOUSE_URL, such as http://user:password@127.0.0.1:8123, and STATE_FILE, where the end of the last run is kept.
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { printable } from 'planetscale-audit';
import { parse } from 'yaml';

interface Detection {
  readonly name: string;
  readonly displayName: string;
  readonly severity: string;
  readonly riskScore: number;
  readonly file: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const folder = join(import.meta.dirname, 'detections');
const stateFile = process.env.STATE_FILE ?? './detections.state';
const clickHouse = createClient({ url: process.env.CLICKHOUSE_URL ?? 'http://127.0.0.1:8123' });

// In seconds. A row can become visible some time after its receivedAt, so the last minute is left to the next run.
const to = Math.floor(Date.now() / 1000) - 60;
const from = (await endOfLastRun()) ?? to - 15 * 60;

const files = await readdir(folder);
for (const file of files.filter((name) => name.endsWith('.yaml'))) {
  const detection: Detection = parse(await readFile(join(folder, file), 'utf8'));
  const answer = await clickHouse.query({
    query: await readFile(join(folder, detection.file), 'utf8'),
    query_params: { ...detection.parameters, from, to },
    format: 'JSONEachRow',
  });
  const { name, displayName, severity, riskScore } = detection;
  for (const row of await answer.json()) {
    console.log(printable(JSON.stringify({ name, displayName, severity, riskScore, row })));
  }
}
await clickHouse.close();
await writeFile(`${stateFile}.new`, `${to}\n`);
await rename(`${stateFile}.new`, stateFile);

/** Undefined in the first run. */
async function endOfLastRun(): Promise<number | undefined> {
  const text = await readFile(stateFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  if (!/^\d{10}\n$/.test(text))
    throw new Error(`${stateFile} has no time of a run. Delete it to look at the last 15 minutes.`);
  return Number(text);
}
