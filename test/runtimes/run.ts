// Tries the packed package in other runtimes, bundlers and test runners: `npm run test:runtimes`. Each must do the same as Node 24.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { assertResult, expectedSchedule, ids } from './expected.ts';
import packages from './package.json' with { type: 'json' };
import { installed, installProject, newDirectory, output, project } from './project.ts';
import { eventsOf, unusualEvents, withSituations } from './situations.ts';

/** A program that runs JavaScript. */
interface Runtime {
  readonly name: string;
  readonly version: string;
  /** The command that runs a file, with the permission to use a directory. */
  command(directory: string): readonly string[];
}

/** The exact version that is installed. Aliases begin with the name of their package. */
const versionOf = (name: keyof typeof packages.dependencies): string =>
  packages.dependencies[name].replace(/^npm:.*@/, '');

const node = (alias: 'node-22.12' | 'node-22' | 'node-24' | 'node-26'): Runtime => ({
  name: 'Node',
  version: versionOf(alias),
  command: () => [installed(`${alias}/bin/node`)],
});
const node24 = node('node-24');
const bun: Runtime = {
  name: 'Bun',
  version: versionOf('bun'),
  command: () => [installed('.bin/bun'), '--no-install'],
};
const deno: Runtime = {
  name: 'Deno',
  version: versionOf('deno'),
  // docs/running.md names these permissions.
  command: (directory) => [
    ...[installed('.bin/deno'), 'run', '--no-remote', '--no-prompt'],
    ...['--allow-net=127.0.0.1', '--allow-env', `--allow-read=${directory}`, `--allow-write=${directory}`],
  ],
};
const runtimes = [node('node-22.12'), node('node-22'), node24, node('node-26'), bun, deno];
const bundlers = ['esbuild', 'vite', 'webpack'] as const;

/** Runs `main.js` or a bundle of it. */
const consume = ({ command }: Runtime, file: string) =>
  withSituations(async ({ urls }) => {
    const directory = await newDirectory();
    return JSON.parse(await output([...command(directory), file, JSON.stringify({ urls, directory })]));
  });

async function tryConsumer(runtime: Runtime, file = 'main.js'): Promise<void> {
  const { version, ...result } = await consume(runtime, file);
  assert.equal(version, runtime.version);
  assertResult(result, formats, 'file');
}

/** Runs the command twice, and adds events in between. */
const tryTail = ({ command }: Runtime): Promise<void> =>
  withSituations(async ({ urls, add }) => {
    const state = await newDirectory();
    const flags = ['--once', '--start', 'oldest', '--format', 'ndjson', '--state', state];
    const env = {
      PLANETSCALE_ORG: 'acme',
      PLANETSCALE_SERVICE_TOKEN_ID: 'faketokenid1',
      PLANETSCALE_SERVICE_TOKEN: 'pscale_tkn_fake',
      PLANETSCALE_API_URL: String(urls.normal),
    };
    const tail = async () => {
      const printed = await output(
        [...command(state), installed('planetscale-audit/dist/cli.js'), 'tail', ...flags],
        env,
      );
      return printed
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).id);
    };
    assert.deepEqual(await tail(), ids(0, 250));
    add(...eventsOf(250, 253));
    assert.deepEqual(await tail(), ids(250, 253));
  });

const tryRequire = ({ command }: Runtime): Promise<string> => output([...command(project), 'require.cjs']);

/** Returns the file of the bundle, which is outside of the project and so finds no package that it could import. */
async function bundle(bundler: string, file: string): Promise<string> {
  const directory = await newDirectory();
  await output([...node24.command(project), 'bundle.js', bundler, file, directory]);
  return join(directory, file);
}

const tryBundle = async (bundler: string): Promise<void> => tryConsumer(node24, await bundle(bundler, 'main.js'));

async function tryWorker(bundler: string): Promise<void> {
  const file = await bundle(bundler, 'worker.js');
  const { schedule, result } = await withSituations(async ({ urls }) =>
    JSON.parse(await output([...node24.command(project), 'run-worker.js', file, JSON.stringify({ urls })])),
  );
  assert.deepEqual(schedule, expectedSchedule);
  assertResult(result, formats, 'kv');
}

const tryVitest = (pool: string): Promise<string> =>
  output([...node24.command(project), installed('vitest/vitest.mjs'), 'run', '--globals', '--pool', pool]);

type Trial = readonly [name: string, run: () => Promise<unknown>];

const trials: readonly Trial[] = [
  ...runtimes.flatMap((runtime): Trial[] => {
    const name = `${runtime.name} ${runtime.version}`;
    return [
      [`${name}, import`, () => tryConsumer(runtime)],
      [`${name}, require()`, () => tryRequire(runtime)],
      [`${name}, planetscale-audit tail --once`, () => tryTail(runtime)],
    ];
  }),
  ...bundlers.flatMap((bundler): Trial[] => [
    [`${bundler} ${versionOf(bundler)}, bundle for Node`, () => tryBundle(bundler)],
    [`${bundler} ${versionOf(bundler)}, Worker in miniflare ${versionOf('miniflare')}`, () => tryWorker(bundler)],
  ]),
  ...['vmThreads', 'vmForks'].map((pool): Trial => [`vitest ${versionOf('vitest')}, ${pool}`, () => tryVitest(pool)]),
];

/** A test runner prints its failures on standard output. */
const describe = (error: unknown): string =>
  error instanceof Error ? `${error.message}\n${Reflect.get(error, 'stdout') ?? ''}`.slice(0, 10_000) : String(error);

const secondsSince = (start: number): string => `${((performance.now() - start) / 1000).toFixed(1)} s`;

const start = performance.now();
await installProject();
console.log(`Installed everything in ${secondsSince(start)}.`);
/** What Node 24 makes of events in each format. */
const { formats } = await consume(node24, 'main.js');
assert.equal(formats.length, unusualEvents.length);
for (const [name, run] of trials) {
  const trialStart = performance.now();
  try {
    await run();
    console.log(`ok: ${name} (${secondsSince(trialStart)})`);
  } catch (error) {
    console.log(`FAILED: ${name}\n${describe(error)}`);
    process.exitCode = 1;
  }
}
console.log(`Took ${secondsSince(start)}.`);
