import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { Client } from 'pg';
import type { AuditEvent, CursorStore, PollNotice } from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { geoLite2 } from '../support/geolite2.ts';
import { unprintable } from '../support/hostile-text.ts';
import { leaks } from '../support/leaks.ts';
import { mariadb, startMariadb } from '../support/mariadb-server.ts';
import { postgres, startPostgres } from '../support/postgres-server.ts';
import { recordingWebhook, webhookSecret } from '../support/recording-webhook.ts';
import { redis, startRedis } from '../support/redis-server.ts';
import { credentials, failure, idsOf, listOf, numbered, serve } from '../support/served.ts';
import { describeWith } from '../support/server-process.ts';

// These tests build and pack the package, and install it from the tarball as a user does. They share one file because they share one build.
const root = fileURLToPath(new URL('../..', import.meta.url));
let project: string;
let tarball: string;

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** The time that the slowest command may take, which installs the package. */
const maxRunMs = 200_000;

/** Whether a test runs, and not a hook. */
const isInTest = (): boolean => expect.getState().currentTestName !== undefined;

/** Runs a command to its end. If `until` accepts the output so far, the command receives a SIGTERM. */
const run = (
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; until?: (output: string) => boolean } = {},
): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const { cwd = root, env = {}, until } = options;
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const onData = (data: Buffer) => {
      output += data;
      if (!child.killed && until?.(output)) child.kill('SIGTERM'); // A second SIGTERM would end the program before its cleanup.
    };
    const kill = () => child.kill('SIGKILL');
    const limit = setTimeout(kill, maxRunMs);
    if (isInTest()) onTestFinished(() => void kill()); // A test that times out leaves no child behind.
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(limit);
      resolve({ code, output });
    });
  });

const runSuccessfully = async (...call: Parameters<typeof run>): Promise<string> => {
  const { code, output } = await run(...call);
  expect(code, output).toBe(0);
  return output;
};

/** Names that clear a terminal and turn text around. */
const hostileNames = { actor_display_name: '\u001b[2J\u202eada', auditable_display_name: '\u001b[2J\u202emain' };

const lines = (output: string): string[] => output.split('\n').filter(Boolean);

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'planetscale-audit-project-'));
  await runSuccessfully('npm', ['pack', '--pack-destination', project]);
  const { name, version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  tarball = join(project, `${name}-${version}.tgz`);
  await writeFile(join(project, 'package.json'), '{"private":true}');
  await runSuccessfully('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: project });
}, 240_000);

afterAll(() => rm(project, { recursive: true, force: true }));

/** Serves an organization with so many events, and returns the environment variables that point to it. */
const served = async (count: number, changes: readonly Partial<AuditEvent>[] = []) => {
  const { url } = await serve({ events: numbered(count).map((event, index) => ({ ...event, ...changes[index] })) });
  return {
    PLANETSCALE_ORG: 'acme',
    PLANETSCALE_SERVICE_TOKEN_ID: credentials.serviceTokenId,
    PLANETSCALE_SERVICE_TOKEN: credentials.serviceToken,
    PLANETSCALE_API_URL: url,
  };
};

describe("the README's first example in a project that has installed the package", () => {
  const firstExample = async () => {
    const readme = await readFile(join(root, 'README.md'), 'utf8');
    const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
    expect(lines(example).length).toBeLessThanOrEqual(10);
    return example;
  };
  const asCommonJs = (example: string) => {
    const body = example.replace(/^import (\{.*\}) from ('.*');$/gm, 'const $1 = require($2);');
    return `(async () => {\n${body}\n})();`;
  };

  test.each([
    ['import', 'example.mjs', (example: string) => example],
    ['require()', 'example.cjs', asCommonJs],
  ])('runs with %s', async (_, name, transform) => {
    await writeFile(join(project, name), transform(await firstExample()));
    const env = await served(250, Array(250).fill(hostileNames));
    const cursors = join(project, 'cursors');
    onTestFinished(() => rm(cursors, { recursive: true, force: true }));
    const { output } = await run(process.execPath, [name], {
      cwd: project,
      env,
      until: (soFar) => soFar.includes('2026-11-01T00:04:09.000Z'),
    });
    const [notice, ...events] = lines(output);
    expect(notice).toMatch(/^planetscale-audit: first-run: .* the 200 newest events/);
    expect(events).toHaveLength(200);
    expect(events[0]).toBe(String.raw`2026-11-01T00:00:50.000Z database_branch.created \u001b[2J\u202eada`);
  });
});

