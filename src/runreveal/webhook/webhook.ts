import * as z from 'zod';
import type { AuditEvent } from '../../audit-log/event.ts';
import { type HttpAnswer, HttpClient } from '../../http/http-client.ts';
import { secretsInUrl } from '../../http/redact.ts';
import type { HttpService } from '../../http/service.ts';
import { credentialSchema, functionSchema, parseOptions, secureUrlSchema } from '../../internal/option-schemas.ts';
import type { RunRevealContext } from '../context.ts';
import { revealdJson } from './reveald-event.ts';
import { toStructuredWebhook } from './structured-event.ts';

/** Where RunReveal takes events, and in which form. */
export interface RunRevealWebhookOptions {
  /**
   * The webhook's URL, as RunReveal shows it for a source. It is as secret as a token: whoever has it can write to your logs.
   * `http:` only on loopback.
   */
  readonly url: string | URL;
  /** Sent as `Authorization: Bearer …`, where the source has one. */
  readonly token?: string | undefined;
  /**
   * What the source expects: `'structured'` for a structured webhook ({@link toStructuredWebhook}), `'reveald'` for a Reveald
   * source ({@link toRevealdEvent}), which has no token and keeps the raw log.
   *
   * @default 'structured'
   */
  readonly format?: 'structured' | 'reveald' | undefined;
  /** What the events do not know. */
  readonly context?: RunRevealContext | undefined;
  /**
   * What sends the requests.
   *
   * @default globalThis.fetch
   */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** Parts of the URLs that RunReveal gives out. */
const publicWords = ['sources', 'hook', 'reveald', 'webhook'];

/** What reveald sends at a time. RunReveal publishes no limit. */
const maxEventsPerRequest = 100;
const timeoutMs = 30_000;
const retries = 4;
const maxResponseBytes = 64 * 1024;

const runReveal: HttpService = {
  name: 'RunReveal',
  hintForStatus: (status) => {
    if (status === 400 || status === 422)
      return 'It does not accept these events: check that `format` is what the source expects.';
    if (status === 401 || status === 403)
      return "The token was not accepted: check it against the source's page in RunReveal.";
    if (status === 404 || status === 410)
      return 'It does not know this webhook: check the URL, and whether the source still exists.';
    if (status === 413) return 'The events are too large together: hand over fewer at a time.';
    if (status === 429) return 'Hand over events less often.';
    return '';
  },
  hintForRedirect: "Set `url` to the one on the source's page in RunReveal.",
  hintForTimeout: 'The events may have arrived or not: hand them over again.',
};

const optionsSchema = z
  .object({
    url: secureUrlSchema("must be the absolute URL on the source's page in RunReveal"),
    token: credentialSchema.optional(),
    format: z.enum(['structured', 'reveald'], "must be 'structured' or 'reveald'").default('structured'),
    fetch: functionSchema<typeof globalThis.fetch>().optional(),
  })
  .refine(({ format, token }) => format === 'structured' || token === undefined, {
    path: ['token'],
    message: "is for a structured webhook: a source of the format 'reveald' has none, leave it out",
  });

/**
 * Makes a function that sends events to a webhook of RunReveal's: at most 100 a request, one request after the other and in
 * order. It resolves once RunReveal has accepted all of them, with a status below 300. Lost connections, timeouts (30 s), 408,
 * 429 and 5xx are tried again up to four times, never before a `Retry-After` of up to a minute; redirects are refused.
 *
 * After a rejection, any part of the events may have arrived: hand all of them over again. A retry can repeat events too, and
 * the structured format has no id by which RunReveal could tell. Neither the URL nor the token is in any error.
 *
 * @returns a function that throws {@link AuditApiError} for a status of 400 or more, {@link AuditConnectionError} where no whole
 * answer came or a redirect did, {@link AuditConfigError} for an invalid `receivedAt` in the context, and the signal's reason
 * after an abort.
 *
 * @throws {@link AuditConfigError} for an option that is missing or wrong.
 *
 * @example
 * ```ts
 * import { PlanetScaleAuditClient, poller, runRevealWebhook } from 'planetscale-audit';
 * import { fileCursorStore } from 'planetscale-audit/node';
 *
 * const send = runRevealWebhook({
 *   url: process.env.RUNREVEAL_WEBHOOK_URL ?? '',
 *   token: process.env.RUNREVEAL_WEBHOOK_TOKEN,
 * });
 * const events = poller(PlanetScaleAuditClient.fromEnv(), { store: fileCursorStore('./cursors') });
 * for await (const batch of events.batches()) await send(batch);
 * ```
 */
export function runRevealWebhook(
  options: RunRevealWebhookOptions,
): (events: readonly AuditEvent[], options?: { readonly signal?: AbortSignal | undefined }) => Promise<void> {
  const { url, token, format, fetch } = parseOptions(optionsSchema, options, 'runRevealWebhook');
  url.hash = ''; // Never sent.
  const { context } = options;
  const http = new HttpClient({
    service: runReveal,
    secrets: [...secretsInUrl(url, publicWords), ...(token === undefined ? [] : [token])],
    timeoutMs,
    retries,
    maxResponseBytes,
    fetch,
  });
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  const write = format === 'reveald' ? revealdJson : structuredJson;

  return async (events, { signal } = {}) => {
    signal?.throwIfAborted();
    const batch = [...events]; // The caller may change the other one meanwhile.
    for (let from = 0; from < batch.length; from += maxEventsPerRequest) {
      const part = batch.slice(from, from + maxEventsPerRequest);
      const body = `[${part.map((event) => write(event, context)).join(',')}]`;
      const name = `a POST of ${part.length} event(s)`;
      await http.send({ name, method: 'POST', url: url.href, headers, body, read: discardBody }, signal);
    }
  };
}

const structuredJson = (event: AuditEvent, context: RunRevealContext | undefined): string =>
  JSON.stringify(toStructuredWebhook(event, context));

/** The status says it, whatever becomes of the body: to send the events again would repeat them. */
const discardBody = async ({ text }: HttpAnswer): Promise<void> => {
  await text().catch(() => {});
};
