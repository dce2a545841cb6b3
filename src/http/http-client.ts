import ky from 'ky';
import { AuditApiError, AuditConnectionError, PlanetScaleAuditError } from '../errors.ts';
import { followSignal, neverAborted, raceAbort } from '../internal/abort.ts';
import { fullJitterMs } from '../internal/backoff.ts';
import { errorMessage } from '../internal/foreign-error.ts';
import { sleep } from '../internal/sleep.ts';
import { apiError } from './api-error.ts';
import { describeFailure } from './failure.ts';
import { quote } from './quote.ts';
import { type RateLimiter, SlidingWindow } from './rate-limiter.ts';
import { createRedactor, type Redact } from './redact.ts';
import type { HttpService } from './service.ts';

/** A longer wait is left to the caller, who finds the wait in `retryAfterMs` of the error. */
const maxRetryAfterMs = 60_000;
/** The pause after a 429 that names none. */
const defaultPauseMs = 1000;
/** An error quotes some hundred characters of its body. */
const maxErrorBytes = 1024 * 1024;
/** Deno puts the whole URL before the reason. */
const maxFailureLength = 400;
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
  readonly rateLimiter?: RateLimiter | undefined;
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
  readonly headers: Headers;
}

/**
 * Sends requests to one service within a rate limit, with retries. Every failure becomes an error of this library. ky repeats the
 * attempts, and {@link HttpClient.#attempt} runs each of them. An attempt reads the body itself, so that the timeout, the size limit
 * and the retries cover the body. ky sees neither the headers with the token nor an error status, because its errors hold both.
 */
