import * as z from 'zod/mini';
import { AuditConfigError, type InvalidAuditEvent } from '../errors.ts';
import { type RateLimiter, requestsPerMinuteSchema, SlidingWindow } from '../http/rate-limiter.ts';
import { hasMethod } from '../internal/has-method.ts';
import {
  credentialSchema,
  filledInSchema,
  functionSchema,
  type OptionNames,
  parseOptions,
  secureUrlSchema,
  wholeNumberSchema,
} from '../internal/option-schemas.ts';
import { maxTimerMs } from '../internal/sleep.ts';
import type { Promisable } from '../internal/types.ts';
import { accessTokenSchema, type Credentials, parseCredentials, serviceTokenIdSchema } from './credentials.ts';

/**
 * Decides what a client does with an event that lacks `id`, `audit_action` or `created_at`.
 *
 * - `'throw'`: the request rejects with an {@link AuditResponseError} that carries the event's raw JSON. A poller stops before
 *   the event, so nothing is lost.
 * - A function: the client calls the function with each such event, and gives the other events of the page. A poller reads the
 *   newest page again and again, so the client does not repeat a call for the same JSON, unless the function threw or 10,000 other
 *   invalid events followed. A new client reports the event again.
 *
 * An event whose `created_at` is not a date is valid.
 */
export type InvalidEventPolicy = 'throw' | ((invalid: InvalidAuditEvent) => Promisable<void>);

