import ky from 'ky';
import { AuditApiError, AuditConnectionError, PlanetScaleAuditError } from '../errors.ts';
import { raceAbort } from '../internal/abort.ts';
import { fullJitterMs } from '../internal/backoff.ts';
import { apiError, maxQuoteLength } from './api-error.ts';
import { RateLimiter } from './rate-limiter.ts';
import { createRedactor, type Redact } from './redact.ts';
import { parseDateHeader } from './retry-after.ts';
import type { HttpService } from './service.ts';

/** A server that asks for a longer wait gets it from whoever called: an attempt does not sleep for minutes. */
const maxRetryAfterMs = 60_000;
const backoffLimits = { firstMs: 500, maxMs: 20_000 };

export interface HttpOptions {
  readonly service: HttpService;
  /** What must not appear in an error, even where the server echoes it. */
  readonly secrets: readonly string[];
  readonly timeoutMs: number;
  readonly retries: number;
  /** Without it, requests are not paced. */
  readonly requestsPerMinute?: number | undefined;
  readonly maxResponseBytes: number;
  readonly fetch?: typeof globalThis.fetch | undefined;
}

export interface HttpRequest<Result> {
  /** What error messages call it: nothing in it may be secret. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** What becomes of an answer with a status below 300. What it throws is the attempt's error, and may be retryable. */
  read(answer: HttpAnswer): Promise<Result>;
}

export interface HttpAnswer {
  /** Gives the whole body; undefined where that is larger than `maxResponseBytes`. To be read once, and to its end. */
  text(): Promise<string | undefined>;
  readonly servedAt: Date | undefined;
}

/**
 * Sends requests to one service: paced, timed out, read whole within a limit, tried again, and with every failure as one of
 * our errors. ky drives the attempts; what an attempt is, and when it is over, stands in {@link HttpClient.#exchange}, so that the
 * body falls under the timeout and the retries too, and so that no error of ky's, which holds the Authorization header, gets out.
 */
