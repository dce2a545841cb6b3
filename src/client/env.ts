import { AuditConfigError } from '../errors.ts';
import type { PlanetScaleAuditClientOptions } from './options.ts';

/** The options that the environment holds. */
export function optionsFromEnv(
  overrides: Partial<PlanetScaleAuditClientOptions>,
  env: Readonly<Record<string, string | undefined>>,
): PlanetScaleAuditClientOptions {
  // A variable that is set to nothing counts as one that is not set: that is how shells and CI clear them.
  const read = (name: string): string | undefined => env[name] || undefined;
  const organization = overrides.organization ?? read('PLANETSCALE_ORG') ?? read('PLANETSCALE_ORGANIZATION');
  if (organization === undefined) {
    throw new AuditConfigError('PlanetScaleAuditClient.fromEnv: set PLANETSCALE_ORG to the name of the organization.');
  }
  const options = {
    ...overrides,
    organization,
    baseUrl: overrides.baseUrl ?? baseUrlFromEnv(read('PLANETSCALE_API_URL')),
  };
  // An empty one is theirs too, and wrong: it must not fall back on credentials that nobody meant.
  const theirs = [overrides.serviceToken, overrides.serviceTokenId, overrides.accessToken];
  if (theirs.some((credential) => credential !== undefined)) return options;

  const serviceTokenId = read('PLANETSCALE_SERVICE_TOKEN_ID');
  const serviceToken = read('PLANETSCALE_SERVICE_TOKEN');
  if (serviceToken ?? serviceTokenId) return { ...options, serviceTokenId, serviceToken };
  const accessToken = read('PLANETSCALE_API_TOKEN');
  if (accessToken) return { ...options, accessToken };
  throw new AuditConfigError(
    'PlanetScaleAuditClient.fromEnv: set PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN, or PLANETSCALE_API_TOKEN.',
  );
}

/** PlanetScale's own tools take the host alone, `https://api.planetscale.com`. */
const baseUrlFromEnv = (value: string | undefined): string | undefined => {
  const url = value === undefined ? null : URL.parse(value);
  if (url?.pathname !== '/') return value;
  url.pathname = '/v1'; // Whatever else it has stays, to be refused.
  return url.href;
};