describe('the command of the installed package', () => {
  const command = (...args: string[]) => run('npx', ['planetscale-audit', ...args], { cwd: project });

  test('prints the version of the package', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(await command('--version')).toEqual({ code: 0, output: `${version}\n` });
  });

  test('prints every event once over two runs, and keeps its place in the directory of --state', async () => {
    const state = join(project, 'state');
    const runOnce = async (count: number) =>
      runSuccessfully('npx', ['planetscale-audit', 'tail', '--once', '--start', 'oldest', '--state', state], {
        cwd: project,
        env: await served(count),
      });
    expect(lines(await runOnce(250)).filter((line) => line.startsWith('{'))).toHaveLength(250);
    expect(lines(await runOnce(253)).filter((line) => line.startsWith('{'))).toHaveLength(3);
  });
});

test('the tarball holds the built files, the guides, the examples and what README links to, and nothing else', async () => {
  const listing = await runSuccessfully('tar', ['-tzf', tarball]);
  const names = lines(listing).map((name) => name.replace('package/', ''));
  expect(names).toEqual(
    expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md', 'dist/index.js', 'dist/index.d.ts']),
  );
  const expected =
    /^(dist\/.+|docs\/(internals\/)?[\w-]+\.(md|svg)|examples\/.+|(README|CHANGELOG|CONTRIBUTING|SECURITY)\.md|LICENSE|package\.json)$/;
  expect(names.filter((name) => !expected.test(name))).toEqual([]);
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const links = [...readme.matchAll(/\]\((?!https:)([^)#]+)/g)].map(([, path]) => path);
  expect(links.filter((path = '') => !names.includes(path))).toEqual([]);
});

test('tools that do not read exports find the same files: TypeScript with node10 resolution, and Parcel', async () => {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const { '.': main, './package.json': _, ...others } = manifest.exports;
  const subpaths = Object.entries<{ types: string; default: string }>(others);
  expect(manifest).toMatchObject({
    main: main.default,
    types: main.types,
    typesVersions: { '*': Object.fromEntries(subpaths.map(([path, { types }]) => [path.slice('./'.length), [types]])) },
    alias: Object.fromEntries(subpaths.map(([path, { default: file }]) => [path, file])),
  });
});

describe('the built files', () => {
  const filesThatEndWith = async (extension: string) => {
    const dist = join(project, 'node_modules/planetscale-audit/dist');
    const names = (await readdir(dist)).filter((name) => name.endsWith(extension));
    return Promise.all(names.map(async (name) => ({ name, text: await readFile(join(dist, name), 'utf8') })));
  };
  const importedBy = (text: string) =>
    [...text.matchAll(/(?:from |import\(?)["']([^"']+)["']/g)].map(([, name]) => name);

  test('no declaration imports type-fest, which consumers would have to check', async () => {
    const declarations = await filesThatEndWith('.d.ts');
    expect(declarations.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['index.d.ts', 'node.d.ts', 'stores.d.ts', 'testing.d.ts']),
    );
    const imported = declarations.flatMap(({ text }) => importedBy(text));
    expect(imported).toContain('zod');
    expect(imported.filter((name) => name?.startsWith('type-fest'))).toEqual([]);
  });

  test("every import of one of Node's modules has its node: prefix, without which a bundler looks for a package", async () => {
    const imported = (await filesThatEndWith('.js')).flatMap(({ text }) => importedBy(text));
    expect(imported).toContain('node:fs/promises');
    expect(imported.filter((name) => name !== undefined && isBuiltin(name) && !name.startsWith('node:'))).toEqual([]);
  });
});

describe('two copies of the package in one process', () => {
  interface Copy {
    readonly main: typeof import('planetscale-audit');
    readonly node: typeof import('planetscale-audit/node');
  }
  let ours: Copy;
  let other: Copy;

  beforeAll(async () => {
    const installed = 'node_modules/planetscale-audit';
    await cp(join(project, installed), join(project, 'dependency', installed), { recursive: true });
    const load = async (directory: string): Promise<Copy> => {
      const entry = (name: string) => import(pathToFileURL(join(directory, installed, `dist/${name}.js`)).href);
      return { main: await entry('index'), node: await entry('node') };
    };
    ours = await load(project);
    other = await load(join(project, 'dependency'));
  });

  const examples = {
    AuditApiError: ({ main }: Copy) => new main.AuditApiError('', { status: 503 }),
    AuditConfigError: ({ main }: Copy) => new main.AuditConfigError(''),
    AuditConnectionError: ({ main }: Copy) => new main.AuditConnectionError(''),
    AuditResponseError: ({ main }: Copy) => new main.AuditResponseError(''),
    CursorConflictError: ({ main }: Copy) => new main.CursorConflictError('', { key: 'key' }),
    CursorStoreError: ({ main }: Copy) => new main.CursorStoreError('', { key: 'key' }),
  };
  const classesOf = (error: unknown, { main }: Copy) =>
    Object.entries(main).flatMap(([name, value]) =>
      /Error$/.test(name) && error instanceof Object(value) ? [name] : [],
    );

  test.each(Object.entries(examples))("instanceof finds the other copy's %s in its class alone", (name, create) => {
    const error = create(other);
    expect(Object.getPrototypeOf(error)).not.toBe(Object.getPrototypeOf(create(ours)));
    expect(classesOf(error, ours)).toEqual([name, 'PlanetScaleAuditError']);
    expect(classesOf(create(ours), other)).toEqual([name, 'PlanetScaleAuditError']);
    expect(classesOf(Object.assign(new Error('not of the package'), { name }), ours)).toEqual([]);
  });

  test('every error class of the package is one of these', () => {
    const names = Object.keys(ours.main).filter((name) => name.endsWith('Error'));
    expect(names).toEqual([...Object.keys(examples), 'PlanetScaleAuditError'].sort());
  });

  test("rawJson and the row keep the text of an event of the other copy's client, byte for byte", async () => {
    const fake = fakePlanetScale(credentials);
    const { PlanetScaleAuditClient } = other.main;
    const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, fetch: fake.fetch });
    const raw = String.raw`{ "id": "a", "audit_action": "a.b", "created_at": "\u0063", "metadata": {"n": 12345678901234567890} }`;
    fake.failNext({ status: 200, body: `{"data":[${raw}],"has_next":false,"cursor_end":null}` });
    const { events } = await client.page();
    expect(events.map(ours.main.rawJson)).toEqual([raw]);
    expect(events.map((event) => ours.main.toRunRevealRow(event).rawLog)).toEqual([raw]);
  });

  /** Starts a poller of our copy on a client of the other copy, and records its retries. */
  const mixedPoller = (store: CursorStore = new Map()) => {
    const fake = fakePlanetScale({ ...credentials, events: numbered(3) });
    const { PlanetScaleAuditClient } = other.main;
    const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, fetch: fake.fetch, retries: 0 });
    const retries: string[] = [];
    const onNotice = (notice: PollNotice) => void (notice.type === 'retrying' && retries.push(notice.error.name));
    return { fake, retries, batches: ours.main.poller(client, { store, onNotice }).batches() };
  };

  test("a poller retries the retryable errors of the other copy's client and store", async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0); // No wait before a retry.
    const store = new Map<string, string>();
    const get = vi.fn<CursorStore['get']>((key) => store.get(key));
    get.mockRejectedValueOnce(new other.main.CursorStoreError('The store is down.', { key: 'key', retryable: true }));
    const { fake, retries, batches } = mixedPoller({ get, set: (key, value) => store.set(key, value) });
    fake.failNext({ status: 503, body: {} }, { network: 'reset' }, { status: 200, body: 'no JSON' });
    const { value } = await batches.next();
    expect(idsOf(value ?? [])).toEqual(idsOf(numbered(3)));
    expect(retries).toEqual(['CursorStoreError', 'AuditApiError', 'AuditConnectionError', 'AuditResponseError']);
    await batches.return();
  });

  test.each([
    ['AuditApiError', { status: 403, body: { code: 'forbidden' } }],
    ['AuditResponseError', listOf([{ id: 'event0000009' }])],
    ['AuditConnectionError', { status: 302, headers: { location: 'https://example.com' } }],
  ])("a poller ends with an %s of the other copy's client that no retry can cure", async (name, answer) => {
    const { fake, retries, batches } = mixedPoller();
    fake.failNext(answer);
    const error = await failure(batches.next());
    expect(classesOf(error, ours)).toEqual([name, 'PlanetScaleAuditError']);
    expect(retries).toEqual([]);
  });

  test("a poller ends with the error of the other copy's file store, if the file is corrupt", async () => {
    const directory = join(project, 'corrupt-cursors');
    const key = 'planetscale-audit:acme';
    await other.node.fileCursorStore(directory).set(key, 'value');
    for (const file of await readdir(directory, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) await writeFile(join(file.parentPath, file.name), '');
    }
    const { retries, batches } = mixedPoller(other.node.fileCursorStore(directory));
    expect(classesOf(await failure(batches.next()), ours)).toEqual(['CursorStoreError', 'PlanetScaleAuditError']);
    expect(retries).toEqual([]);
  });
});