export class HttpClient {
  readonly #options: HttpOptions;
  readonly #rateLimiter: RateLimiter;
  /** Takes the secrets out of text that came from elsewhere. */
  readonly redact: Redact;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#rateLimiter = new RateLimiter(options.requestsPerMinute ?? Number.POSITIVE_INFINITY);
    this.redact = createRedactor(options.secrets);
  }

  /** @throws PlanetScaleAuditError, or the signal's reason. */
  async send<Result>(request: HttpRequest<Result>, signal: AbortSignal | undefined): Promise<Result> {
    signal?.throwIfAborted();
    // fetch would leave its listener on a signal until that is collected: the caller's may live for years.
    const controller = new AbortController();
    const abort = () => controller.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await this.#send(request, controller.signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#toAuditError(error, request.name);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  async #send<Result>(request: HttpRequest<Result>, signal: AbortSignal): Promise<Result> {
    const pace = () => this.#rateLimiter.acquire(signal);
    let result: { readonly value: Result } | undefined;
    await ky(request.url, {
      method: request.method,
      headers: request.headers,
      ...(request.body !== undefined && { body: request.body }),
      redirect: 'manual', // 'error' could not be told from a lost connection.
      signal,
      timeout: false, // It is an attempt's own.
      fetch: async (attempt) => {
        // ky always hands over the Request that it made.
        const { response, value } = await this.#attempt(attempt as Request, request, signal);
        result = { value };
        return response;
      },
      hooks: { beforeRequest: [pace], beforeRetry: [pace] }, // Outside of the timeout, which is for the server.
      retry: {
        limit: this.#options.retries,
        methods: ['get', 'post'], // ky asks this first, and does not count POST among them.
        shouldRetry: ({ error }) => isRetryable(error) && retryAfterOf(error) <= maxRetryAfterMs,
        delay: (attempt) => fullJitterMs(backoffLimits, attempt),
      },
    });
    if (!result) throw new AuditConnectionError(`${request.name} ended without an answer.`);
    return result.value;
  }

  /** One attempt, body included: it is over after `timeoutMs` or an abort, whether `fetch` heeds its signal or not. */
  async #attempt<Result>(
    attempt: Request,
    request: HttpRequest<Result>,
    signal: AbortSignal,
  ): Promise<Exchange<Result>> {
    const { service, timeoutMs } = this.#options;
    const timeout = new AbortController();
    const timer = setTimeout(() => {
      const summary = `${service.name} gave no whole answer to ${request.name} within ${timeoutMs} ms.`;
      timeout.abort(new AuditConnectionError([summary, service.hintForTimeout].filter(Boolean).join(' ')));
    }, timeoutMs);
    try {
      return await this.#readResponse(attempt, request, AbortSignal.any([signal, timeout.signal]));
    } finally {
      clearTimeout(timer);
    }
  }

  async #readResponse<Result>(
    attempt: Request,
    { name, read }: HttpRequest<Result>,
    signal: AbortSignal,
  ): Promise<Exchange<Result>> {
    const { service, maxResponseBytes, fetch = globalThis.fetch } = this.#options;
    const response = await raceAbort(fetch(attempt, { signal }), signal);
    if (isRedirect(response)) {
      response.body?.cancel().catch(() => {}); // It may have no end.
      throw new AuditConnectionError(
        `${service.name} answered ${name} with a redirect (${response.status}), which is refused: credentials go to the configured host alone. ${service.hintForRedirect}`,
        { retryable: false },
      );
    }
    const { status, headers } = response;
    const text = () => raceAbort(readText(response, maxResponseBytes), signal);
    if (status < 400) return { response, value: await read({ text, servedAt: parseDateHeader(headers) }) };
    const body = await text().catch(() => undefined); // The status stands, whatever becomes of the body.
    const error = apiError(service, { status, headers, body: body ?? '' }, name, this.redact);
    const waitMs = retryAfterOf(error);
    if (waitMs <= maxRetryAfterMs) this.#rateLimiter.pauseFor(waitMs);
    throw error;
  }

  #toAuditError(error: unknown, name: string): PlanetScaleAuditError {
    if (error instanceof PlanetScaleAuditError) return error;
    return new AuditConnectionError(
      `${this.#options.service.name} gave no whole answer to ${name} (${this.redact(describeFailure(error), maxQuoteLength)}).`,
    );
  }
}

/** The response is for ky to look at; its body has been read. */
interface Exchange<Result> {
  readonly response: Response;
  readonly value: Result;
}

/** A `fetch` of the user's may have followed it. */
const isRedirect = ({ type, status, redirected }: Response): boolean =>
  type === 'opaqueredirect' || redirected || (status >= 300 && status < 400);

/** Whatever fetch throws that is not ours is a lost connection. */
const isRetryable = (error: Error): boolean => !(error instanceof PlanetScaleAuditError) || error.retryable;

const retryAfterOf = (error: Error): number => (error instanceof AuditApiError ? (error.retryAfterMs ?? 0) : 0);

/** A cause may lead back to its error. */
const deepestCause = 10;

/** Node keeps what happened in `cause.code` (`ECONNREFUSED`); the message alone is `fetch failed`. ky wraps it once more. */
const describeFailure = (error: unknown): string => {
  let innermost = error;
  for (let depth = 0; depth < deepestCause; depth++) {
    if (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  }
  if (!(innermost instanceof Error)) return 'unknown failure';
  return 'code' in innermost && typeof innermost.code === 'string' ? innermost.code : innermost.message;
};

/** The body as text; `undefined` where it is larger than allowed, and then its rest is not read. */
const readText = async (response: Response, maxBytes: number): Promise<string | undefined> => {
  if (!response.body) return '';
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = '';
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return undefined; // Leaving the loop cancels the body, and with it the request.
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
};
