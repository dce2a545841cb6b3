import type { Promisable } from 'type-fest';
import * as z from 'zod';
import { AuditConfigError, type InvalidAuditEvent } from '../errors.ts';
import {
  credentialSchema,
  functionSchema,
  parseOptions,
  secureUrlSchema,
  wholeNumberSchema,
} from '../internal/option-schemas.ts';
import { maxTimerMs } from '../internal/sleep.ts';

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

const baseUrlSchema = secureUrlSchema('must be an absolute URL, such as https://api.planetscale.com/v1', ({ href }) =>
  /[?#]/.test(href) ? 'must end with its path: remove what follows ? or #' : '',
).transform(({ href }) => href.replace(/\/+$/, ''));

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
  baseUrl: baseUrlSchema.default('https://api.planetscale.com/v1'),
  timeoutMs: wholeNumberSchema(1, maxTimerMs).default(10_000),
  retries: wholeNumberSchema(0, 1000).default(4),
  requestsPerMinute: wholeNumberSchema(1, 1_000_000_000).default(600),
  maxResponseBytes: wholeNumberSchema(1, Number.MAX_SAFE_INTEGER).default(32 * 1024 * 1024),
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