/** The options of a {@link PlanetScaleAuditClient}: an organization, credentials for it, and limits of the requests. */
export interface PlanetScaleAuditClientOptions {
  /** The organization's name, as in its URL, such as `acme`. */
  readonly organization: string;
  /** The service token's id. Leave it out if {@link serviceToken} is an `id:token` pair. */
  readonly serviceTokenId?: string | undefined;
  /** The service token, `pscale_tkn_…`, with the permission `read_audit_logs`. PlanetScale shows a token only once. */
  readonly serviceToken?: string | undefined;
  /** A login or OAuth token instead of a service token, sent as `Authorization: Bearer …`. */
  readonly accessToken?: string | undefined;
  /**
   * The URL of the API. `http:` is allowed only on loopback, because others on the network could read the credentials.
   *
   * @default 'https://api.planetscale.com/v1'
   */
  readonly baseUrl?: string | URL | undefined;
  /**
   * The timeout of one attempt in milliseconds, body included.
   *
   * @default 10_000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * The number of attempts after the first, for each page. The client retries after a lost connection, a timeout, 408, 429 and
   * 5xx. A `Retry-After` of up to a minute delays all requests of the client. After a longer one the promise rejects at once, with
   * an {@link AuditApiError} that carries the wait.
   *
   * @default 4
   */
  readonly retries?: number | undefined;
  /**
   * The maximum number of requests that start in any 60 seconds, retries and all methods of the client included. An export starts
   * that many requests without a wait, and then continues as the first of them turn a minute old. Clients do not know of each
   * other: divide the limit between them, or share a {@link rateLimiter}. PlanetScale does not say whether it counts by token or by
   * organization.
   *
   * Source: https://planetscale.com/docs/api/reference/getting-started-with-planetscale-api
   *
   * @default 600
   */
  readonly requestsPerMinute?: number | undefined;
  /**
   * Decides when the requests may start, in place of `requestsPerMinute`. Share one between clients by {@link createRateLimiter}, or
   * between processes by an object of your own. If it fails, the request rejects with a retryable {@link AuditConnectionError}.
   */
  readonly rateLimiter?: RateLimiter | undefined;
  /**
   * The maximum size of a response in bytes, after decompression.
   *
   * @default 33_554_432 (32 MiB)
   */
  readonly maxResponseBytes?: number | undefined;
  /**
   * Decides what the client does with an event that lacks `id`, `audit_action` or `created_at`.
   *
   * @default 'throw'
   */
  readonly onInvalidEvent?: InvalidEventPolicy | undefined;
  /**
   * The function that sends the requests, for a proxy or a test. The client calls it with the URL as text, and with the method,
   * the headers as a plain object, a signal, `redirect: 'manual'` and `cache: 'no-store'`. The `fetch` of undici and of node-fetch
   * fit as they are. An answer that a cache has kept for more than a minute is an {@link AuditResponseError}.
   *
   * @default globalThis.fetch
   */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

const baseUrlSchema = /* @__PURE__ */ (() =>
  z.pipe(
    secureUrlSchema('must be an absolute URL, such as https://api.planetscale.com/v1', ({ href }) =>
      /[?#]/.test(href) ? 'must end with its path (remove the query and the fragment)' : '',
    ),
    z.transform(({ href }) => href.replace(/(?<!\/)\/+$/, '')),
  ))();

/** The name is a part of every error message. PlanetScale publishes no limit. */
const maxOrganizationLength = 200;

const optionsSchema = /* @__PURE__ */ (() =>
  z.strictObject({
    organization: filledInSchema.check(
      z.minLength(1, 'must not be empty (give the name in https://app.planetscale.com/<organization>)'),
      z.maxLength(maxOrganizationLength, `must have at most ${maxOrganizationLength} characters`),
      z.regex(
        /^(?!\.+$)[^/\\?#%\s\p{Cc}\p{Cs}]*$/u,
        'must be the bare name of the organization, without / or .. or white space',
      ),
    ),
    serviceTokenId: z.optional(serviceTokenIdSchema),
    serviceToken: z.optional(credentialSchema),
    accessToken: z.optional(accessTokenSchema),
    baseUrl: z._default(baseUrlSchema, 'https://api.planetscale.com/v1'),
    timeoutMs: z._default(wholeNumberSchema(1, maxTimerMs), 10_000),
    retries: z._default(wholeNumberSchema(0, 1000), 4),
    requestsPerMinute: z.optional(requestsPerMinuteSchema),
    rateLimiter: z.optional(
      z.custom<RateLimiter>((value) => hasMethod(value, 'acquire'), 'must have the method acquire'),
    ),
    maxResponseBytes: z._default(wholeNumberSchema(1, Number.MAX_SAFE_INTEGER), 32 * 1024 * 1024),
    onInvalidEvent: z._default(
      z.union([z.literal('throw'), functionSchema<Exclude<InvalidEventPolicy, 'throw'>>()]),
      'throw',
    ),
    fetch: z.optional(functionSchema<typeof globalThis.fetch>()),
  }))();

/** PlanetScale's limit: https://planetscale.com/docs/api/reference/getting-started-with-planetscale-api */
const defaultRequestsPerMinute = 600;

export type ParsedClientOptions = Omit<
  z.output<typeof optionsSchema>,
  'serviceTokenId' | 'serviceToken' | 'accessToken' | 'requestsPerMinute' | 'rateLimiter'
> &
  Credentials & { readonly rateLimiter: RateLimiter };

/**
 * Returns the options with defaults, and the credentials as the header to send.
 *
 * @param names the names under which the caller gave the options, if other than those of the options
 * @throws AuditConfigError
 */
export function parseClientOptions(
  options: PlanetScaleAuditClientOptions,
  owner = 'PlanetScaleAuditClient',
  names: OptionNames = {},
): ParsedClientOptions {
  const { serviceTokenId, serviceToken, accessToken, requestsPerMinute, rateLimiter, ...rest } = parseOptions(
    optionsSchema,
    options,
    owner,
    names,
  );
  if (rateLimiter && requestsPerMinute !== undefined) {
    throw new AuditConfigError(`${owner} got both requestsPerMinute and rateLimiter. Give one of them.`);
  }
  return {
    ...rest,
    ...parseCredentials({ serviceTokenId, serviceToken, accessToken }, owner, names),
    rateLimiter: rateLimiter ?? new SlidingWindow(requestsPerMinute ?? defaultRequestsPerMinute),
  };
}
