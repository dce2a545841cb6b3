import { describe, expect, test } from 'vitest';
import { freePort } from '../support/server-process.ts';
import { run, servedEnv } from './support.ts';

describe('planetscale-audit check', () => {
  test('shows the organization, the newest event and the oldest one', async () => {
    const { env } = await servedEnv();
    expect(await run(['check'], env)).toEqual({
      status: 0,
      signal: null,
      stderr: '',
      stdout: `organization  acme
access        yes
newest event  2026-11-01T00:04:09.000Z database_branch.created
oldest event  2026-11-01T00:00:00.000Z database_branch.created
events        250
`,
    });
  });

  test('shows that an organization has no events', async () => {
    const { env } = await servedEnv({ events: [] });
    const { stdout } = await run(['check'], env);
    expect(stdout).toContain('newest event  none\noldest event  none\nevents        0\n');
  });

  test.each([
    [
      'a wrong token',
      { PLANETSCALE_SERVICE_TOKEN: 'pscale_tkn_wrong' },
      'invalid-credentials',
      'Check the service token',
    ],
    ['a wrong organization', { PLANETSCALE_ORG: 'acne' }, 'unknown-organization', 'does not belong to'],
  ])('says what is wrong with %s, and ends with status 4', async (_, changes, reason, message) => {
    const { env } = await servedEnv();
    const { status, stdout, stderr } = await run(['check'], { ...env, ...changes });
    expect(stdout).toMatch(new RegExp(`^access +no \\(${reason}\\)$`, 'm'));
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('pscale_tkn_');
    expect(status).toBe(4);
  });

  test('says that the token lacks the permission', async () => {
    const { env } = await servedEnv({ missingPermissionStatus: 404 });
    const { status, stderr } = await run(['check'], env);
    expect(stderr).toContain('grant read_audit_logs');
    expect(status).toBe(4);
  });

  test('ends with status 1 if PlanetScale is out of reach', async () => {
    const { env } = await servedEnv();
    const { status, stdout } = await run(['check'], {
      ...env,
      PLANETSCALE_API_URL: `http://127.0.0.1:${await freePort()}`,
    });
    expect(stdout).toMatch(/^access +no \(unreachable\)$/m);
    expect(status).toBe(1);
  });
});