describe('examples/tail.ts', () => {
  test('prints the newest events, exits on SIGTERM, and resumes after the last printed event', async () => {
    const env = { ...(await served(30)), CURSOR_DIRECTORY: join(project, 'tail-cursors') };
    const first = await run(process.execPath, ['examples/tail.ts'], {
      env,
      until: (output) => output.includes('2026-11-01T00:00:29.000Z'),
    });
    expect(first.code, first.output).toBe(0);
    const [notice, ...events] = lines(first.output);
    expect(notice).toMatch(/^planetscale-audit: first-run: .* the 20 newest events/);
    expect(events).toHaveLength(20);
    const next = await served(33);
    const second = await run(process.execPath, ['examples/tail.ts'], {
      env: { ...env, ...next },
      until: (output) => output.includes('2026-11-01T00:00:32.000Z'),
    });
    expect(lines(second.output).map((line) => line.slice(0, 24))).toEqual([
      '2026-11-01T00:00:30.000Z',
      '2026-11-01T00:00:31.000Z',
      '2026-11-01T00:00:32.000Z',
    ]);
  }, 60_000);

  test('ends without an error when its reader closes the pipe, and acknowledges no event that was not written', async () => {
    const directory = join(project, 'closed-pipe-cursors');
    // Lines of 10 kB: a pipe takes some six of them before its reader has to read.
    const long = Array(20).fill({ auditable_display_name: 'x'.repeat(10_000) });
    const env = { ...(await served(20, long)), CURSOR_DIRECTORY: directory, NODE: process.execPath };
    const pipe = '"$NODE" examples/tail.ts 2> "$CURSOR_DIRECTORY.errors" | head -n 1; echo "status $PIPESTATUS"';
    const { output } = await run('bash', ['-c', pipe], { env });
    expect(lines(output)).toEqual([expect.stringMatching(/^2026-11-01T00:00:00.000Z/), 'status 0']);
    expect(await readFile(`${directory}.errors`, 'utf8')).not.toContain('EPIPE');
    const rest = await run(process.execPath, ['examples/tail.ts'], {
      env,
      until: (soFar) => soFar.includes('2026-11-01T00:00:19.000Z'),
    });
    expect(lines(rest.output).length).toBeGreaterThanOrEqual(10);
    expect(lines(rest.output).length).toBeLessThan(20);
  }, 60_000);

  test('names the missing environment variable and exits with an error', async () => {
    const { code, output } = await run(process.execPath, ['examples/tail.ts'], {
      env: { PLANETSCALE_ORG: '', PLANETSCALE_ORGANIZATION: '' },
    });
    expect(code).not.toBe(0);
    expect(output).toContain('set PLANETSCALE_ORG');
  });
});

