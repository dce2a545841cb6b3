import { AuditResponseError } from '../errors.ts';
import { readHeader } from '../http/header.ts';
import { type HttpAnswer, HttpClient, type HttpOptions } from '../http/http-client.ts';
import { quote } from '../http/quote.ts';
import type { Redact } from '../http/redact.ts';
import { parseDateHeader } from '../http/retry-after.ts';
import type { HttpService } from '../http/service.ts';

const grantHint =
  'Ask an organization admin to grant read_audit_logs to the service token in PlanetScale under Settings > Service tokens.';

const planetScale: HttpService = {
  name: 'PlanetScale',
  errorsAreJson: true,
  hintForStatus: (status) => {
    if (status === 401) return `PlanetScale did not accept the credentials. ${grantHint}`;
    if (status === 403) return `The credentials lack the permission read_audit_logs. ${grantHint}`;
    if (status === 404) {
      return 'PlanetScale answers 404 for an unknown organization, an invalid or expired token, and a token without read_audit_logs. Call client.verifyAccess() to find out which.';
    }
    if (status === 429) {
      return 'PlanetScale limits the number of requests a minute. Lower requestsPerMinute, divide it between your clients, or poll less often.';
    }
    return '';
  },
  hintForRedirect: 'If PlanetScale has moved, set baseUrl.',
  hintForTimeout: 'If PlanetScale needs longer, raise timeoutMs.',
};

export interface PlanetScaleApiOptions extends Omit<HttpOptions, 'service'> {
  readonly baseUrl: string;
  readonly authorization: string;
}

/** A complete response with a status below 300 and JSON as its body. */
export interface JsonAnswer {
  readonly text: string;
  /** The parsed text. */
  readonly json: unknown;
  /** The server's clock, from the `Date` header. */
  readonly servedAt: Date | undefined;
}

/** Sends requests to PlanetScale's API with the client's credentials, and parses the JSON of the responses. */
export class PlanetScaleApi {
  readonly #baseUrl: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #maxResponseBytes: number;
  readonly #http: HttpClient;
  /** Removes the credentials from text that PlanetScale sent. */
  readonly redact: Redact;

  constructor({ baseUrl, authorization, ...http }: PlanetScaleApiOptions) {
    this.#baseUrl = baseUrl;
    this.#headers = { authorization, accept: 'application/json' };
    this.#maxResponseBytes = http.maxResponseBytes;
    this.#http = new HttpClient({ ...http, service: planetScale });
    this.redact = this.#http.redact;
  }

  /**
   * Resolves to the JSON at a path of the API.
   *
   * @throws PlanetScaleAuditError, or the signal's reason after an abort
   */
  async get(path: string, query: URLSearchParams, signal: AbortSignal | undefined): Promise<JsonAnswer> {
    const name = `GET ${path}`;
    const url = `${this.#baseUrl}${path}?${query}`;
    const read = (answer: HttpAnswer) => this.#readJson(answer, name);
    return this.#http.send({ name, method: 'GET', url, headers: this.#headers, read }, signal);
  }

  async #readJson(answer: HttpAnswer, name: string): Promise<JsonAnswer> {
    const ageSeconds = parseAge(answer.headers);
    if (ageSeconds > maxAgeSeconds)
      throw this.#cachedAnswerError(name, ageSeconds, readHeader(answer.headers, 'via').trim());
    const text = await answer.text();
    if (text === undefined) {
      throw new AuditResponseError(
        `PlanetScale answered ${name} with more than ${this.#maxResponseBytes} bytes (maxResponseBytes). Request fewer events with limit, or raise maxResponseBytes.`,
      );
    }
    return { text, json: parseJson(text, name), servedAt: parseDateHeader(answer.headers) };
  }

  #cachedAnswerError(name: string, ageSeconds: number, via: string): AuditResponseError {
    const cache = via === '' ? 'A cache' : `A cache (Via: ${quote(via, this.redact)})`;
    return new AuditResponseError(
      `${cache} answered ${name} with an answer of PlanetScale that is ${ageSeconds} seconds old (Age header). Exclude PlanetScale's API from the cache: a proxy, a service worker, or the fetch of a framework.`,
      { retryable: true },
    );
  }
}

/** A cache may answer a moment after PlanetScale did. A longer time means that it keeps the answer. */
const maxAgeSeconds = 60;

/** The maximum that a cache can state: https://www.rfc-editor.org/rfc/rfc9111#section-1.2.2 */
const maxDeltaSeconds = 2 ** 31;

/** Gives the seconds of the `Age` header, 0 for any other text. Of repeated headers the first counts. */
const parseAge = (headers: Headers): number => {
  const [value = ''] = readHeader(headers, 'age').split(',');
  return /^\d+$/.test(value.trim()) ? Math.min(Number(value), maxDeltaSeconds) : 0;
};

const parseJson = (text: string, name: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new AuditResponseError(
      `PlanetScale answered ${name} with text that is not JSON. A proxy may have answered instead. Check baseUrl.`,
      { retryable: true },
    );
  }
};
