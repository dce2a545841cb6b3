/** One thing that was wrong with a value: where it was, and what was expected there. */
export interface AuditIssue {
  /** Dotted path from the event or the answer, `''` for the value itself. */
  readonly path: string;
  readonly message: string;
}

/** An event that has lost `id`, `audit_action` or `created_at`. */
export interface InvalidAuditEvent {
  /** Its id, where that much is left of it. */
  readonly id: string | undefined;
  /** The event's JSON as it stood in the answer. */
  readonly rawJson: string;
  readonly issues: readonly AuditIssue[];
}

/**
 * The base of every error that this library throws. No error holds a token, a header or a request, at any depth.
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
  /** Whether the same call may succeed later, unchanged. */
  abstract readonly retryable: boolean;
}

/** Statuses that say "not now" and not "no". */
const isRetryableStatus = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/** The API, or a webhook, answered with a status of 400 or more. */
export class AuditApiError extends PlanetScaleAuditError {
  override readonly name = 'AuditApiError' as const;
  /** True for 408, 429 and 5xx. */
  readonly retryable: boolean;
  readonly status: number;
  /** The server's own code, such as PlanetScale's `not_found`: an open set. */
  readonly code: string | undefined;
  /** How long the server asked to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    details: {
      readonly status: number;
      readonly code?: string | undefined;
      readonly retryAfterMs?: number | undefined;
    },
  ) {
    super(message);
    this.status = details.status;
    this.code = details.code;
    this.retryAfterMs = Number.isNaN(details.retryAfterMs) ? undefined : details.retryAfterMs; // No wait at all, else.
    this.retryable = isRetryableStatus(details.status);
  }
}

/** No whole answer arrived: no connection, a reset, a timeout, a body cut short; or a redirect, which is refused. */
export class AuditConnectionError extends PlanetScaleAuditError {
  override readonly name = 'AuditConnectionError' as const;
  /** False for a redirect alone. */
  readonly retryable: boolean;

  constructor(message: string, details: { readonly retryable?: boolean | undefined } = {}) {
    super(message);
    this.retryable = details.retryable ?? true;
  }
}

/** A whole answer arrived, and it is not what the API promises. */
export class AuditResponseError extends PlanetScaleAuditError {
  override readonly name = 'AuditResponseError' as const;
  /** True where the body was not JSON at all, as when a proxy answers with a page of its own. */
  readonly retryable: boolean;
  readonly issues: readonly AuditIssue[];
  /** The events that could not be read, with their raw JSON: nothing of them is lost. */
  readonly invalidEvents: readonly InvalidAuditEvent[];

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

/** The cursor store failed, has lost what was saved, or holds something that this library did not write. */
export class CursorStoreError extends PlanetScaleAuditError {
  override readonly name = 'CursorStoreError' as const;
  readonly retryable: boolean;
  readonly key: string;

  constructor(
    message: string,
    details: { readonly key: string; readonly retryable?: boolean | undefined; readonly cause?: unknown },
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.retryable = details.retryable ?? false;
    this.key = details.key;
  }
}

/** Another poller moved this cursor: it goes on, this one has stopped. */
export class CursorConflictError extends PlanetScaleAuditError {
  override readonly name = 'CursorConflictError' as const;
  readonly retryable = false as const;
  readonly key: string;

  constructor(message: string, details: { readonly key: string }) {
    super(message);
    this.key = details.key;
  }
}

/** An option is missing or wrong. The message says which, and what to do. */
export class AuditConfigError extends PlanetScaleAuditError {
  override readonly name = 'AuditConfigError' as const;
  readonly retryable = false as const;

  /** Narrower than Error's own: there is always a message, and never a cause. */
  constructor(message: string) {
    super(message);
  }
}
