import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import worker, { type Env } from '../../examples/cloudflare-worker.ts';
import { program } from '../cli/support.ts';
import { entryOf, serveOrganizations } from '../support/organizations.ts';
import { environmentOf, lines, run, served } from '../support/programs.ts';
import { recordingWebhook } from '../support/recording-webhook.ts';
import { credentials, failure, numbered, serve, serveRaw } from '../support/served.ts';
import { freePort } from '../support/server-process.ts';
import { runExample, runExampleSuccessfully, slowly, startExample, temporaryDirectory } from './support.ts';

test(
  'examples/fake-planetscale.ts serves events to the command line, with the variables that it prints',
  async () => {
    const { child, output } = startExample('fake-planetscale.ts');
    await expect.poll(output, { timeout: 30_000 }).toContain('ready');
    const file = join(await temporaryDirectory(), 'fake.env');
    await writeFile(
      file,
      lines(output())
        .filter((line) => line.startsWith('PLANETSCALE_'))
        .join('\n'),
    );
    const { code, output: exported } = await run(process.execPath, [program, 'export', '--env-file', file]);
    expect(code, exported).toBe(0);
    expect(lines(exported).length).toBeGreaterThanOrEqual(300);
    child.kill();
  },
  slowly,
);

describe('examples/cron.ts', () => {
  test(
    'handles the events since its last run, and ends with status 0',
    async () => {
      const env = { CURSOR_DIRECTORY: await temporaryDirectory() };
      const runOnce = async (count: number) =>
        lines(await runExampleSuccessfully('cron.ts', { env: { ...(await served(count)), ...env } }));
      expect((await runOnce(250)).at(-1)).toBe('handled 250 event(s)');
      const later = await runOnce(253);
      const handled = later.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line).id);
      expect(handled).toEqual(['event0000250', 'event0000251', 'event0000252']);
      expect(later.at(-1)).toBe('handled 3 event(s)');
    },
    slowly,
  );

  test(
    'ends with status 75 if PlanetScale fails, and with status 1 if it refuses the token',
    async () => {
      const url = await serveRaw((_, response) => void response.writeHead(503, { 'retry-after': '0' }).end('{}'));
      const failed = await runExample('cron.ts', {
        env: { ...environmentOf(url), CURSOR_DIRECTORY: await temporaryDirectory() },
      });
      expect(failed.code, failed.output).toBe(75);
      expect(failed.output).toContain('AuditApiError: PlanetScale answered 503');
      const refused = await runExample('cron.ts', {
        env: {
          ...(await served(3)),
          PLANETSCALE_SERVICE_TOKEN: 'pscale_tkn_wrong',
          CURSOR_DIRECTORY: await temporaryDirectory(),
        },
      });
      expect(refused.code, refused.output).toBe(1);
    },
    slowly,
  );

  test(
    'ends with status 75 if another run with the same cursor came first',
    async () => {
      const { fake, url } = await serve({ events: numbered(3) });
      const env = { ...environmentOf(url), CURSOR_DIRECTORY: await temporaryDirectory() };
      fake.failNext({ network: 'hang' }); // Until the timeout of the request, 10 seconds.
      const slow = startExample('cron.ts', { env });
      await expect.poll(() => fake.requests.length, { timeout: 60_000 }).toBe(1);
      await runExampleSuccessfully('cron.ts', { env });
      const { code, output } = await slow.ended;
      expect(code, output).toBe(75);
      expect(output).toContain('CursorConflictError');
    },
    slowly,
  );
});

describe('examples/health-endpoint.ts', () => {
  test(
    'answers /healthz with 200 and the state of the poller, any other path with 404, and ends on SIGTERM',
    async () => {
      const port = await freePort();
      const env = { ...(await served(3)), CURSOR_DIRECTORY: await temporaryDirectory(), HEALTH_PORT: `${port}` };
      const running = startExample('health-endpoint.ts', { env });
      await expect.poll(running.output, { timeout: 60_000 }).toContain('2026-11-01T00:00:02.000Z');
      const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
      const health = async () => (await ask('/healthz')).json();
      await expect.poll(health, { timeout: 60_000 }).toMatchObject({ state: 'idle', processed: 3 });
      expect((await ask('/healthz')).status).toBe(200);
      expect((await ask('/')).status).toBe(404);
      running.child.kill('SIGTERM');
      expect(await running.ended).toMatchObject({ code: 0 });
    },
    slowly,
  );
});

