import ky, { TimeoutError } from 'ky';
import { AuditApiError, AuditConnectionError, AuditResponseError, PlanetScaleAuditError } from '../errors.ts';
import { apiError } from './api-error.ts';
import { Pace } from './pace.ts';
import { servedAt } from './retry-after.ts';
import { redactor } from './secrets.ts';

/** A server that asks for a longer wait gets it from whoever called: an attempt does not sleep for minutes. */
const longestWaitMs = 60_000;
const firstBackoffMs = 500;
const longestBackoffMs = 20_000;

export interface HttpOptions {
  readonly baseUrl: string;
  readonly authorization: string;
  /** What must not appear in an error, even where the server echoes it. */
  readonly secrets: readonly string[];
  readonly timeoutMs: number;
  readonly retries: number;
  readonly requestsPerMinute: number;
  readonly maxResponseBytes: number;
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** A whole answer with a status below 300 that is JSON. */
export interface HttpAnswer {
  readonly text: string;
  readonly json: unknown;
  readonly servedAt: Date | undefined;
}

/**
 * Sends requests to PlanetScale: with credentials, paced, timed out, read whole within a limit, tried again, and with every
 * failure as one of our errors. ky drives the attempts; what an attempt is stands in {@link Http.#exchange}, so that the body
 * falls under the timeout and the retries too, and so that no error of ky's, which holds the Authorization header, gets out.
 */
export class Http {
  readonly #options: HttpOptions;
  readonly #pace: Pace;
  /** Takes the credentials out of text that came from elsewhere. */
  readonly redact: (text: string) => string;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#pace = new Pace(options.requestsPerMinute);
    this.redact = redactor(options.secrets);
  }

  /** @throws PlanetScaleAuditError, or the signal's reason. */
  async get(path: string, query: URLSearchParams, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    signal?.throwIfAborted();
    // fetch would leave its listener on a signal until that is collected: the caller's may live for years.
    const controller = new AbortController();
    const abort = () => controller.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await this.#send(path, query, controller.signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#translate(error, `GET ${path}`);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  async #send(path: string, query: URLSearchParams, signal: AbortSignal): Promise<HttpAnswer> {
    const { baseUrl, authorization, timeoutMs, retries } = this.#options;
    const pace = () => this.#pace.wait(signal);
    let answer: HttpAnswer | undefined;
    let askedToWaitMs = 0;
    await ky.get(`${baseUrl}${path}`, {
      searchParams: query,
      headers: { authorization, accept: 'application/json' },
      redirect: 'manual', // 'error' could not be told from a lost connection.
      signal,
      timeout: timeoutMs,
      fetch: async (request) => {
        // ky always hands over the Request that it made.
        const { response, ...rest } = await this.#exchange(request as Request, `GET ${path}`);
        answer = rest;
        return response;
      },
      hooks: { beforeRequest: [pace], beforeRetry: [pace] }, // Outside of the timeout, which is for the server.
      retry: {
        limit: retries,
        shouldRetry: ({ error }) => {
          askedToWaitMs = error instanceof AuditApiError ? (error.retryAfterMs ?? 0) : 0;
          return isRetryable(error) && askedToWaitMs <= longestWaitMs;
        },
        delay: (attempt) =>
          Math.max(askedToWaitMs, Math.random() * Math.min(longestBackoffMs, firstBackoffMs * 2 ** (attempt - 1))),
      },
    });
    if (!answer) throw new AuditConnectionError(`GET ${path} ended without an answer.`);
    return answer;
  }

  /** One attempt, body included. The response is handed back for ky to look at; its body has been read. */
  async #exchange(request: Request, name: string): Promise<HttpAnswer & { readonly response: Response }> {
    const fetch = this.#options.fetch ?? globalThis.fetch;
    const response = await fetch(request);
    if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
      await response.body?.cancel();
      throw new AuditConnectionError(
        `${name} was answered with a redirect (${response.status}), which is refused: credentials go to the configured host alone. If PlanetScale has moved, set baseUrl.`,
        { retryable: false },
      );
    }
    const text = await readText(response, this.#options.maxResponseBytes);
    if (response.status >= 400) {
      throw apiError({ status: response.status, headers: response.headers, body: text ?? '' }, name, this.redact);
    }
    if (text === undefined) {
      throw new AuditResponseError(
        `The answer to ${name} is larger than ${this.#options.maxResponseBytes} bytes (maxResponseBytes). Ask for fewer events with limit, or raise maxResponseBytes.`,
      );
    }
    return { response, text, json: parseJson(text, name), servedAt: servedAt(response.headers) };
  }

  #translate(error: unknown, name: string): PlanetScaleAuditError {
    if (error instanceof PlanetScaleAuditError) return error;
    if (error instanceof TimeoutError) {
      return new AuditConnectionError(`${name} had no whole answer within ${this.#options.timeoutMs} ms (timeoutMs).`);
    }
    return new AuditConnectionError(
      `${name} failed before a whole answer was there (${this.redact(describeFailure(error))}).`,
    );
  }
}

/** Whatever fetch throws that is not ours is a lost connection, and ky's timeout is one too. */
const isRetryable = (error: Error): boolean => !(error instanceof PlanetScaleAuditError) || error.retryable;

/** Node keeps what happened in `cause.code` (`ECONNREFUSED`); the message alone is `fetch failed`. ky wraps it once more. */
const describeFailure = (error: unknown): string => {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
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

const parseJson = (text: string, name: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new AuditResponseError(
      `The answer to ${name} is not JSON. A proxy may have answered in PlanetScale's place: check baseUrl.`,
      { retryable: true },
    );
  }
};
