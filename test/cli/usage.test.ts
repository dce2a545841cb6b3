import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { run, servedEnv, temporaryDirectory } from './support.ts';

describe('planetscale-audit', () => {
  test.each([
    [['chek'], 'There is no command "chek". Did you mean check?'],
    [['delete'], 'There is no command "delete". Name one of check, tail, export, verify.'],
    [[], 'Name a command: check, tail, export, verify.'],
    [['tail', '--formt', 'raw'], 'There is no flag --formt. Did you mean --format?'],
    [['tail', '--token', 'secret'], 'There is no flag --token.'],
    [['tail', '-x'], 'There is no flag -x.'],
    [['tail', '--format', 'prety'], '--format: there is no "prety". Did you mean pretty?'],
    [['tail', '--format', 'xml'], 'Choose one of pretty, ndjson, raw, runreveal, ocsf.'],
    [['tail', '--format'], "Option '--format <value>' argument missing."],
    [['tail', 'acme'], "Unexpected argument 'acme'"],
    [['tail', '--start', 'yesterday'], '--start cannot be "yesterday".'],
    [['tail', '--start', 'newest:many'], '--start cannot be "newest:many".'],
    [['tail', '--interval', '60'], '--interval cannot be "60".'],
    [['tail', '--interval', '0s'], '--interval cannot be "0s".'],
    [['tail', '--listen', '9464'], '--listen cannot be "9464".'],
    [['tail', '--listen', '127.0.0.1:99999'], '--listen cannot be "127.0.0.1:99999".'],
    [['export', '--since', '2026-13-01'], '--since cannot be "2026-13-01".'],
    [['verify'], '--ids is missing.'],
    [['verify', '--ids', '/nonexistent/ids'], '--ids: /nonexistent/ids cannot be read'],
    [['export', '--until', 'now'], '--until cannot be "now".'],
    [['tail', '--interval', '25d'], 'at most 24d.'],
    [['tail', '--start', '-1h'], "To specify an option argument starting with a dash use '--start=-XYZ'."],
    [['tail', '--state', ''], '--state is empty.'],
    [['tail', '--once', '--action', ''], 'planetscale-audit: --action: must not be empty.'],
    [['tail', '--once', '--start', '2099-01-01'], '--start lies in the future (2099-01-01T00:00:00.000Z).'],
    [['export', '--out', ''], '--out is empty.'],
    [['export', '--out', '/nonexistent/a.json'], '--out: there is no directory /nonexistent. Create it first.'],
    [['export', '--since', '2099-01-01'], '--since lies in the future'],
    [['export', '--since', '1h', '--until', '2h'], 'Write a later --until.'],
    [['verify', '--ids', '/'], '--ids: / cannot be read (it is a directory)'],
  ])('refuses %j with status 2, and says what to write instead', async (args, message) => {
    const { env } = await servedEnv();
    const { status, stdout, stderr } = await run(args, env);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('secret');
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  test('names the variable that is missing in the environment', async () => {
    const { status, stderr } = await run(['check'], { PLANETSCALE_ORG: 'acme' });
    expect(stderr).toContain('set PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN');
    expect(status).toBe(2);
  });

  test('reads the variables that are not set from --env-file', async () => {
    const { env } = await servedEnv();
    const file = join(await temporaryDirectory(), 'acme.env');
    const variables = Object.entries({ ...env, PLANETSCALE_ORG: 'other' });
    await writeFile(file, variables.map(([name, value]) => `${name}=${value}\n`).join(''));
    const { status, stdout } = await run(['check', '--env-file', file], { PLANETSCALE_ORG: 'acme' });
    expect(stdout).toMatch(/^organization +acme$/m);
    expect(status).toBe(0);
  });

  // Node 24 reads --env-file itself, wherever it stands, and ends with a status of its own.
  test('fails if the file of --env-file is missing, and names the file', async () => {
    const { status, stderr } = await run(['check', '--env-file', '/nonexistent/acme.env']);
    expect(stderr).toContain('/nonexistent/acme.env');
    expect(status).toBeGreaterThan(0);
  });

  test.each([
    ['check', []],
    ['tail', ['--once']],
    ['export', []],
  ])('ends %s with status 2 if PLANETSCALE_API_URL cannot be used, and names it', async (command, flags) => {
    const { env } = await servedEnv();
    const state = await temporaryDirectory();
    const { status, stderr } = await run([command, ...flags], { ...env, PLANETSCALE_API_URL: 'nonsense', HOME: state });
    expect(stderr).toContain('PLANETSCALE_API_URL');
    expect(status).toBe(2);
  });

  test('prints its version', async () => {
    expect(await run(['--version'])).toMatchObject({ status: 0, stdout: `${packageJson.version}\n` });
  });

  test.each([
    [['--help']],
    [['-h']],
    [['help']],
    [['check', '--help']],
    [['tail', '--help']],
    [['export', '-h']],
    [['verify', '--help']],
  ])('explains itself on one screen with %j', async (args) => {
    const { status, stdout } = await run(args);
    const lines = stdout.split('\n');
    expect(lines.length).toBeLessThanOrEqual(25);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).toContain('Usage: planetscale-audit');
    if (args.length > 1) expect(stdout).toContain('Example: planetscale-audit');
    expect(status).toBe(0);
  });
});
