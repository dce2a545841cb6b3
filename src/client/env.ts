import { AuditConfigError } from '../errors.ts';
import type { PlanetScaleAuditClientOptions } from './options.ts';

/** Adds the options of the environment to the overrides. */
export function optionsFromEnv(
  overrides: Partial<PlanetScaleAuditClientOptions>,
  env: Readonly<Record<string, string | undefined>>,
): PlanetScaleAuditClientOptions {
  // An empty variable counts as missing, since shells and CI clear a variable by an empty value.
  const read = (name: string): string | undefined => env[name] || undefined;
  const organization = overrides.organization ?? read('PLANETSCALE_ORG') ?? read('PLANETSCALE_ORGANIZATION');
  if (organization === undefined) {
    throw new AuditConfigError(
      'PlanetScaleAuditClient.fromEnv found no organization. To name it, set PLANETSCALE_ORG.',
    );
  }
  const options = {
    ...overrides,
    organization,
    baseUrl: overrides.baseUrl ?? baseUrlFromEnv(read('PLANETSCALE_API_URL')),
  };
  if (hasExplicitCredentials(overrides)) return options;

  const serviceTokenId = read('PLANETSCALE_SERVICE_TOKEN_ID');
  const serviceToken = read('PLANETSCALE_SERVICE_TOKEN');
  if (serviceToken ?? serviceTokenId) return { ...options, serviceTokenId, serviceToken };
  const accessToken = read('PLANETSCALE_API_TOKEN');
  if (accessToken) return { ...options, accessToken };
  throw new AuditConfigError(
    'PlanetScaleAuditClient.fromEnv found no credentials. To give some, set PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN, or PLANETSCALE_API_TOKEN.',
  );
}

/** An empty credential counts: it is an error, and must not fall back on credentials that the caller did not mean. */
const hasExplicitCredentials = ({
  serviceToken,
  serviceTokenId,
  accessToken,
}: Partial<PlanetScaleAuditClientOptions>): boolean =>
  [serviceToken, serviceTokenId, accessToken].some((credential) => credential !== undefined);

/** PlanetScale's own tools expect the host alone, `https://api.planetscale.com`. */
const baseUrlFromEnv = (value: string | undefined): string | undefined => {
  const url = value === undefined ? null : URL.parse(value);
  if (url?.pathname !== '/') return value;
  url.pathname = '/v1'; // A query or a fragment stays, so that the client refuses it.
  return url.href;
};
