import { fakePlanetScale } from 'planetscale-audit/testing';
import { describe, expect, test, vi } from 'vitest';
import { authorization, getAuditLog, getOrganizations, numberedEvents, origin, rejectionOf } from './fake-requests.ts';

describe('the credential check of the fake', () => {
  const wrongHeaders: Record<string, string>[] = [
    {},
    { authorization: 'faketokenid1:wrong' },
    { authorization: 'wrong:pscale_tkn_fake' },
    { authorization: 'Bearer faketokenid1:pscale_tkn_fake' },
    { authorization: 'pscale_tkn_fake' },
  ];

  test.each(wrongHeaders)('answers 404 for the audit log to wrong credentials: %o', async (headers) => {
    const response = await getAuditLog(fakePlanetScale(), '', headers);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ code: 'not_found', message: 'Not Found' });
  });

  test.each(wrongHeaders)('answers 401 for the organizations to wrong credentials: %o', async (headers) => {
    const response = await getOrganizations(fakePlanetScale(), '', headers);
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ code: 'unauthorized', message: 'Requires authentication' });
  });

  test('accepts the service token, and the token alone as an access token', async () => {
    const fake = fakePlanetScale({ serviceTokenId: 'mine', serviceToken: 'secret' });
    for (const authorization of ['mine:secret', 'Bearer secret']) {
      expect((await getAuditLog(fake, '', { authorization })).status).toBe(200);
      expect((await getOrganizations(fake, '', { authorization })).status).toBe(200);
    }
    expect((await getAuditLog(fake)).status).toBe(404);
  });

  test.each([403, 404] as const)('answers %d for the audit log alone if the permission is missing', async (status) => {
    const fake = fakePlanetScale({ missingPermissionStatus: status });
    expect((await getAuditLog(fake)).status).toBe(status);
    expect((await getOrganizations(fake)).status).toBe(200);
    expect((await getAuditLog(fake, '', {})).status).toBe(404);
  });

  test('answers 404 for an unknown organization', async () => {
    const fake = fakePlanetScale({ organization: 'umbrella' });
    expect((await getAuditLog(fake)).status).toBe(404);
    const response = await fake.fetch(`${origin}/v1/organizations/umbrella/audit-log`, { headers: { authorization } });
    expect(response.status).toBe(200);
  });
});

describe('GET /organizations of the fake', () => {
  test('lists the only organization on the first page', async () => {
    const fake = fakePlanetScale({ organization: 'umbrella' });
    const first = { type: 'list', current_page: 1, next_page: null, data: [{ name: 'umbrella' }] };
    expect(await (await getOrganizations(fake)).json()).toMatchObject(first);
    expect(await (await getOrganizations(fake, '?page=1&per_page=100')).json()).toMatchObject(first);
    expect(await (await getOrganizations(fake, '?page=2')).json()).toEqual({
      type: 'list',
      current_page: 2,
      next_page: null,
      data: [],
    });
  });
});

describe('any other request to the fake', () => {
  test.each([
    '/v1/organizations/acme/audit-logs',
    '/v1/organizations/acme',
    '/v1',
    '/',
    '/v1/organizations/acme/audit-log/x',
  ])('gets a 404 for the path %s', async (path) => {
    const response = await fakePlanetScale().fetch(origin + path, { headers: { authorization } });
    expect(response.status).toBe(404);
  });

  test.each(['POST', 'PUT', 'DELETE'])('gets a 405 for the method %s', async (method) => {
    for (const path of ['/v1/organizations', '/v1/organizations/acme/audit-log']) {
      const response = await fakePlanetScale().fetch(origin + path, { method, headers: { authorization } });
      expect(response.status).toBe(405);
    }
  });
});

describe('fakePlanetScale().fetch', () => {
  const url = `${origin}/v1/organizations/acme/audit-log?limit=1`;

  test('accepts a string, a URL or a Request, and prefers init over the Request', async () => {
    const fake = fakePlanetScale({ events: numberedEvents(3) });
    const headers = { authorization };
    const answers = [
      await fake.fetch(url, { headers }),
      await fake.fetch(new URL(url), { headers }),
      await fake.fetch(new Request(url, { headers })),
      await fake.fetch(new Request(url, { headers: { authorization: 'wrong' } }), { headers }),
    ];
    for (const answer of answers) expect((await answer.json()).data).toHaveLength(1);
    expect((await fake.fetch(new Request(url, { method: 'POST', headers }))).status).toBe(405);
    expect((await fake.fetch(new Request(url, { headers }), { method: 'POST' })).status).toBe(405);
  });

  test('works when called without its object', async () => {
    const { fetch } = fakePlanetScale();
    expect((await fetch(url, { headers: { authorization } })).status).toBe(200);
  });

  test('rejects with the reason of an aborted signal and records no request', async () => {
    const fake = fakePlanetScale();
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(fake.fetch(url, { signal })).rejects.toBe(signal.reason);
    await expect(fake.fetch(new Request(url, { signal }))).rejects.toThrow('enough');
    expect(fake.requests).toEqual([]);
  });

  test('leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    const listening = vi.spyOn(signal, 'addEventListener');
    await fakePlanetScale().fetch(url, { signal });
    expect(listening).not.toHaveBeenCalled();
  });

  test('rejects an invalid URL', async () => {
    await expect(fakePlanetScale().fetch('/v1/organizations')).rejects.toBeInstanceOf(TypeError);
  });
});

describe('fakePlanetScale().requests', () => {
  test('lists the URL and the time of every request, including failed ones', async () => {
    const fake = fakePlanetScale();
    const before = Date.now();
    fake.failNext({ network: 'refused' });
    await rejectionOf(getAuditLog(fake, '?limit=7'));
    await getOrganizations(fake);
    expect(fake.requests.map(({ url }) => url)).toEqual([
      `${origin}/v1/organizations/acme/audit-log?limit=7`,
      `${origin}/v1/organizations`,
    ]);
    for (const { at } of fake.requests) {
      expect(at).toBeGreaterThanOrEqual(before);
      expect(at).toBeLessThanOrEqual(Date.now());
    }
  });
});