export class HttpClient {
  readonly #options: HttpOptions;
  readonly #rateLimiter: RateLimiter;
  /** Removes the secrets from text that the service sent. */
  readonly redact: Redact;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#rateLimiter = options.rateLimiter ?? new SlidingWindow(Number.POSITIVE_INFINITY);
    this.redact = createRedactor(options.secrets);
  }

  /**
   * Resolves to the result of `request.read`.
   *
   * @throws PlanetScaleAuditError, or the signal's reason after an abort
   */
  async send<Result>(request: HttpRequest<Result>, signal: AbortSignal | undefined): Promise<Result> {
    signal?.throwIfAborted();
    const { service, retries } = this.#options;
    const acquire = () => this.#acquire(request.name, signal);
    let outcome: AttemptOutcome<Result> | undefined;
    try {
      // ky repeats the attempts, and its own request is never sent. With the signal, the headers and the body in that request, reading
      // a page would take 5 % longer.
      await ky(request.url, {
        timeout: false, // Each attempt has a timeout of its own, which covers the body.
        fetch: async () => {
          outcome = await this.#attempt(request, signal);
          return new Response(); // ky looks at the status alone.
        },
        hooks: {
          // The timeout does not cover these waits.
          beforeRequest: [acquire],
          beforeRetry: [
            async ({ retryCount }) => {
              await sleep(fullJitterMs(backoffLimits, retryCount), signal);
              await acquire();
            },
          ],
        },
        retry: {
          limit: retries,
          shouldRetry: ({ error }) => !signal?.aborted && isRetryable(error) && retryAfterOf(error) <= maxRetryAfterMs,
          delay: () => 0, // The hook above waits, because an abort ends that wait.
        },
      });
      if (!outcome)
        throw new AuditConnectionError(
          `${service.name} gave no response to ${request.name}. Check the fetch function.`,
        );
      return outcome.value;
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#toAuditError(error, request.name);
    } finally {
      outcome = undefined; // ky may hold the closures above, and must not keep a parsed page alive through them.
    }
  }

  /** Waits until one more request may start. A limiter can be the code of a user, with a budget in a database. */
  async #acquire(name: string, signal = neverAborted()): Promise<void> {
    try {
      await raceAbort(this.#rateLimiter.acquire(signal), signal);
    } catch (error) {
      signal.throwIfAborted();
      const reason = quote(errorMessage(error), this.redact, maxFailureLength);
      throw new AuditConnectionError(
        `The rateLimiter failed before ${name} (${reason}). Check the budget that it shares.`,
      );
    }
  }

  /** Runs one attempt, body included. It ends after `timeoutMs` or an abort, even if `fetch` ignores its signal. */
  async #attempt<Result>(
    request: HttpRequest<Result>,
    callerSignal: AbortSignal | undefined,
  ): Promise<AttemptOutcome<Result>> {
    const { name, method, url, headers, body, read } = request;
    const { service, timeoutMs, maxResponseBytes, fetch = globalThis.fetch } = this.#options;
    const { signal, abort, release } = followSignal(callerSignal);
    const timer = setTimeout(() => abort(timeoutError(service, name, timeoutMs)), timeoutMs);
    try {
      // Wrappers and other implementations of fetch read the URL and these options, and not a Request. A framework that caches
      // would give the first answer for ever.
      const init = { method, headers: { ...headers }, signal, redirect: 'manual', cache: 'no-store' } as const;
      const response = await raceAbort(fetch(url, body === undefined ? init : { ...init, body }), signal);
      if (isRedirect(response)) {
        discardBody(response);
        throw redirectError(service, name, response.status);
      }
      const readUpTo = (maxBytes: number) => raceAbort(readText(response, maxBytes), signal);
      if (response.status >= 400) {
        const body = await readUpTo(Math.min(maxResponseBytes, maxErrorBytes)).catch(() => undefined);
        throw this.#statusError(response, name, body ?? ''); // A body that fails to arrive does not change the status.
      }
      const text = () => readUpTo(maxResponseBytes);
      return { value: await readOrDiscard(response, () => read({ text, headers: response.headers })) };
    } finally {
      clearTimeout(timer);
      release();
    }
  }

  /** Returns the error for a status of 400 or more. A 429, and a `Retry-After` of up to a minute, pauses all requests. */
  #statusError({ status, headers }: Response, name: string, body: string): AuditApiError {
    const error = apiError({
      service: this.#options.service,
      request: name,
      status,
      headers,
      body,
      redact: this.redact,
    });
    const waitMs = error.retryAfterMs ?? (status === 429 ? defaultPauseMs : 0);
    if (waitMs > 0 && waitMs <= maxRetryAfterMs) this.#rateLimiter.pauseFor?.(waitMs);
    return error;
  }

  #toAuditError(error: unknown, name: string): PlanetScaleAuditError {
    if (error instanceof PlanetScaleAuditError) return error;
    const { description, retryable, hint } = describeFailure(error);
    const failure = quote(description, this.redact, maxFailureLength);
    const summary = `${this.#options.service.name} gave no complete response to ${name} (${failure}).`;
    return new AuditConnectionError(`${summary} ${hint || 'Check the network, the DNS and any proxy.'}`, { retryable });
  }
}

interface AttemptOutcome<Result> {
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

const isRetryable = (error: Error): boolean =>
  error instanceof PlanetScaleAuditError ? error.retryable : describeFailure(error).retryable;

const retryAfterOf = (error: Error): number => (error instanceof AuditApiError ? (error.retryAfterMs ?? 0) : 0);

/** An error may leave a body unread, which would keep the connection. */
const readOrDiscard = async <Result>(response: Response, read: () => Promise<Result>): Promise<Result> => {
  try {
    return await read();
  } catch (error) {
    discardBody(response);
    throw error;
  }
};

/** Nothing waits for it, since a body may have no end. */
const discardBody = ({ body }: Response): void => {
  if (!body) return;
  if ('cancel' in body) body.cancel().catch(() => {});
  else destroy(body); // The body of node-fetch is a stream of Node.
};

const destroy = (stream: object): void => {
  if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
};

/** Resolves to the body, or to `undefined` if the body is larger than allowed. The rest of such a body is not read. */
const readText = async (response: Response, maxBytes: number): Promise<string | undefined> => {
  if (response.body === undefined) return readWholeText(response, maxBytes);
  if (response.body === null) return '';
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

/** The response of React Native and of many mocks has no `body`, so its size is known only once it is read. */
const readWholeText = async (response: Response, maxBytes: number): Promise<string | undefined> => {
  const text = await response.text();
  return new TextEncoder().encode(text).length > maxBytes ? undefined : text;
};
