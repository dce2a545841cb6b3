import { AuditConfigError, PlanetScaleAuditClient, type PlanetScaleAuditClientOptions } from 'planetscale-audit';
import { fakePlanetScale } from 'planetscale-audit/testing';
import { describe, expect, test } from 'vitest';
import { credentials } from '../support/served.ts';

const good = { organization: 'acme', ...credentials } satisfies PlanetScaleAuditClientOptions;

/** The Authorization header and the URL of the first request that a client sends. */
const sentBy = async (make: (fetch: typeof globalThis.fetch) => PlanetScaleAuditClient) => {
  let sent: { url: string; authorization: string | null } | undefined;
  const fake = fakePlanetScale();
  const client = make(async (input, init) => {
    const request = new Request(input, init);
    sent = { url: request.url, authorization: request.headers.get('authorization') };
    return fake.fetch(input, init);
  });
  await client.page().catch(() => {}); // The fake refuses these credentials.
  return sent;
};

describe('the constructor', () => {
  test.each([
    [{ organization: '' }, /organization: must not be empty/],
    [{ organization: '..' }, /organization: must be the bare name/],
    [{ organization: 'acme/audit-log' }, /organization: must be the bare name/],
    [{ organization: 'https://app.planetscale.com/acme' }, /organization: must be the bare name/],
    [{ organization: 'acme\ud800' }, /organization: must be the bare name/],
    [{ organization: 'x'.repeat(201) }, /organization: must have at most 200 characters/],
    [{ organization: undefined }, /organization: /],
    [{ serviceToken: undefined }, /serviceTokenId without its serviceToken/],
    [{ serviceToken: undefined, serviceTokenId: undefined }, /no credentials/],
    [{ serviceTokenId: undefined }, /`id:token` as serviceToken alone/],
    [{ serviceToken: 'one:two' }, /neither with a colon/],
    [{ serviceTokenId: 'one:two' }, /neither with a colon/],
    [{ serviceTokenId: undefined, serviceToken: 'a:b:c' }, /`id:token` as serviceToken alone/],
    [{ serviceToken: 'secret\n' }, /serviceToken: must be printable ASCII/],
    [{ serviceToken: '' }, /serviceToken: must not be empty/],
    [{ accessToken: 'login-token' }, /not both/],
    [{ serviceTokenId: undefined, serviceToken: undefined, accessToken: 'a:b' }, /accessToken with a colon/],
    [{ timeoutMs: 0 }, /timeoutMs: must be a whole number from 1/],
    [{ timeoutMs: 2 ** 31 }, /timeoutMs: must be a whole number from 1 to 2147483647/],
    [{ requestsPerMinute: 0 }, /requestsPerMinute: must be a whole number from 1/],
    [{ maxResponseBytes: 0 }, /maxResponseBytes: must be a whole number from 1/],
    [{ baseUrl: 'api.planetscale.com' }, /baseUrl: must be an absolute URL/],
    [{ baseUrl: 'http://api.planetscale.com/v1' }, /baseUrl: must use https/],
    [{ baseUrl: 'http://127.0.0.1.example.com/v1' }, /baseUrl: must use https/],
    [{ baseUrl: 'https://user:pass@api.planetscale.com/v1' }, /baseUrl: must not hold a user or a password/],
    [{ baseUrl: 'https://api.planetscale.com/v1?x=1' }, /baseUrl: must end with its path/],
    [{ baseUrl: 'https://api.planetscale.com/v1#x' }, /baseUrl: must end with its path/],
    [{ baseUrl: 'https://api.planetscale.com/v1?' }, /baseUrl: must end with its path/],
    [{ baseUrl: 'https://api.planetscale.com/v1#' }, /baseUrl: must end with its path/],
    [{ baseUrl: 'https://:pass@api.planetscale.com/v1' }, /baseUrl: must not hold a user or a password/],
    [{ baseUrl: 'https://user@api.planetscale.com/v1' }, /baseUrl: must not hold a user or a password/],
    [{ baseUrl: 'http://evil.localhost/v1' }, /baseUrl: must use https/],
    [{ baseUrl: 'ftp://api.planetscale.com' }, /baseUrl: must use https/],
    [{ onInvalidEvent: 'ignore' }, /onInvalidEvent: /],
    [{ fetch: 'fetch' }, /fetch: must be a function/],
  ])('rejects the options %j with an AuditConfigError that names the remedy', (wrong, message) => {
    const options = { ...good, ...wrong } as PlanetScaleAuditClientOptions; // The options are invalid on purpose.
    expect(() => new PlanetScaleAuditClient(options)).toThrow(AuditConfigError);
    expect(() => new PlanetScaleAuditClient(options)).toThrow(message);
  });

  const numbers = ['timeoutMs', 'retries', 'requestsPerMinute', 'maxResponseBytes'] as const;
  const outOfRange = [-1, Number.NaN, 1.5, Number.POSITIVE_INFINITY];
  test.each(numbers.flatMap((name) => outOfRange.map((value) => [name, value] as const)))(
    'rejects the number %s %d with an AuditConfigError that names its range',
    (name, value) => {
      const make = () => new PlanetScaleAuditClient({ ...good, [name]: value });
      expect(make).toThrow(AuditConfigError);
      expect(make).toThrow(new RegExp(`${name}: must be a whole number from [01] to \\d+`));
    },
  );

  test('shows no credential in its error', () => {
    const options = { ...good, serviceToken: 'pscale_tkn_with a space' };
    expect(() => new PlanetScaleAuditClient(options)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('pscale_tkn') }),
    );
  });
});

