import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { unprintable } from '../support/hostile-text.ts';
import { idsOf, numbered } from '../support/served.ts';
import { freePort } from '../support/server-process.ts';
import { idsIn, linesOf, run, servedEnv, start, temporaryDirectory } from './support.ts';

const all = idsOf(numbered(250));
const atOnce = ['--interval', '1s'];

/** A tail with a state directory of its own. */
const createTail = async (options?: Parameters<typeof servedEnv>[0]) => {
  const { fake, env } = await servedEnv(options);
  const args = ['tail', '--state', await temporaryDirectory()];
  return { fake, env, args };
};

describe('planetscale-audit tail', () => {
  test('prints every event once over two runs with --once, oldest first', async () => {
    const { fake, env, args } = await createTail();
    const first = await run([...args, '--once', '--start', 'oldest'], env);
    expect(first.status).toBe(0);
    expect(idsIn(first.stdout)).toEqual(all);
    fake.add({ id: 'newcomer0000' });
    const second = await run([...args, '--once', '--start', 'oldest'], env);
    expect(idsIn(second.stdout)).toEqual(['newcomer0000']);
  });

  test('starts with the newest 200 events, and says so on standard error', async () => {
    const { env, args } = await createTail();
    const { stdout, stderr } = await run([...args, '--once'], env);
    expect(idsIn(stdout)).toEqual(all.slice(50));
    expect(stderr).toContain('first-run');
    expect(stderr).toContain('the 200 newest events');
  });

  test.each([
    ['now', []],
    ['newest:3', all.slice(-3)],
    ['2026-11-01T00:04:00Z', all.slice(240)],
    ['1s', []],
  ])('starts at %s', async (start, expected) => {
    const { env, args } = await createTail();
    const { status, stdout } = await run([...args, '--once', '--start', start], env);
    expect(idsIn(stdout)).toEqual(expected);
    expect(status).toBe(0);
  });

  test('fails with --start resume if the place is lost', async () => {
    const { env, args } = await createTail();
    const { status, stderr } = await run([...args, '--once', '--start', 'resume'], env);
    expect(stderr).toContain('--start');
    expect(stderr).not.toContain('startFrom');
    expect(status).toBe(1);
  });

  test.each([
    ['ndjson', (line: string) => JSON.parse(line).id],
    ['raw', (line: string) => JSON.parse(line).id],
    ['runreveal', (line: string) => JSON.parse(JSON.parse(line).rawLog).id],
    ['ocsf', (line: string) => JSON.parse(line).metadata.uid],
  ])('prints an event on each line with --format %s', async (format, idOf) => {
    const { env, args } = await createTail();
    const { stdout } = await run([...args, '--once', '--start', 'oldest', '--format', format], env);
    expect(linesOf(stdout).map(idOf)).toEqual(all);
  });

  test('prints readable lines without control characters and colors with --format pretty', async () => {
    const event = {
      ...numbered(1)[0],
      actor_display_name: '\u001b[2J\u202eada',
      auditable_display_name: 'main',
      target_display_name: 'shop',
      remote_ip: '203.0.113.7',
      location: 'Chicago, IL',
    };
    const { env, args } = await createTail({ events: [event] });
    const { stdout } = await run([...args, '--once', '--format', 'pretty'], env);
    const [line = ''] = linesOf(stdout);
    expect(line.split(/ {2,}| (?=\\u|from)/)).toEqual([
      '2026-11-01T00:00:00.000Z database_branch.created',
      String.raw`\u001b[2J\u202eada`,
      'main (shop)',
      'from 203.0.113.7 (Chicago, IL)',
    ]);
    expect(line).not.toMatch(unprintable);
  });

  test('prints the events of the named actions only, which have a place of their own', async () => {
    const [first, ...others] = numbered(10);
    const events = [{ ...first, audit_action: 'branch.deleted' }, ...others];
    const { env, args } = await createTail({ events });
    const { stdout } = await run([...args, '--once', '--action', 'branch.deleted', '--action', 'user.created'], env);
    expect(idsIn(stdout)).toEqual([first?.id]);
    const whole = await run([...args, '--once', '--start', 'oldest'], env);
    expect(idsIn(whole.stdout)).toEqual(idsOf(numbered(10)));
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'ends with status 0 after a %s, and nothing is missing or doubled in the next run',
    async (signal) => {
      const { env, args } = await createTail();
      const running = start([...args, ...atOnce, '--start', 'oldest'], env);
      await running.until(({ stdout }) => linesOf(stdout).length > 0);
      running.child.kill(signal);
      const first = await running.ended;
      expect(first).toMatchObject({ status: 0, signal: null });
      expect(first.stderr).toContain(`${signal}: stopping after this batch`);
      const second = await run([...args, '--once'], env);
      expect([...idsIn(first.stdout), ...idsIn(second.stdout)]).toEqual(all);
    },
  );

  test('loses no event if it is killed again and again', async () => {
    const { env, args } = await createTail();
    const printed: string[] = [];
    for (let kills = 0; kills < 5; kills++) {
      const running = start([...args, ...atOnce, '--start', 'oldest'], env);
      await running.until(({ stdout }) => stdout.length > 0);
      running.child.kill('SIGKILL');
      // The last line may be cut off.
      printed.push(...idsIn((await running.ended).stdout.replace(/[^\n]*$/, '')));
    }
    printed.push(...idsIn((await run([...args, '--once', '--start', 'oldest'], env)).stdout));
    expect([...new Set(printed)].sort()).toEqual(all);
  });

  test('ends without an error if the reader of its output goes away', async () => {
    const { fake, env, args } = await createTail();
    const running = start([...args, ...atOnce], env);
    await running.until(({ stdout }) => stdout.length > 0);
    running.child.stdout?.destroy();
    fake.add({ id: 'newcomer0000' });
    const { status, signal, stderr } = await running.ended;
    expect({ status, signal }).toEqual({ status: 0, signal: null });
    expect(stderr).not.toContain('EPIPE');
  });

  test('keeps the place in $XDG_STATE_HOME if no directory is named', async () => {
    const { env } = await servedEnv();
    const home = await temporaryDirectory();
    await run(['tail', '--once'], { ...env, XDG_STATE_HOME: home });
    expect(await readdir(home)).toEqual(['planetscale-audit']);
    const other = await temporaryDirectory();
    await run(['tail', '--once'], { ...env, HOME: other });
    expect(await readdir(join(other, '.local', 'state'))).toEqual(['planetscale-audit']);
  });

  test('ends with status 4 if PlanetScale refuses access, and says why', async () => {
    const { env, args } = await createTail();
    const { status, stderr } = await run(args, { ...env, PLANETSCALE_SERVICE_TOKEN: 'pscale_tkn_wrong' });
    expect(stderr).toContain('PlanetScale does not know these credentials');
    expect(stderr).not.toContain('pscale_tkn_wrong');
    expect(status).toBe(4);
  });

  test('serves its health and metrics with --listen, and stops serving when it ends', async () => {
    const { env, args } = await createTail();
    const url = `http://127.0.0.1:${await freePort()}`;
    const running = start([...args, '--listen', new URL(url).host], env);
    await running.until(({ stdout }) => linesOf(stdout).length === 200);
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${url}/healthz`)).text()).toBe('idle\n');
    expect((await fetch(`${url}/`)).status).toBe(404);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('\nplanetscale_audit_events_total 200\n');
    expect(metrics).toContain('\nplanetscale_audit_state{state="idle"} 1\n');
    expect(metrics).toContain('\nplanetscale_audit_state{state="stale"} 0\n');
    expect(metrics).toMatch(/\nplanetscale_audit_seconds_since_last_scan \d+(\.\d+)?\n/);
    for (const line of linesOf(metrics))
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{state="[\w-]+"\})? [\d.]+)$/);
    running.child.kill('SIGTERM');
    expect((await running.ended).status).toBe(0);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  test('is not ready while PlanetScale is away', async () => {
    const { fake, env, args } = await createTail();
    fake.failNext(...Array.from({ length: 100 }, () => ({ status: 503 })));
    const url = `http://127.0.0.1:${await freePort()}`;
    const running = start([...args, '--listen', new URL(url).host], env);
    await running.until(({ stderr }) => stderr.includes('Serving'));
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${url}/metrics`)).text()).not.toMatch(/\nplanetscale_audit_seconds_since_last_scan /);
  });

  test('ends with status 1 if the address of --listen is taken', async () => {
    const { env, args } = await createTail();
    const { port } = new URL(env.PLANETSCALE_API_URL);
    const { status, stderr } = await run([...args, '--listen', `127.0.0.1:${port}`], env);
    expect(stderr).toContain('EADDRINUSE');
    expect(status).toBe(1);
  });
});
