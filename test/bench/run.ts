// Measures the library side by side with floors and peers, and writes docs/performance.md: `npm run bench`. CONTRIBUTING.md explains.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chartOf } from './chart.ts';
import { type Build, measureRow, startServer } from './harness.ts';
import peerPackage from './package.json' with { type: 'json' };
import { comparisonOf, comparisonTable, type Line, linesOf, reportTable, withReport } from './report.ts';
import type { Row } from './row.ts';
import { rows } from './rows/index.ts';

const root = resolve(import.meta.dirname, '../..');
const workingTree: Build = { label: 'this working tree', dist: join(root, 'dist') };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean' }, against: { type: 'string' } },
});

if (values.list) listRows();
else if (values.against === undefined) await report(chosenRows());
else await compareBuilds(chosenRows(), { label: values.against, dist: resolve(values.against) });

function listRows(): void {
  for (const { name, figures } of rows) console.log(`${name.padEnd(16)}${figures[0]?.work ?? ''}`);
}

function chosenRows(): readonly Row[] {
  const unknown = positionals.filter((name) => !rows.some((row) => row.name === name));
  if (unknown.length > 0) throw new Error(`The benchmark has no row ${unknown.join(', ')}. List them with --list.`);
  return positionals.length === 0 ? rows : rows.filter(({ name }) => positionals.includes(name));
}

/** Prints the figures of the rows. If these are all rows, the document and its chart get them too. */
async function report(chosen: readonly Row[]): Promise<void> {
  const lines: Line[] = [];
  await measureAll(chosen, [workingTree], (row, [outcomes = {}]) => lines.push(...linesOf(row, outcomes)));
  const text = `${description()}\n\n${reportTable(lines)}`;
  console.log(text);
  if (chosen.length < rows.length) return;
  const path = join(root, 'docs/performance.md');
  writeFileSync(path, withReport(readFileSync(path, 'utf8'), text));
  writeFileSync(join(root, 'docs/performance.svg'), chartOf(lines));
}

async function compareBuilds(chosen: readonly Row[], before: Build): Promise<void> {
  const lines: Line[] = [];
  await measureAll(chosen.map(withoutOthers), [before, workingTree], (row, [old = {}, now = {}]) =>
    lines.push(...comparisonOf(row, old, now)),
  );
  console.log(comparisonTable(lines));
}

/** Returns the row with the contenders that use the library. */
function withoutOthers(row: Row): Row {
  const own = Object.entries(row.contenders).filter(([, { kind }]) => kind === 'library');
  return { ...row, contenders: Object.fromEntries(own) };
}

async function measureAll(
  chosen: readonly Row[],
  builds: readonly Build[],
  onRow: (row: Row, outcomes: readonly Parameters<typeof linesOf>[1][]) => void,
): Promise<void> {
  if (chosen.some(({ contenders }) => Object.values(contenders).some(({ kind }) => kind === 'peer'))) installPeers();
  const server = await startServer();
  try {
    for (const row of chosen) {
      const startMs = performance.now();
      const outcomes = await measureRow(row, builds, server.url);
      onRow(
        row,
        builds.map((build) => outcomes.get(build) ?? {}),
      );
      console.error(`${row.name}: ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
    }
  } finally {
    server.stop();
  }
}

/** Without them, the peers fail and the other contenders run. */
function installPeers(): void {
  if (existsSync(join(import.meta.dirname, 'node_modules'))) return;
  spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: import.meta.dirname,
    stdio: 'inherit',
  });
}

function description(): string {
  const date = new Date().toISOString().slice(0, 10);
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  const peers = Object.entries(peerPackage.dependencies).map(
    ([name, version]) => `${name} ${version.replace(/^.*@/, '')}`,
  );
  return `Measured on ${date} at commit ${commit}, with Node ${process.versions.node} on ${process.platform}, on ${availableParallelism()} cores of ${cpus()[0]?.model}. The peers: ${peers.join(', ')}.`;
}
