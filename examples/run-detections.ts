// Runs the detections of examples/detections on RunReveal's table in your own ClickHouse, prints each finding as a line of JSON, and ends.
//   */15 * * * * cd /opt/audit && node run-detections.ts
// Each run looks at the rows that the table received since the last run. A detection that fails leaves its rows to the next run, and the
// others go on. The program then ends with status 1.
// Set CLICKHOUSE_URL, such as http://user:password@127.0.0.1:8123, and STATE_FILE, where the end of each detection's last run is kept.
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { printable } from 'planetscale-audit';
import { parse } from 'yaml';

const folder = join(import.meta.dirname, 'detections');
const stateFile = process.env.STATE_FILE ?? './detections.state';
const clickHouse = createClient({ url: process.env.CLICKHOUSE_URL ?? 'http://127.0.0.1:8123' });

// In seconds. A row can become visible some time after its receivedAt, so the last minute is left to the next run.
const to = Math.floor(Date.now() / 1000) - 60;
const ends = await readState();

const files = await readdir(folder);
for (const file of files.filter((name) => name.endsWith('.yaml'))) {
  const from = ends.get(file) ?? to - 15 * 60;
  try {
    await run(file, from);
    ends.set(file, to);
  } catch (error) {
    ends.set(file, from);
    console.error(printable(`${file} failed: ${error instanceof Error ? error.message : error}`));
    process.exitCode = 1;
  }
}
await clickHouse.close();
await writeFile(`${stateFile}.new`, [...ends].map(([file, end]) => `${file} ${end}\n`).join(''));
await rename(`${stateFile}.new`, stateFile);

async function run(file: string, from: number): Promise<void> {
  const { file: sql, parameters: texts = {}, ...detection } = parse(await readFile(join(folder, file), 'utf8'));
  // The text of a value, such as ['main', 'master'], is YAML. The client of ClickHouse needs an array for a list.
  const parameters = Object.entries<string>(texts).map(([name, value]) => [name, parse(value)]);
  const answer = await clickHouse.query({
    query: await readFile(join(folder, sql), 'utf8'),
    query_params: { ...Object.fromEntries(parameters), from, to },
    format: 'JSONEachRow',
  });
  const { name, displayName, severity, riskScore } = detection;
  for (const row of await answer.json()) {
    console.log(printable(JSON.stringify({ name, displayName, severity, riskScore, row })));
  }
}

/** The end of the last run of each detection. Empty in the first run. */
async function readState(): Promise<Map<string, number>> {
  if (!existsSync(stateFile)) return new Map();
  const text = await readFile(stateFile, 'utf8');
  if (!/^(?:\S+ \d{10}\n)+$/.test(text))
    throw new Error(`${stateFile} has no times of runs. Delete it to look at the last 15 minutes.`);
  return new Map([...text.matchAll(/(\S+) (\d+)/g)].map(([, file = '', end]) => [file, Number(end)]));
}
