import ky from 'ky';
import { AuditApiError, AuditConnectionError, PlanetScaleAuditError } from '../errors.ts';
import { followSignal, raceAbort } from '../internal/abort.ts';
import { fullJitterMs } from '../internal/backoff.ts';
import { apiError, maxQuoteLength } from './api-error.ts';
import { RateLimiter } from './rate-limiter.ts';
import { createRedactor, type Redact } from './redact.ts';
import { parseDateHeader } from './retry-after.ts';
import type { HttpService } from './service.ts';

/** A longer wait is left to the caller, who finds the wait in `retryAfterMs` of the error. */
const maxRetryAfterMs = 60_000;
const backoffLimits = { firstMs: 500, maxMs: 20_000 };

export interface HttpOptions {
  readonly service: HttpService;
  /** Text that must not appear in an error, even if the server echoes it. */
  readonly secrets: readonly string[];
  /** The timeout of one attempt, body included. */
  readonly timeoutMs: number;
  /** The number of attempts after the first. */
  readonly retries: number;
  /** Undefined means no limit. */
  readonly requestsPerMinute?: number | undefined;
  readonly maxResponseBytes: number;
  readonly fetch?: typeof globalThis.fetch | undefined;
}

export interface HttpRequest<Result> {
  /** Describes the request in error messages, so it must hold no secret. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Reads a response with a status below 300. An error of this function fails the attempt, and a retryable one is retried. */
  read(answer: HttpAnswer): Promise<Result>;
}

export interface HttpAnswer {
  /** Resolves to the complete body, or to undefined if the body is larger than `maxResponseBytes`. Call it once. */
  text(): Promise<string | undefined>;
  /** The server's clock, from the `Date` header. */
  readonly servedAt: Date | undefined;
}

/**
 * Sends requests to one service within a rate limit, with retries. Every failure becomes an error of this library. ky repeats the
 * attempts, and {@link HttpClient.#attempt} runs each of them. An attempt reads the body itself, so that the timeout, the size limit
 * and the retries cover the body. ky never sees an error status, because ky would put the request with its token into an error.
 */
export class HttpClient {
  readonly #options: HttpOptions;
  readonly #rateLimiter: RateLimiter;
  /** Removes the secrets from text that the service sent. */
  readonly redact: Redact;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#rateLimiter = new RateLimiter(options.requestsPerMinute ?? Number.POSITIVE_INFINITY);
    this.redact = createRedactor(options.secrets);
  }

  /**
   * Resolves to the result of `request.read`.
   *
   * @throws PlanetScaleAuditError, or the signal's reason after an abort
   */
  async send<Result>(request: HttpRequest<Result>, callerSignal: AbortSignal | undefined): Promise<Result> {
    callerSignal?.throwIfAborted();
    const { service, retries } = this.#options;
    const { signal, release } = followSignal(callerSignal);
    const acquire = () => this.#rateLimiter.acquire(signal);
    let outcome: AttemptOutcome<Result> | undefined;
    try {
      await ky(request.url, {
        method: request.method,
        headers: request.headers,
        ...(request.body !== undefined && { body: request.body }),
        redirect: 'manual', // With 'error', a redirect would look like a lost connection.
        signal,
        timeout: false, // Each attempt has a timeout of its own, which covers the body.
        fetch: async (input) => {
          outcome = await this.#attempt(input as Request, request, signal); // ky always passes a Request.
          return outcome.response;
        },
        hooks: { beforeRequest: [acquire], beforeRetry: [acquire] }, // The timeout does not cover this wait.
        retry: {
          limit: retries,
          methods: ['get', 'post'], // ky retries no POST unless it is listed.
          shouldRetry: ({ error }) => isRetryable(error) && retryAfterOf(error) <= maxRetryAfterMs,
          delay: (attempt) => fullJitterMs(backoffLimits, attempt),
        },
      });
      if (!outcome)
        throw new AuditConnectionError(
          `${service.name} gave no response to ${request.name}. Check the fetch function.`,
        );
      return outcome.value;
    } catch (error) {
      callerSignal?.throwIfAborted();
      throw this.#toAuditError(error, request.name); // An error of ky holds the Authorization header.
    } finally {
      release();
      outcome = undefined; // ky may hold the closures above, and must not keep a parsed page alive through them.
    }
  }

  /** Runs one attempt, body included. It ends after `timeoutMs` or an abort, even if `fetch` ignores its signal. */
  async #attempt<Result>(
    input: Request,
    { name, read }: HttpRequest<Result>,
    callerSignal: AbortSignal,
  ): Promise<AttemptOutcome<Result>> {
    const { service, timeoutMs, maxResponseBytes, fetch = globalThis.fetch } = this.#options;
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(timeoutError(service, name, timeoutMs)), timeoutMs);
    try {
      const signal = AbortSignal.any([callerSignal, timeout.signal]);
      const response = await raceAbort(fetch(input, { signal }), signal);
      if (isRedirect(response)) {
        response.body?.cancel().catch(() => {}); // The body may have no end, so nothing waits for it.
        throw redirectError(service, name, response.status);
      }
      const text = () => raceAbort(readText(response, maxResponseBytes), signal);
      if (response.status >= 400) throw await this.#statusError(response, name, text);
      return { response, value: await read({ text, servedAt: parseDateHeader(response.headers) }) };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves to the error for a status of 400 or more. A `Retry-After` of up to a minute pauses all requests of this client. */
  async #statusError({ status, headers }: Response, name: string, text: HttpAnswer['text']): Promise<AuditApiError> {
    const body = (await text().catch(() => undefined)) ?? ''; // A body that fails to arrive does not change the status.
    const error = apiError({
      service: this.#options.service,
      request: name,
      status,
      headers,
      body,
      redact: this.redact,
    });
    const waitMs = retryAfterOf(error);
    if (waitMs <= maxRetryAfterMs) this.#rateLimiter.pauseFor(waitMs);
    return error;
  }

  #toAuditError(error: unknown, name: string): PlanetScaleAuditError {
    if (error instanceof PlanetScaleAuditError) return error;
    const failure = this.redact(describeFailure(error), maxQuoteLength);
    return new AuditConnectionError(
      `${this.#options.service.name} gave no complete response to ${name} (${failure}). Check the network, the DNS and any proxy.`,
    );
  }
}