/** Runs an example whose output is a pipe that its reader has already closed. */
const withClosedPipe = async (example: string, env: Record<string, string>) => {
  const cursors = await mkdtemp(join(project, 'closed-pipe-'));
  const script = 'exec 3> >(true); wait $!; "$0" "$1" >&3; echo "status $?"';
  const command = ['-c', script, process.execPath, `examples/${example}`];
  const { output } = await run('bash', command, { env: { ...env, CURSOR_DIRECTORY: cursors } });
  return lines(output).filter((line) => !line.startsWith('planetscale-audit: '));
};

describe('examples/to-runreveal.ts', () => {
  test('ends without an error when its reader closes the pipe', async () => {
    const webhook = await recordingWebhook();
    const env = { ...(await served(250)), RUNREVEAL_WEBHOOK_URL: webhook.url };
    expect(await withClosedPipe('to-runreveal.ts', env)).toEqual(['status 0']);
    expect(webhook.accepted.length).toBeGreaterThan(0);
  }, 60_000);

  const sending = (env: Record<string, string>, until: string) =>
    run(process.execPath, ['examples/to-runreveal.ts'], { env, until: (output) => output.includes(until) });

  test('retries the batch that RunReveal did not accept, and no other batch', async () => {
    const webhook = await recordingWebhook();
    const cursors = { CURSOR_DIRECTORY: join(project, 'runreveal-cursors'), RUNREVEAL_WEBHOOK_URL: webhook.url };
    const env = { ...(await served(30)), ...cursors };

    webhook.answer({ status: 503, headers: { 'retry-after': '3600' } });
    const duringOutage = await sending(env, 'accepted');
    expect(duringOutage.code, duringOutage.output).toBe(1);
    expect(duringOutage.output).toContain('RunReveal answered 503');
    expect(leaks(duringOutage.output, webhookSecret)).toBe(false);
    expect(webhook.accepted).toEqual([]);

    const afterwards = await sending(env, 'accepted 30 event(s), up to 2026-11-01T00:00:29.000Z');
    expect(afterwards.code, afterwards.output).toBe(0);
    expect(webhook.received.map(({ body }) => body)).toEqual(Array(2).fill(webhook.received[0]?.body));

    const later = await sending({ ...(await served(33)), ...cursors }, 'up to 2026-11-01T00:00:32.000Z');
    expect(later.code, later.output).toBe(0);
    expect(webhook.accepted.map((event) => String(Object(event).eventTime).slice(17, 19))).toEqual(
      Array.from({ length: 33 }, (_, second) => String(second).padStart(2, '0')),
    );
  }, 60_000);

  test('exits soon after SIGTERM while the webhook hangs, and sends that batch on its next run', async () => {
    const webhook = await recordingWebhook();
    webhook.answer('hang');
    const env = {
      ...(await served(3)),
      CURSOR_DIRECTORY: join(project, 'hanging-cursors'),
      RUNREVEAL_WEBHOOK_URL: webhook.url,
    };
    const child = spawn(process.execPath, ['examples/to-runreveal.ts'], { cwd: root, env: { ...process.env, ...env } });
    const printed = Promise.all([text(child.stdout), text(child.stderr)]);
    await expect.poll(() => webhook.received.length, { timeout: 20_000 }).toBe(1);
    const stoppedAt = performance.now();
    child.kill('SIGTERM');
    const [code] = await once(child, 'close');
    // A second at most on a quiet machine. Without the signal, the request would take its timeout of 30 seconds.
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);
    const [output, errors] = await printed;
    expect({ code, output }, errors).toEqual({ code: 0, output: '' });
    expect(errors).not.toContain('AbortError');
    expect(webhook.accepted).toEqual([]);

    const afterwards = await sending(env, 'accepted 3 event(s)');
    expect(afterwards.code, afterwards.output).toBe(0);
    expect(webhook.received[1]?.body).toBe(webhook.received[0]?.body);
  }, 60_000);

  test('sends the events that examples/tail.ts has already printed, even if both share a cursor directory', async () => {
    const webhook = await recordingWebhook();
    const cursors = { CURSOR_DIRECTORY: join(project, 'shared-cursors'), RUNREVEAL_WEBHOOK_URL: webhook.url };
    const env = { ...(await served(3)), ...cursors };
    await run(process.execPath, ['examples/tail.ts'], { env, until: (output) => output.includes('00:00:02.000Z') });
    await sending(env, 'accepted 3 event(s)');
    expect(webhook.accepted).toHaveLength(3);
  }, 60_000);

  test('names the missing webhook URL and exits with an error', async () => {
    const { code, output } = await run(process.execPath, ['examples/to-runreveal.ts'], {
      env: { RUNREVEAL_WEBHOOK_URL: '' },
    });
    expect(code).not.toBe(0);
    expect(output).toContain("runRevealWebhook: url: must be the absolute URL on the source's page in RunReveal");
  });
});

