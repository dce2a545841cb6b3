import { AuditConfigError } from '../errors.ts';
import type { PlanetScaleAuditClientOptions } from './options.ts';

/** Returns the overrides together with the options of the environment. */
export function optionsFromEnv(
  overrides: Partial<PlanetScaleAuditClientOptions>,
  env: Readonly<Record<string, string | undefined>>,
): PlanetScaleAuditClientOptions {
  // An empty variable counts as missing, because shells and CI clear a variable with an empty value.
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

/**
 * Returns whether the caller gave credentials. An empty credential counts, because the client must refuse it and not fall back on
 * credentials that the caller did not mean.
 */
const hasExplicitCredentials = ({
  serviceToken,
  serviceTokenId,
  accessToken,
}: Partial<PlanetScaleAuditClientOptions>): boolean =>
  [serviceToken, serviceTokenId, accessToken].some((credential) => credential !== undefined);

/** Returns the base URL with a path. PlanetScale's own tools expect only the host, `https://api.planetscale.com`. */
const baseUrlFromEnv = (value: string | undefined): string | undefined => {
  const url = value === undefined ? null : URL.parse(value);
  if (url?.pathname !== '/') return value;
  url.pathname = '/v1'; // A query or a fragment stays, so that the client refuses it.
  return url.href;
};