describe('examples/cloudflare-worker.ts', () => {
  const setUp = async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {}); // The notice of the first run.
    const values = new Map<string, string>();
    const writes: string[] = [];
    const { fake, url } = await serve({ events: numbered(250) });
    const webhook = await recordingWebhook();
    const env: Env = {
      PLANETSCALE_ORG: 'acme',
      PLANETSCALE_SERVICE_TOKEN_ID: credentials.serviceTokenId,
      PLANETSCALE_SERVICE_TOKEN: credentials.serviceToken,
      PLANETSCALE_API_URL: url,
      RUNREVEAL_WEBHOOK_URL: webhook.url,
      CURSORS: {
        get: async (key) => values.get(key) ?? null,
        put: async (key, value) => {
          writes.push(key);
          values.set(key, value);
        },
      },
    };
    return { fake, webhook, env, writes };
  };

  test('sends each event once over its runs, with one write to KV for each run that had events', async () => {
    const { fake, webhook, env, writes } = await setUp();
    await worker.scheduled({}, env);
    expect(webhook.accepted).toHaveLength(200);
    await worker.scheduled({}, env);
    fake.add(
      ...numbered(3, Date.parse('2026-11-02T00:00:00Z')).map((event, index) => ({ ...event, id: `later${index}` })),
    );
    await worker.scheduled({}, env);
    const times = webhook.accepted.map((event) => Object(event).eventTime);
    expect(times.slice(200)).toEqual(['00', '01', '02'].map((second) => `2026-11-02T00:00:${second}.000Z`));
    expect(new Set(times).size).toBe(203);
    expect(new Set(writes)).toEqual(new Set(['planetscale-audit:acme']));
    expect(writes.length).toBeLessThanOrEqual(3);
  });

  test('fails its run if RunReveal refuses a batch, and sends that batch on the next run', async () => {
    const { webhook, env, writes } = await setUp();
    webhook.answer({ status: 202 }, { status: 401 });
    expect(await failure(worker.scheduled({}, env))).toMatchObject({ name: 'AuditApiError', status: 401 });
    expect(writes).toHaveLength(1);
    expect(webhook.accepted).not.toHaveLength(200);
    await worker.scheduled({}, env);
    expect(webhook.received[2]?.body).toBe(webhook.received[1]?.body);
    expect(new Set(webhook.accepted.map((event) => Object(event).eventTime)).size).toBe(200);
    expect(webhook.accepted).toHaveLength(200);
  });
});

describe('examples/many-organizations.ts', () => {
  /** Starts the example with 20 organizations of 3 events each, after a change to what is served. */
  const startMany = async (change: (served: Awaited<ReturnType<typeof serveOrganizations>>) => void) => {
    const entries = Array.from({ length: 20 }, (_, index) => entryOf(`org-${index}`, index));
    const served = await serveOrganizations(entries);
    onTestFinished(() => served.close());
    for (const [name, fake] of served.fakes)
      fake.add(...numbered(3).map((event) => ({ ...event, id: `${name}-${event.id}` })));
    change(served);
    const directory = await temporaryDirectory();
    const wrong = { ...entryOf('org-7', 7), serviceToken: 'pscale_tkn_wrong' };
    await writeFile(`${directory}/organizations.json`, JSON.stringify(entries.with(7, wrong)));
    const port = await freePort();
    const running = startExample('many-organizations.ts', {
      env: {
        PLANETSCALE_API_URL: served.url,
        ORGANIZATIONS: `${directory}/organizations.json`,
        CURSOR_DIRECTORY: `${directory}/cursors`,
        HEALTH_PORT: `${port}`,
      },
    });
    const printed = () =>
      lines(running.output())
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line));
    return { running, printed, health: () => fetch(`http://127.0.0.1:${port}/healthz`) };
  };

  test(
    'prints the events of 19 organizations while PlanetScale refuses one and fails for another, says so at /healthz, and ends on SIGTERM',
    async () => {
      const { running, printed, health } = await startMany(({ fakes }) =>
        fakes.get('org-3')?.failNext({ status: 503, headers: { 'retry-after': '0' } }, { network: 'reset' }),
      );
      await expect.poll(() => printed().length, { timeout: 60_000 }).toBe(19 * 3);
      const organizations = new Set(printed().map(({ organization }) => organization));
      expect(organizations).not.toContain('org-7');
      expect(organizations.size).toBe(19);
      expect(printed().every(({ organization, event }) => event.id.startsWith(`${organization}-`))).toBe(true);
      const answer = async () => {
        const response = await health();
        return { status: response.status, body: await response.json() };
      };
      const errors = { 'org-7': expect.stringContaining('does not know these credentials') };
      await expect
        .poll(answer, { timeout: 60_000 })
        .toEqual({ status: 503, body: { organizations: 20, stale: [], errors } });
      running.child.kill('SIGTERM');
      expect(await running.ended).toMatchObject({ code: 0 });
      expect(running.output()).not.toContain('pscale_tkn');
    },
    slowly,
  );
});