test('examples/where-from.ts prints the country of each IP address', async () => {
  const env = await served(3, [{ remote_ip: '8.8.8.8' }, { remote_ip: '203.0.113.24' }, { remote_ip: null }]);
  const output = await runSuccessfully(process.execPath, ['examples/where-from.ts', geoLite2.country], { env });
  expect(lines(output).map((line) => line.split('\t').slice(2, 4))).toEqual([
    ['', ''],
    ['203.0.113.24', ''],
    ['8.8.8.8', 'US'],
  ]);
});

describe('the demo', () => {
  const noCredentials = { PLANETSCALE_ORG: '', PLANETSCALE_SERVICE_TOKEN_ID: '', PLANETSCALE_SERVICE_TOKEN: '' };

  test('loses no event across a stop and a restart, and prints the table', async () => {
    const output = await runSuccessfully(process.execPath, ['examples/demo.ts'], { env: noCredentials });
    expect(output).toMatch(/Stopped after \d+ events, and started again/);
    expect(output).toContain('SELECT * FROM runreveal.planetscale_logs LIMIT 10');
    expect(output).toMatch(/^psMetadata: /m);
    expect(output).toContain('█');
    expect(lines(output).at(-1)).toBe('made 390, delivered 390, repeated 0, lost 0');
  }, 60_000);

  test('exits with status 1 if an event was lost, and does not count a deletion as a loss', async () => {
    const { fake, url } = await serve({ events: numbered(250) });
    let hasChanged = false;
    const { code, output } = await run(process.execPath, ['examples/demo.ts'], {
      env: { ...(await served(0)), PLANETSCALE_API_URL: url },
      until: (soFar) => {
        if (hasChanged || !soFar.includes('00:04:09.000Z')) return false;
        hasChanged = true;
        fake.remove('event0000200');
        // This event becomes visible later than the lookback covers, so no poller can find it.
        fake.add({ created_at: '2026-11-01T00:03:30.500Z' });
        return false;
      },
    });
    expect(lines(output).at(-1)).toBe('made 201, delivered 200, repeated 0, lost 1');
    expect(code).toBe(1);
  }, 60_000);

  test('ends without an error when its reader closes the pipe', async () => {
    expect(await withClosedPipe('demo.ts', noCredentials)).toEqual(['status 0']);
  }, 60_000);

  test('reads the organization that the environment names, and prints its names as printable text', async () => {
    const env = await served(250, Array(250).fill(hostileNames));
    const output = await runSuccessfully(process.execPath, ['examples/demo.ts'], { env });
    expect(output).toContain(String.raw`\u001b[2J\u202emain`);
    for (const line of lines(output)) expect(line).not.toMatch(unprintable);
    expect(lines(output).at(-1)).toBe('made 200, delivered 200, repeated 0, lost 0');
  }, 60_000);
});

