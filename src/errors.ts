/** One problem of a value from PlanetScale. */
export interface AuditIssue {
  /** The dotted path from the event or the response to the value, `''` for the event or the response itself. */
  readonly path: string;
  /** The expectation that the value does not meet. */
  readonly message: string;
}

/** An event that cannot be read, because it lacks `id`, `audit_action` or `created_at`. */
export interface InvalidAuditEvent {
  /** The event's id, if it has one. */
  readonly id: string | undefined;
  /** The event's JSON exactly as PlanetScale sent it. In an error, tokens in it are redacted. */
  readonly rawJson: string;
  /** The problems of the event, at least one. */
  readonly issues: readonly AuditIssue[];
}

/** The same symbol in every copy of this package. */
const brand = Symbol.for('planetscale-audit.error');

/**
 * The base class of all errors that this library throws. No error holds a token, a header or a request of a client, at any depth.
 * Only a {@link CursorStoreError} has a `cause`, which is the error of your store.
 *
 * @example
 * ```ts
 * import { PlanetScaleAuditClient, PlanetScaleAuditError } from 'planetscale-audit';
 *
 * try {
 *   await PlanetScaleAuditClient.fromEnv().page();
 * } catch (error) {
 *   if (error instanceof PlanetScaleAuditError) console.error(error.name, error.message, error.retryable);
 *   else throw error;
 * }
 * ```
 */
export abstract class PlanetScaleAuditError extends Error {
  /** Whether the same call may succeed later without a change. */
  abstract readonly retryable: boolean;

  static {
    Object.defineProperty(PlanetScaleAuditError.prototype, brand, { value: true });
  }

  /** Holds for errors of another copy of this package too, such as the one that a dependency brings along. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: each class inherits this method, and `this` is that class.
    return isInstance(this, value);
  }
}

const isInstance = (errorClass: object, value: unknown): boolean => {
  if (Function.prototype[Symbol.hasInstance].call(errorClass, value)) return true;
  if (typeof value !== 'object' || value === null || !(brand in value)) return false;
  if (errorClass === PlanetScaleAuditError) return true;
  return Object.hasOwn(errorClass, 'errorName') && Reflect.get(errorClass, 'errorName') === Reflect.get(value, 'name');
};

/** Returns whether a later attempt may succeed. Other statuses do not change when the same request is sent again. */
const isRetryableStatus = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/** PlanetScale's API, or a webhook, answered with a status of 400 or more. */
export class AuditApiError extends PlanetScaleAuditError {
  /** @internal */
  protected static readonly errorName = 'AuditApiError';
  /** Identifies the class, even across copies of the package. */
  override readonly name = 'AuditApiError' as const;
  /** True for 408, 429 and 5xx. */
  readonly retryable: boolean;
  /** The HTTP status of the response. */
  readonly status: number;
  /** The server's own code, such as `not_found`. PlanetScale may add codes. */
  readonly code: string | undefined;
  /** The wait that the server asked for in `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The body was HTML or other text: a proxy or a firewall answered, and not PlanetScale. */
  readonly fromIntermediary: boolean;

  /** Makes an error, for a wrapper or a test. The status decides `retryable`. */
  constructor(
    message: string,
    details: {
      readonly status: number;
      readonly code?: string | undefined;
      readonly retryAfterMs?: number | undefined;
      readonly fromIntermediary?: boolean | undefined;
    },
  ) {
    super(message);
    this.status = details.status;
    this.code = details.code;
    this.retryAfterMs = Number.isNaN(details.retryAfterMs) ? undefined : details.retryAfterMs; // A timer of NaN ms would not wait.
    this.fromIntermediary = details.fromIntermediary ?? false;
    this.retryable = isRetryableStatus(details.status);
  }
}

/** No complete response arrived: the connection failed, the request timed out, the body broke off, or there was a redirect. */
export class AuditConnectionError extends PlanetScaleAuditError {
  /** @internal */
  protected static readonly errorName = 'AuditConnectionError';
  /** Identifies the class, even across copies of the package. */
  override readonly name = 'AuditConnectionError' as const;
  /** False for a redirect, and for a failure that a retry cannot cure: a refused permission, a port that `fetch` blocks, a mistake in the program. */
  readonly retryable: boolean;

  /** Makes an error, for a wrapper or a test. It is retryable unless the details say otherwise. */
  constructor(message: string, details: { readonly retryable?: boolean | undefined } = {}) {
    super(message);
    this.retryable = details.retryable ?? true;
  }
}

/** A complete response arrived that does not keep the API's promises. */
export class AuditResponseError extends PlanetScaleAuditError {
  /** @internal */
  protected static readonly errorName = 'AuditResponseError';
  /** Identifies the class, even across copies of the package. */
  override readonly name = 'AuditResponseError' as const;
  /** True if the body was not JSON, if a cache gave an old response, or if the list changed during a poller's scan. */
  readonly retryable: boolean;
  /** The problems of the response or of its events, at most 20. */
  readonly issues: readonly AuditIssue[];
  /** The events that cannot be read, with their raw JSON. */
  readonly invalidEvents: readonly InvalidAuditEvent[];

