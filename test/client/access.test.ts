import { AuditConfigError, PlanetScaleAuditClient } from 'planetscale-audit';
import type { FakeFailure } from 'planetscale-audit/testing';
import { describe, expect, test } from 'vitest';
import { credentials, listOf, serve, serveRaw } from '../support/served.ts';

const clientOf = (baseUrl: string) =>
  new PlanetScaleAuditClient({ organization: 'acme', ...credentials, baseUrl, retries: 0 });

describe('verifyAccess', () => {
  test('reports ok after one request when the credentials can read the audit log', async () => {
    const { fake, client } = await serve();
    expect(await client().verifyAccess()).toEqual({ ok: true });
    expect(fake.requests).toHaveLength(1);
  });

  test.each([403, 404] as const)(
    'reports a missing permission when PlanetScale answers %s',
    async (missingPermissionStatus) => {
      const { client } = await serve({ missingPermissionStatus });
      expect(await client().verifyAccess()).toMatchObject({ ok: false, reason: 'missing-permission' });
    },
  );

  test('reports an unknown organization, and names the organizations of the token', async () => {
    const { client } = await serve();
    const report = await client({ organization: 'acne' }).verifyAccess();
    expect(report).toMatchObject({
      ok: false,
      reason: 'unknown-organization',
      message: expect.stringContaining('acme'),
    });
  });

  test('reports an invalid token', async () => {
    const { client } = await serve();
    const report = await client({ serviceToken: 'pscale_tkn_wrong' }).verifyAccess();
    expect(report).toMatchObject({ ok: false, reason: 'invalid-credentials' });
  });

  test('names the path of baseUrl as a possible cause when every answer is a 404', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 404 }, { status: 404 });
    expect(await client().verifyAccess()).toMatchObject({
      reason: 'invalid-credentials',
      message: expect.stringContaining('baseUrl'),
    });
  });

  test.each([[{ hello: 1 }], [[]], [null], ['ok'], [undefined]])(
    'reports unreachable when the answer is not a page: %j',
    async (body) => {
      const { fake, client } = await serve();
      fake.failNext({ status: 200, body });
      expect(await client().verifyAccess()).toMatchObject({ ok: false, reason: 'unreachable' });
    },
  );

  test('reports ok when an event cannot be read, and reports no invalid event', async () => {
    const { fake, client } = await serve();
    fake.failNext(listOf([{ id: 'broken' }]));
    const onInvalidEvent = () => expect.unreachable('verifyAccess checks the access alone');
    expect(await client({ onInvalidEvent }).verifyAccess()).toEqual({ ok: true });
  });

  const organizations = (names: readonly string[], next_page: unknown) => ({
    status: 200,
    body: { type: 'list', current_page: 1, next_page, data: names.map((name) => ({ id: name, name })) },
  });

  test('finds the organization on the second page of the list of organizations', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 404 }, organizations(['other'], 2), organizations(['acme'], 3));
    expect(await client().verifyAccess()).toMatchObject({ reason: 'missing-permission' });
    expect(fake.requests.map(({ url }) => new URL(url).searchParams.get('page'))).toEqual([null, '1', '2']);
  });

  test('stops when the list of organizations repeats its next page', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 404 }, organizations(['other'], 2), organizations(['another'], 2));
    expect(await client().verifyAccess()).toMatchObject({
      reason: 'unknown-organization',
      message: expect.stringContaining('(organizations of the token: other, another)'),
    });
    expect(fake.requests).toHaveLength(3);
  });

  test('stops after a hundred pages of organizations, and names twenty of them', async () => {
    let requests = 0;
    const url = await serveRaw((request, response) => {
      requests++;
      const page = Number(new URL(request.url ?? '', 'http://localhost').searchParams.get('page'));
      if (page === 0) response.writeHead(404).end();
      else response.end(JSON.stringify(organizations([`org${page}`], page + 1).body));
    });
    const report = await clientOf(url).verifyAccess();
    expect(report).toMatchObject({ message: expect.stringMatching(/org1, org2, .*, org20, and 80 more\)/) });
    expect(requests).toBe(101);
  });

  test.each([null, 7, { signal: 'x' }])('rejects with an AuditConfigError for the options %j', async (options) => {
    const { fake, client } = await serve();
    const report = client().verifyAccess(options as { signal?: AbortSignal }); // The options are invalid on purpose.
    await expect(report).rejects.toThrow(AuditConfigError);
    expect(fake.requests).toHaveLength(0);
  });

  const page: FakeFailure = { status: 403, body: '<html>Blocked by the firewall</html>' };

  test.each([
    ['the audit log', [page]],
    ['the list of organizations', [{ status: 404 }, page]],
    ['the second page of that list', [{ status: 404 }, organizations(['other'], 2), page]],
  ])('reports unreachable when a firewall answers the request for %s', async (_, answers) => {
    const { fake, client } = await serve();
    fake.failNext(...answers);
    expect(await client().verifyAccess()).toMatchObject({
      reason: 'unreachable',
      message: expect.stringContaining('A proxy or a firewall between this machine and PlanetScale'),
    });
    expect(fake.requests).toHaveLength(answers.length);
  });

  test.each([undefined, '', {}, [], { code: 'not_found' }])(
    "counts a 404 with this body as PlanetScale's: %j",
    async (body) => {
      const { fake, client } = await serve();
      fake.failNext({ status: 404, body });
      expect(await client().verifyAccess()).toMatchObject({ reason: 'missing-permission' });
    },
  );

  test('reports unreachable when the connection is reset', async () => {
    const { fake, client } = await serve();
    fake.failNext({ network: 'reset' });
    expect(await client().verifyAccess()).toMatchObject({ ok: false, reason: 'unreachable' });
  });
});