/** Runs an example of a store twice, with three more events the second time. */
const runTwice = async (example: string, env: Record<string, string>) => {
  const runOnce = async (count: number) =>
    runSuccessfully(process.execPath, [`examples/${example}`], { env: { ...(await served(count)), ...env } });
  expect(lines(await runOnce(250)).at(-1)).toMatch(/^saved \d+ event\(s\)$/);
  expect(lines(await runOnce(253)).at(-1)).toBe('saved 3 event(s)');
};
const everyEvent = (count = 253) => idsOf(numbered(count)).sort();

describeWith(postgres, 'the examples for PostgreSQL', () => {
  test.each(['postgres-store.ts', 'postgres-transaction.ts'])(
    '%s copies every event once, over two runs',
    async (example) => {
      const server = await startPostgres();
      onTestFinished(() => server.close());
      await runTwice(example, { DATABASE_URL: server.url });
      const client = new Client(server.url);
      await client.connect();
      const { rows } = await client.query('SELECT id FROM audit_events ORDER BY id');
      await client.end();
      expect(rows.map(({ id }) => id)).toEqual(everyEvent());
    },
    60_000,
  );
});

describeWith(mariadb, 'examples/mysql-store.ts', () => {
  test('copies every event once into MariaDB, over two runs', async () => {
    const server = await startMariadb();
    onTestFinished(() => server.close());
    const connection = await createConnection(server.url);
    await runTwice('mysql-store.ts', { DATABASE_URL: server.url });
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT CAST(id AS CHAR) AS id FROM audit_events ORDER BY id',
    );
    await connection.end();
    expect(rows.map(({ id }) => id)).toEqual(everyEvent());
  }, 60_000);
});

describeWith(redis, 'examples/redis-store.ts', () => {
  test('appends every event once to a stream of Redis, over two runs', async () => {
    const server = await startRedis();
    onTestFinished(() => server.close());
    const url = `redis://127.0.0.1:${server.port}`;
    await runTwice('redis-store.ts', { REDIS_URL: url });
    const client = await createClient({ url }).connect();
    const entries = await client.xRange('audit-events', '-', '+');
    await client.close();
    expect(entries?.map(({ message }) => message.id)).toEqual(everyEvent());
  }, 60_000);
});

test('examples/sqlite-store.ts copies every event once into SQLite, over two runs', async () => {
  const file = join(project, 'audit.db');
  await runTwice('sqlite-store.ts', { SQLITE_FILE: file });
  const database = new DatabaseSync(file);
  const rows = database.prepare('SELECT id FROM audit_events ORDER BY id').all();
  database.close();
  expect(rows.map(({ id }) => id)).toEqual(everyEvent());
}, 60_000);