  /** Makes an error, for a wrapper or a test. It is not retryable unless the details say otherwise. */
  constructor(
    message: string,
    details: {
      readonly retryable?: boolean | undefined;
      readonly issues?: readonly AuditIssue[] | undefined;
      readonly invalidEvents?: readonly InvalidAuditEvent[] | undefined;
    } = {},
  ) {
    super(message);
    this.retryable = details.retryable ?? false;
    this.issues = details.issues ?? [];
    this.invalidEvents = details.invalidEvents ?? [];
  }
}

/** The cursor store failed, lost the saved cursor, or holds a value that this library did not write. */
export class CursorStoreError extends PlanetScaleAuditError {
  /** @internal */
  protected static readonly errorName = 'CursorStoreError';
  /** Identifies the class, even across copies of the package. */
  override readonly name = 'CursorStoreError' as const;
  /** Whether the store may recover by itself. False if its content is lost or corrupt. */
  readonly retryable: boolean;
  /** The key of the cursor in the store. */
  readonly key: string;

  /** Makes an error, for a store of your own. It is not retryable unless the details say otherwise. */
  constructor(
    message: string,
    details: { readonly key: string; readonly retryable?: boolean | undefined; readonly cause?: unknown },
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.retryable = details.retryable ?? false;
    this.key = details.key;
  }
}

/** Another poller moved the cursor of this poller. The other poller continues, and this one has stopped. */
export class CursorConflictError extends PlanetScaleAuditError {
  /** @internal */
  protected static readonly errorName = 'CursorConflictError';
  /** Identifies the class, even across copies of the package. */
  override readonly name = 'CursorConflictError' as const;
  /** Always false, because a retry would meet the same conflict. */
  readonly retryable = false as const;
  /** The key of the cursor in the store. */
  readonly key: string;

  /** Makes an error, for a wrapper or a test. */
  constructor(message: string, details: { readonly key: string }) {
    super(message);
    this.key = details.key;
  }
}

/**
 * The caller has to change something. For example, an option is missing or invalid, a key belongs to other events, or a second
 * iteration began. The message says what to change, and shows no credential.
 */
export class AuditConfigError extends PlanetScaleAuditError {
  /** @internal */
  protected static readonly errorName = 'AuditConfigError';
  /** Identifies the class, even across copies of the package. */
  override readonly name = 'AuditConfigError' as const;
  /** Always false, because the same call would fail again. */
  readonly retryable = false as const;

  /** Makes an error with a message and, unlike `Error`, without a cause. */
  constructor(message: string) {
    super(message);
  }
}

/** What to do about an error. */
export type ErrorClass =
  | {
      /** Try again, later and later. */
      readonly kind: 'transient';
      /** The wait that the server asked for, in milliseconds. */
      readonly retryAfterMs: number | undefined;
    }
  | {
      /**
       * - `conflict`: another poller moved the cursor. Leave the work to it.
       * - `access`: PlanetScale refuses the credentials. Stop until somebody has changed them.
       * - `configuration`: the program or its surroundings are wrong. Stop until somebody has changed them.
       * - `corrupt-state`: the cursor is lost or damaged. Stop until somebody has decided where to start.
       * - `unexpected`: anything else. Try again if you like, and look at the message.
       */
      readonly kind: 'conflict' | 'access' | 'configuration' | 'corrupt-state' | 'unexpected';
    };

const refusedStatuses: readonly number[] = [401, 403, 404];

/**
 * Says what a job queue should do about an error of a client or a poller. It knows the errors of another copy of this package too.
 *
 * @example
 * ```ts
 * import { classifyError, PlanetScaleAuditClient } from 'planetscale-audit';
 *
 * try {
 *   await PlanetScaleAuditClient.fromEnv().page();
 * } catch (error) {
 *   if (classifyError(error).kind !== 'transient') throw error;
 *   console.log('PlanetScale is away. The next run tries again.');
 * }
 * ```
 */
export function classifyError(error: unknown): ErrorClass {
  if (error instanceof AuditApiError) return classifyApiError(error);
  if (error instanceof PlanetScaleAuditError && error.retryable) return transient;
  if (error instanceof CursorConflictError) return { kind: 'conflict' };
  // The database gave the cause of such an error: a wrong password, a missing table or a missing right.
  if (error instanceof CursorStoreError && error.cause !== undefined) return { kind: 'configuration' };
  if (error instanceof CursorStoreError) return { kind: 'corrupt-state' };
  // A connection that no retry can cure: a redirect, a refused permission, or a mistake in the program.
  if (error instanceof AuditConfigError || error instanceof AuditConnectionError) return { kind: 'configuration' };
  return { kind: 'unexpected' };
}

const transient: ErrorClass = { kind: 'transient', retryAfterMs: undefined };

const classifyApiError = ({ status, retryable, retryAfterMs, fromIntermediary }: AuditApiError): ErrorClass => {
  if (retryable) return { kind: 'transient', retryAfterMs };
  if (!refusedStatuses.includes(status)) return { kind: 'unexpected' };
  return fromIntermediary ? transient : { kind: 'access' }; // A proxy that refuses one answer may let the next one pass.
};