interface AttemptOutcome<Result> {
  /** The response for ky, which looks only at the status. The body has been read already. */
  readonly response: Response;
  readonly value: Result;
}

const timeoutError = ({ name, hintForTimeout }: HttpService, request: string, timeoutMs: number) =>
  new AuditConnectionError(
    [`${name} gave no complete response to ${request} within ${timeoutMs} ms.`, hintForTimeout]
      .filter(Boolean)
      .join(' '),
  );

const redirectError = ({ name, hintForRedirect }: HttpService, request: string, status: number) =>
  new AuditConnectionError(
    `${name} answered ${request} with a redirect (${status}). The client sends credentials to the configured host alone and follows no redirect. ${hintForRedirect}`,
    { retryable: false },
  );

/** Returns whether a response is a redirect. `redirected` catches a custom `fetch` that follows redirects by itself. */
const isRedirect = ({ type, status, redirected }: Response): boolean =>
  type === 'opaqueredirect' || redirected || (status >= 300 && status < 400);

/** Returns whether to try again. Any foreign error of `fetch` counts as a lost connection. */
const isRetryable = (error: Error): boolean => !(error instanceof PlanetScaleAuditError) || error.retryable;

const retryAfterOf = (error: Error): number => (error instanceof AuditApiError ? (error.retryAfterMs ?? 0) : 0);

/** Bounds the search, because a chain of causes can be a circle. */
const maxCauseDepth = 10;

/** Returns the reason in a few words. Node puts it into `cause.code`, such as `ECONNREFUSED`. ky wraps that error once more. */
const describeFailure = (error: unknown): string => {
  let innermost = error;
  for (let depth = 0; depth < maxCauseDepth; depth++) {
    if (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  }
  if (!(innermost instanceof Error)) return 'unknown failure';
  return 'code' in innermost && typeof innermost.code === 'string' ? innermost.code : innermost.message;
};

/** Resolves to the body, or to `undefined` if the body is larger than allowed. The rest of such a body is not read. */
const readText = async (response: Response, maxBytes: number): Promise<string | undefined> => {
  if (!response.body) return '';
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = '';
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return undefined; // Leaving the loop cancels the body and the request.
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
};