describe('credentials that cannot be right are refused before a request', () => {
  const token = credentials.serviceToken;
  test.each([
    ['a token in double quotes', { serviceToken: `"${token}"` }, /serviceToken: must not stand in quotes/],
    ['a token with a quote left', { serviceToken: `${token}'` }, /serviceToken: must not stand in quotes/],
    ['an id in quotes', { serviceTokenId: "'abc123def456'" }, /serviceTokenId: must not stand in quotes/],
    ['an organization in quotes', { organization: '"acme"' }, /organization: must not stand in quotes/],
    ['a variable in braces', { serviceToken: '\u0024{TOKEN}' }, /serviceToken: must be the value itself/],
    [
      'a variable in the middle',
      { serviceToken: 'pscale_tkn_\u0024{TOKEN:-}' },
      /serviceToken: must be the value itself/,
    ],
    ['a bare variable', { serviceToken: '$TOKEN' }, /serviceToken: must be the value itself/],
    ['a variable of Kubernetes', { serviceToken: '$(TOKEN)' }, /serviceToken: must be the value itself/],
    ['a variable of Windows', { serviceTokenId: '%TOKEN_ID%' }, /serviceTokenId: must be the value itself/],
    ['a template', { serviceTokenId: '{{token_id}}' }, /serviceTokenId: must be the value itself/],
    ['a variable as the organization', { organization: '$PLANETSCALE_ORG' }, /organization: must be the value itself/],
    [
      'an id and a token that are swapped',
      { serviceTokenId: token, serviceToken: 'abc123def456' },
      /serviceTokenId: must be the token's id, and not the token .*swapped/,
    ],
    [
      'a service token as an access token',
      { serviceTokenId: undefined, serviceToken: undefined, accessToken: token },
      /accessToken: must be a login or OAuth token, and not a service token/,
    ],
    ['one text for both', { serviceTokenId: 'abc', serviceToken: 'abc' }, /the same text as serviceTokenId/],
    ['a placeholder', { serviceTokenId: '<id>' }, /serviceTokenId: must be the value itself/],
    ['two tokens', { serviceTokenId: token }, /serviceTokenId: must be the token's id, and not the token/],
    [
      'a swapped pair',
      { serviceTokenId: undefined, serviceToken: `${token}:abc123def456` },
      /token where its id belongs/,
    ],
    ["the token's name as the id", { serviceTokenId: 'audit log reader' }, /serviceTokenId: .* not its name/],
  ])('%s', (_, wrong, message) => {
    const fetch = () => expect.unreachable('no request may be sent');
    const make = () => new PlanetScaleAuditClient({ ...good, ...wrong, fetch });
    expect(make).toThrow(AuditConfigError);
    expect(make).toThrow(message);
    expect(make).toThrow(expect.not.objectContaining({ message: expect.stringContaining(token) }));
  });

  test.each(['a"b', '50%off%', 'a$b$', '$', 'pscale_tkn_$x'])('but not the token %s', (serviceToken) => {
    expect(() => new PlanetScaleAuditClient({ ...good, serviceToken })).not.toThrow();
  });
});

describe('a client', () => {
  test('sends a service token as ID:TOKEN', async () => {
    const sent = await sentBy((fetch) => new PlanetScaleAuditClient({ ...good, fetch }));
    expect(sent?.authorization).toBe(`${credentials.serviceTokenId}:${credentials.serviceToken}`);
  });

  test('sends a serviceToken that is an id:token pair as ID:TOKEN', async () => {
    const sent = await sentBy(
      (fetch) => new PlanetScaleAuditClient({ organization: 'acme', serviceToken: 'theid:thetoken', fetch }),
    );
    expect(sent?.authorization).toBe('theid:thetoken');
  });

  test('sends an access token as a Bearer token', async () => {
    const sent = await sentBy(
      (fetch) => new PlanetScaleAuditClient({ organization: 'acme', accessToken: 'login-token', fetch }),
    );
    expect(sent?.authorization).toBe('Bearer login-token');
  });
});

test.each([
  [undefined, 'https://api.planetscale.com/v1/organizations/acme/audit-log?limit=100'],
  ['https://example.com/v1/', 'https://example.com/v1/organizations/acme/audit-log?limit=100'],
  [new URL('http://localhost:8080'), 'http://localhost:8080/organizations/acme/audit-log?limit=100'],
  ['http://[::1]:8080/v1', 'http://[::1]:8080/v1/organizations/acme/audit-log?limit=100'],
])('a client with the baseUrl %s sends its requests to %s', async (baseUrl, url) => {
  expect(await sentBy((fetch) => new PlanetScaleAuditClient({ ...good, baseUrl, fetch }))).toMatchObject({ url });
});

describe('fromEnv', () => {
  const env = { PLANETSCALE_ORG: 'acme', PLANETSCALE_SERVICE_TOKEN_ID: 'envid', PLANETSCALE_SERVICE_TOKEN: 'envtoken' };
  const sentFrom = (variables: Record<string, string>, overrides: Partial<PlanetScaleAuditClientOptions> = {}) =>
    sentBy((fetch) => PlanetScaleAuditClient.fromEnv({ fetch, ...overrides }, variables));

  test('reads the organization and the service token', async () => {
    expect(await sentFrom(env)).toMatchObject({
      authorization: 'envid:envtoken',
      url: expect.stringContaining('/organizations/acme/'),
    });
  });

  test('reads PLANETSCALE_ORGANIZATION, and sends PLANETSCALE_API_TOKEN as an access token', async () => {
    const sent = await sentFrom({
      PLANETSCALE_ORGANIZATION: 'acme',
      PLANETSCALE_API_TOKEN: 'login',
      PLANETSCALE_SERVICE_TOKEN: '',
    });
    expect(sent?.authorization).toBe('Bearer login');
  });

  test('prefers a service token to an API token', async () => {
    expect(await sentFrom({ ...env, PLANETSCALE_API_TOKEN: 'login' })).toMatchObject({
      authorization: 'envid:envtoken',
    });
  });

  test.each([
    ['https://example.com', 'https://example.com/v1/organizations/'],
    ['https://example.com/', 'https://example.com/v1/organizations/'],
    ['https://example.com/api/v2', 'https://example.com/api/v2/organizations/'],
  ])('reads PLANETSCALE_API_URL %s, and adds /v1 if it has no path', async (PLANETSCALE_API_URL, start) => {
    expect(await sentFrom({ ...env, PLANETSCALE_API_URL })).toMatchObject({ url: expect.stringContaining(start) });
  });

  test('replaces all credentials of the environment by those of the overrides', async () => {
    expect(await sentFrom(env, { accessToken: 'mine' })).toMatchObject({ authorization: 'Bearer mine' });
    expect(
      await sentFrom({ PLANETSCALE_ORG: 'acme', PLANETSCALE_API_TOKEN: 'login' }, { serviceToken: 'a:b' }),
    ).toMatchObject({ authorization: 'a:b' });
  });

  test.each([{ serviceToken: '' }, { serviceTokenId: '' }, { accessToken: '' }])(
    'refuses an empty credential in the overrides instead of using the environment: %j',
    (overrides) => {
      expect(() => PlanetScaleAuditClient.fromEnv(overrides, env)).toThrow(/must not be empty/);
    },
  );

  test.each(['https://example.com?x=1#y', 'https://example.com?', 'https://example.com/#'])(
    'refuses a PLANETSCALE_API_URL with a query or a fragment: %s',
    (PLANETSCALE_API_URL) => {
      expect(() => PlanetScaleAuditClient.fromEnv({}, { ...env, PLANETSCALE_API_URL })).toThrow(
        /PLANETSCALE_API_URL: must end with its path/,
      );
    },
  );

  test.each([
    [{ PLANETSCALE_API_URL: 'api.planetscale.com' }, /PLANETSCALE_API_URL: must be an absolute URL/],
    [{ PLANETSCALE_API_URL: 'http://api.planetscale.com' }, /PLANETSCALE_API_URL: must use https/],
    [{ PLANETSCALE_API_URL: '"https://api.planetscale.com"' }, /PLANETSCALE_API_URL: must not stand in quotes/],
    [{ PLANETSCALE_SERVICE_TOKEN_ID: 'pscale_tkn_x' }, /PLANETSCALE_SERVICE_TOKEN_ID: must be .* may be swapped/],
    [
      { PLANETSCALE_SERVICE_TOKEN_ID: 'a', PLANETSCALE_SERVICE_TOKEN: 'a' },
      /same text as PLANETSCALE_SERVICE_TOKEN_ID/,
    ],
    [{ PLANETSCALE_ORG: 'a/b' }, /PLANETSCALE_ORG: must be the bare name/],
    [{ PLANETSCALE_ORG: '', PLANETSCALE_ORGANIZATION: 'a/b' }, /PLANETSCALE_ORGANIZATION: must be the bare name/],
    [{ PLANETSCALE_SERVICE_TOKEN: 'secret\n' }, /PLANETSCALE_SERVICE_TOKEN: must be printable ASCII/],
    [{ PLANETSCALE_SERVICE_TOKEN: 'a:b' }, /Give PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN, neither/],
    [
      { PLANETSCALE_SERVICE_TOKEN_ID: '', PLANETSCALE_SERVICE_TOKEN: 'pscale_tkn_x:id' },
      /PLANETSCALE_SERVICE_TOKEN must be `id:token`/,
    ],
  ])('names the variable with a mistake, and no option: %j', (variables, message) => {
    expect(() => PlanetScaleAuditClient.fromEnv({}, { ...env, ...variables })).toThrow(AuditConfigError);
    expect(() => PlanetScaleAuditClient.fromEnv({}, { ...env, ...variables })).toThrow(message);
    expect(() => PlanetScaleAuditClient.fromEnv({}, { ...env, ...variables })).not.toThrow(
      /baseUrl|serviceToken|organization:/,
    );
  });

  test.each([
    [{}, /set PLANETSCALE_ORG/],
    [{ PLANETSCALE_ORG: 'acme' }, /set PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN/],
    [{ PLANETSCALE_ORG: 'acme', PLANETSCALE_SERVICE_TOKEN_ID: 'envid' }, /set PLANETSCALE_SERVICE_TOKEN to the token/i],
    [
      { PLANETSCALE_ORG: 'acme', PLANETSCALE_SERVICE_TOKEN: 'token' },
      /set PLANETSCALE_SERVICE_TOKEN_ID to the token's id/i,
    ],
  ])('names the variable that is missing from %j', (variables, message) => {
    expect(() => PlanetScaleAuditClient.fromEnv({}, variables)).toThrow(message);
  });
});
