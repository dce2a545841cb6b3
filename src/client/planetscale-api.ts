import { AuditResponseError } from '../errors.ts';
import { type HttpAnswer, HttpClient, type HttpOptions } from '../http/http-client.ts';
import type { Redact } from '../http/redact.ts';
import type { HttpService } from '../http/service.ts';

const whereToGrant =
  'An organization admin grants read_audit_logs to a service token in PlanetScale under Settings > Service tokens.';

const planetScale: HttpService = {
  name: 'PlanetScale',
  hintForStatus: (status) => {
    if (status === 401) return `The credentials were not accepted. ${whereToGrant}`;
    if (status === 403)
      return `The credentials lack a permission: reading the audit log takes read_audit_logs. ${whereToGrant}`;
    if (status === 404) {
      return 'It answers so for a wrong organization, a wrong or expired token, and a token without read_audit_logs: `client.verifyAccess()` tells which.';
    }
    if (status === 429)
      return 'That is more than its rate limit of 600 requests a minute allows: lower requestsPerMinute, or poll less often.';
    return '';
  },
  hintForRedirect: 'If PlanetScale has moved, set baseUrl.',
  hintForTimeout: 'Where it needs longer, raise timeoutMs.',
};

export interface PlanetScaleApiOptions extends Omit<HttpOptions, 'service'> {
  readonly baseUrl: string;
  readonly authorization: string;
}

/** A whole answer with a status below 300 that is JSON. */
export interface JsonAnswer {
  readonly text: string;
  readonly json: unknown;
  readonly servedAt: Date | undefined;
}

/** PlanetScale's API, as far as that is requests with credentials that are answered with JSON. */
export class PlanetScaleApi {
  readonly #baseUrl: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #maxResponseBytes: number;
  readonly #http: HttpClient;
  /** Takes the credentials out of text that came from elsewhere. */
  readonly redact: Redact;

  constructor({ baseUrl, authorization, ...http }: PlanetScaleApiOptions) {
    this.#baseUrl = baseUrl;
    this.#headers = { authorization, accept: 'application/json' };
    this.#maxResponseBytes = http.maxResponseBytes;
    this.#http = new HttpClient({ ...http, service: planetScale });
    this.redact = this.#http.redact;
  }

  /** @throws PlanetScaleAuditError, or the signal's reason. */
  async get(path: string, query: URLSearchParams, signal: AbortSignal | undefined): Promise<JsonAnswer> {
    const name = `GET ${path}`;
    const url = `${this.#baseUrl}${path}?${query}`;
    const read = (answer: HttpAnswer) => this.#readJson(answer, name);
    return this.#http.send({ name, method: 'GET', url, headers: this.#headers, read }, signal);
  }

  async #readJson(answer: HttpAnswer, name: string): Promise<JsonAnswer> {
    const text = await answer.text();
    if (text === undefined) {
      throw new AuditResponseError(
        `The answer to ${name} is larger than ${this.#maxResponseBytes} bytes (maxResponseBytes). Ask for fewer events with limit, or raise maxResponseBytes.`,
      );
    }
    return { text, json: parseJson(text, name), servedAt: answer.servedAt };
  }
}

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
