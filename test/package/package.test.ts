import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AuditEvent } from 'planetscale-audit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { geoLite2 } from '../support/geolite2.ts';
import { leaks } from '../support/leaks.ts';
import { recordingWebhook, webhookSecret } from '../support/recording-webhook.ts';
import { credentials, numbered, serve } from '../support/served.ts';

// These tests build and pack the package, and install it from the tarball as a user does. They share one file because they share one build.
const root = fileURLToPath(new URL('../..', import.meta.url));
let project: string;
let tarball: string;

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

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
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });

const runSuccessfully = async (...call: Parameters<typeof run>): Promise<string> => {
  const { code, output } = await run(...call);
  expect(code, output).toBe(0);
  return output;
};

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
    const env = await served(250);
    const cursors = join(project, 'cursors');
    onTestFinished(() => rm(cursors, { recursive: true, force: true }));
    const { output } = await run(process.execPath, [name], {
      cwd: project,
      env,
      until: (soFar) => soFar.includes('2026-11-01T00:04:09.000Z'),
    });
    expect(lines(output)).toHaveLength(200);
    expect(output).toMatch(/^2026-11-01T00:00:50.000Z database_branch.created/);
  });
});

test('the tarball holds the built files, README, CHANGELOG, LICENSE and package.json, and nothing else', async () => {
  const listing = await runSuccessfully('tar', ['-tzf', tarball]);
  const names = lines(listing).map((name) => name.replace('package/', ''));
  expect(names).toEqual(
    expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md', 'dist/index.js', 'dist/index.d.ts']),
  );
  expect(names.filter((name) => !/^(dist\/|package.json|LICENSE|README.md|CHANGELOG.md)/.test(name))).toEqual([]);
});

describe('examples/tail.ts', () => {
  test('prints the newest events, exits on SIGTERM, and resumes after the last printed event', async () => {
    const env = { ...(await served(30)), CURSOR_DIRECTORY: join(project, 'tail-cursors') };
    const first = await run(process.execPath, ['examples/tail.ts'], {
      env,
      until: (output) => output.includes('2026-11-01T00:00:29.000Z'),
    });
    expect(first.code, first.output).toBe(0);
    expect(lines(first.output)).toHaveLength(20);
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

  test('names the missing environment variable and exits with an error', async () => {
    const { code, output } = await run(process.execPath, ['examples/tail.ts'], {
      env: { PLANETSCALE_ORG: '', PLANETSCALE_ORGANIZATION: '' },
    });
    expect(code).not.toBe(0);
    expect(output).toContain('set PLANETSCALE_ORG');
  });
});

describe('examples/to-runreveal.ts', () => {
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

  test('reads the organization that the environment names', async () => {
    const output = await runSuccessfully(process.execPath, ['examples/demo.ts'], { env: await served(250) });
    expect(lines(output).at(-1)).toBe('made 200, delivered 200, repeated 0, lost 0');
  }, 60_000);
});
