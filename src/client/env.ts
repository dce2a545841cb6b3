import { AuditConfigError } from '../errors.ts';
import { type PlanetScaleAuditClientOptions, parseClientOptions } from './options.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** An option whose value is in an environment variable. */
interface Variable {
  readonly option: keyof PlanetScaleAuditClientOptions;
  readonly name: string;
  readonly value: string;
}

const owner = 'PlanetScaleAuditClient.fromEnv';

/**
 * Returns the overrides together with the options of the environment.
 *
 * @throws AuditConfigError that names the variable with the mistake
 */
export function optionsFromEnv(
  overrides: Partial<PlanetScaleAuditClientOptions>,
  env: Env,
): PlanetScaleAuditClientOptions {
  const fromEnv = overrides.organization === undefined ? organizationFromEnv(env) : [];
  const organization = overrides.organization ?? fromEnv[0]?.value;
  if (organization === undefined) {
    throw new AuditConfigError(`${owner} found no organization. To name it, set PLANETSCALE_ORG.`);
  }
  const variables = [
    ...fromEnv,
    ...(overrides.baseUrl === undefined ? baseUrlFromEnv(env) : []),
    ...(hasExplicitCredentials(overrides) ? [] : credentialsFromEnv(env)),
  ];
  const values = Object.fromEntries(variables.map(({ option, value }) => [option, value]));
  const options = { ...overrides, ...values, organization };
  // The constructor would name the option, and not the variable.
  parseClientOptions(options, owner, Object.fromEntries(variables.map(({ option, name }) => [option, name])));
  return options;
}

/** Gives the first of the variables that is set. An empty one counts as missing, since shells and CI clear a variable so. */
const firstSet = (env: Env, option: Variable['option'], ...names: readonly string[]): Variable[] =>
  names.flatMap((name) => (env[name] ? [{ option, name, value: env[name] }] : [])).slice(0, 1);

const organizationFromEnv = (env: Env): Variable[] =>
  firstSet(env, 'organization', 'PLANETSCALE_ORG', 'PLANETSCALE_ORGANIZATION');

const credentialsFromEnv = (env: Env): Variable[] => {
  const [id] = firstSet(env, 'serviceTokenId', 'PLANETSCALE_SERVICE_TOKEN_ID');
  const [token] = firstSet(env, 'serviceToken', 'PLANETSCALE_SERVICE_TOKEN');
  if (id && !token) {
    throw new AuditConfigError(
      `${owner} found PLANETSCALE_SERVICE_TOKEN_ID without PLANETSCALE_SERVICE_TOKEN. Set PLANETSCALE_SERVICE_TOKEN to the token.`,
    );
  }
  if (token && !id && !token.value.includes(':')) {
    throw new AuditConfigError(
      `${owner} found PLANETSCALE_SERVICE_TOKEN without PLANETSCALE_SERVICE_TOKEN_ID. Set PLANETSCALE_SERVICE_TOKEN_ID to the token's id.`,
    );
  }
  if (token) return id ? [id, token] : [token];
  const accessToken = firstSet(env, 'accessToken', 'PLANETSCALE_API_TOKEN');
  if (accessToken.length > 0) return accessToken;
  throw new AuditConfigError(
    `${owner} found no credentials. To give some, set PLANETSCALE_SERVICE_TOKEN_ID and PLANETSCALE_SERVICE_TOKEN, or PLANETSCALE_API_TOKEN.`,
  );
};

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
const baseUrlFromEnv = (env: Env): Variable[] =>
  firstSet(env, 'baseUrl', 'PLANETSCALE_API_URL').map((variable) => ({ ...variable, value: withPath(variable.value) }));

const withPath = (value: string): string => {
  const url = URL.parse(value);
  if (url?.pathname !== '/') return value;
  url.pathname = '/v1'; // A query or a fragment stays, so that the client refuses it.
  return url.href;
};
