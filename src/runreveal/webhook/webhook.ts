import * as z from 'zod';
import type { AuditEvent } from '../../audit-log/event.ts';
import { type HttpAnswer, HttpClient } from '../../http/http-client.ts';
import { secretsInUrl } from '../../http/redact.ts';
import type { HttpService } from '../../http/service.ts';
import { credentialSchema, functionSchema, parseOptions, secureUrlSchema } from '../../internal/option-schemas.ts';
import type { RunRevealContext } from '../context.ts';
import { revealdJson } from './reveald-event.ts';
import { toStructuredWebhook } from './structured-event.ts';

/** The options of {@link runRevealWebhook}: the webhook, its token and the format of its events. */
export interface RunRevealWebhookOptions {
  /**
   * The webhook's URL, as the source's page in RunReveal shows it. Keep the URL as secret as a token, because anyone who has it can
   * write to your logs. `http:` is accepted for loopback only.
   */
  readonly url: string | URL;
  /** The token of the source, if it has one. Sent as `Authorization: Bearer …`. A Reveald source has none. */
  readonly token?: string | undefined;
  /**
   * The format that the source expects: `'structured'` for a structured webhook ({@link toStructuredWebhook}), `'reveald'` for a
   * Reveald source ({@link toRevealdEvent}), which keeps the raw log.
   *
   * @default 'structured'
   */
  readonly format?: 'structured' | 'reveald' | undefined;
  /** The values that the events do not contain, for all events. */
  readonly context?: RunRevealContext | undefined;
  /**
   * The function that sends the requests.
   *
   * @default globalThis.fetch
   */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** The parts of RunReveal's URLs that are no secret, and stay readable in errors. */
const publicWords = ['sources', 'hook', 'reveald', 'webhook'];

/** The batch size of RunReveal's own collector, reveald. RunReveal publishes no limit. */
const maxEventsPerRequest = 100;
const timeoutMs = 30_000;
const retries = 4;
const maxResponseBytes = 64 * 1024;

const runReveal: HttpService = {
  name: 'RunReveal',
  hintForStatus: (status) => {
    if (status === 400 || status === 422) {
      return 'RunReveal does not accept these events. Check that `format` is what the source expects.';
    }
    if (status === 401 || status === 403) {
      return "RunReveal does not accept the token. Check the token against the source's page in RunReveal.";
    }
    if (status === 404 || status === 410) {
      return 'RunReveal does not know this webhook. Check the URL, and check whether the source still exists.';
    }
    if (status === 413) return 'The request is too large. Send fewer events at a time.';
    if (status === 429) return 'Send events less often.';
    return '';
  },
  hintForRedirect: "Set `url` to the one on the source's page in RunReveal.",
  hintForTimeout: 'RunReveal may or may not have received the events. Send them again.',
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
    message: "is for a structured webhook only. Leave it out for the format 'reveald', whose sources have no token",
  });

/**
 * Returns a function that sends events to a webhook of RunReveal, in order, in requests of at most 100 events. The next request
 * starts when the one before it has been accepted. The promise resolves once RunReveal has accepted all events, with a status
 * below 300.
 *
 * Lost connections, timeouts (30 s) and the statuses 408, 429 and 5xx are retried up to four times. A retry waits for a
 * `Retry-After` of up to a minute. Redirects are refused.
 *
 * When the promise rejects, RunReveal may have received any part of the events. Send all of them again. A retry can repeat
 * events too. RunReveal cannot recognize repeated events in the structured format, which has no id. No error contains the URL
 * or the token.
 *
 * @returns a function that throws {@link AuditApiError} for a status of 400 or more, {@link AuditConnectionError} for an
 * incomplete response or a redirect, {@link AuditConfigError} for an invalid `receivedAt` in the context, and the signal's
 * reason after an abort.
 *
 * @throws {@link AuditConfigError} if an option is missing or wrong.
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
  url.hash = ''; // HTTP never sends the fragment.
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
    const batch = [...events]; // A copy, because the caller may change the array before the last request.
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

/** The status alone decides. A body that breaks off must not fail the request, because a retry would repeat the events. */
const discardBody = async ({ text }: HttpAnswer): Promise<void> => {
  await text().catch(() => {});
};
