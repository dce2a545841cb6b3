import type { Promisable } from 'type-fest';
import * as z from 'zod';
import { AuditConfigError, type InvalidAuditEvent } from '../errors.ts';
import { parseOptions } from '../internal/checked.ts';
import { credentialSchema, functionSchema, insecureUrlReason } from '../internal/option-schemas.ts';

/**
 * What happens to an event that has lost `id`, `audit_action` or `created_at`. `'throw'` loses nothing: the
 * {@link AuditResponseError} carries the event's raw JSON, and a poller stops in front of it. A function receives each such
 * event at least once, and the others of the page go on; a client calls it once for the same JSON, so that a poller, which
 * reads the newest page again and again, does not repeat itself. A `created_at` that is no date is kept as it is.
 *
 * @default 'throw'
 */
export type InvalidEventPolicy = 'throw' | ((invalid: InvalidAuditEvent) => Promisable<void>);

/** One organization, the credentials to read it with, and how. */
export interface PlanetScaleAuditClientOptions {
  /** The organization's name, as in its URL: `acme`. */
  readonly organization: string;
  /** The service token's id. It may also stand in front of {@link serviceToken}, with a colon between. */
  readonly serviceTokenId?: string | undefined;
  /** The service token, `pscale_tkn_…`: PlanetScale shows it once. It needs the permission `read_audit_logs`. */
  readonly serviceToken?: string | undefined;
  /** A login or OAuth token, sent as `Authorization: Bearer …`, instead of a service token. */
  readonly accessToken?: string | undefined;
  /**
   * Where the API is. `http:` only on loopback: the credentials would be readable on the way.
   *
   * @default 'https://api.planetscale.com/v1'
   */
  readonly baseUrl?: string | URL | undefined;
  /**
   * How long one attempt may take, body included, in milliseconds.
   *
   * @default 10_000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How many attempts may follow the first, for each page: after a lost connection, a timeout, 408, 429 and 5xx. A `Retry-After`
   * of up to a minute is waited for, by all that the client does; a longer one is an {@link AuditApiError} that carries it.
   *
   * @default 4
   */
  readonly retries?: number | undefined;
  /**
   * The most requests that start in any 60 seconds, over all that the client does. An export sends as many as fast as the answers
   * come, and then waits until the first of them is a minute old. A limit that is shared is to be divided: clients do not know
   * of each other, and PlanetScale does not say whether it counts by token or by organization.
   *
   * @default 600, PlanetScale's documented limit: https://planetscale.com/docs/api/reference/getting-started-with-planetscale-api
   */
  readonly requestsPerMinute?: number | undefined;
  /**
   * The largest answer that is read, in bytes, after decompression.
   *
   * @default 33_554_432 (32 MiB)
   */
  readonly maxResponseBytes?: number | undefined;
  readonly onInvalidEvent?: InvalidEventPolicy | undefined;
  /**
   * What sends the requests.
   *
   * @default globalThis.fetch
   */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

const maxTimerMs = 2 ** 31 - 1;

const wholeNumber = (least: number, most: number) => {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.int(message).min(least, message).max(most, message);
};

const baseUrl = z.union([z.string(), z.instanceof(URL)]).transform((value, context) => {
  const url = URL.parse(String(value));
  const problem = baseUrlProblem(url);
  if (!url || problem) {
    context.addIssue({ code: 'custom', message: problem });
    return z.NEVER;
  }
  return url.href.replace(/\/+$/, '');
});

const baseUrlProblem = (url: URL | null): string => {
  if (!url) return 'must be an absolute URL, such as https://api.planetscale.com/v1';
  if (/[?#]/.test(url.href)) return 'must end with its path: remove what follows ? or #';
  return insecureUrlReason(url);
};

const optionsSchema = z.object({
  organization: z
    .string()
    .min(1, 'must not be empty: it is the name in https://app.planetscale.com/<organization>')
    .regex(
      /^(?!\.+$)[^/\\?#%\s\p{Cc}\p{Cs}]*$/u,
      'must be the bare name of the organization, without / or .. or white space',
    ),
  serviceTokenId: credentialSchema.optional(),
  serviceToken: credentialSchema.optional(),
  accessToken: credentialSchema.optional(),
  baseUrl: baseUrl.default('https://api.planetscale.com/v1'),
  timeoutMs: wholeNumber(1, maxTimerMs).default(10_000),
  retries: wholeNumber(0, 1000).default(4),
  requestsPerMinute: wholeNumber(1, 1_000_000_000).default(600),
  maxResponseBytes: wholeNumber(1, Number.MAX_SAFE_INTEGER).default(32 * 1024 * 1024),
  onInvalidEvent: z
    .union([z.literal('throw'), functionSchema<Exclude<InvalidEventPolicy, 'throw'>>()])
    .default('throw'),
  fetch: functionSchema<typeof globalThis.fetch>().optional(),
});

/** The Authorization header, and what of it is secret. */
export interface Credentials {
  readonly authorization: string;
  readonly secrets: readonly string[];
}

export type ParsedClientOptions = Omit<
  z.output<typeof optionsSchema>,
  'serviceTokenId' | 'serviceToken' | 'accessToken'
> &
  Credentials;

/** @throws AuditConfigError */
export function parseClientOptions(options: PlanetScaleAuditClientOptions): ParsedClientOptions {
  const { serviceTokenId, serviceToken, accessToken, ...rest } = parseOptions(
    optionsSchema,
    options,
    'PlanetScaleAuditClient',
  );
  return { ...rest, ...checkCredentials({ serviceTokenId, serviceToken, accessToken }) };
}

type CredentialOptions = Pick<PlanetScaleAuditClientOptions, 'serviceTokenId' | 'serviceToken' | 'accessToken'>;

const checkCredentials = ({ serviceTokenId, serviceToken, accessToken }: CredentialOptions): Credentials => {
  if (accessToken !== undefined) {
    if (serviceToken !== undefined || serviceTokenId !== undefined) {
      throw new AuditConfigError(
        'PlanetScaleAuditClient: give either accessToken or serviceTokenId with serviceToken, not both.',
      );
    }
    if (accessToken.includes(':')) {
      throw new AuditConfigError(
        'PlanetScaleAuditClient: accessToken holds a colon: an `id:token` pair is a serviceToken.',
      );
    }
    return { authorization: `Bearer ${accessToken}`, secrets: [accessToken] };
  }
  if (serviceToken === undefined) {
    throw new AuditConfigError(
      `PlanetScaleAuditClient: ${serviceTokenId === undefined ? 'no credentials' : 'serviceTokenId without its serviceToken'}: give serviceTokenId and serviceToken, or accessToken.`,
    );
  }
  const [id, token, ...more] = serviceTokenId === undefined ? serviceToken.split(':') : [serviceTokenId, serviceToken];
  if (!id || !token || more.length > 0 || id.includes(':') || token.includes(':')) {
    throw new AuditConfigError(
      'PlanetScaleAuditClient: give serviceTokenId and serviceToken, neither with a colon, or `id:token` as serviceToken alone.',
    );
  }
  return { authorization: `${id}:${token}`, secrets: [token] };
};

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
