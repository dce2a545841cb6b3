import * as z from 'zod/mini';
import type { AuditEvent } from '../../audit-log/event.ts';
import { AuditApiError } from '../../errors.ts';
import { type HttpAnswer, HttpClient } from '../../http/http-client.ts';
import { quote } from '../../http/quote.ts';
import { secretsInUrl } from '../../http/redact.ts';
import type { HttpService } from '../../http/service.ts';
import { checkKeys } from '../../internal/known-keys.ts';
import {
  credentialSchema,
  functionSchema,
  parseOptions,
  secureUrlSchema,
  wholeNumberSchema,
} from '../../internal/option-schemas.ts';
import type { Promisable } from '../../internal/types.ts';
import { toText } from '../../internal/well-formed.ts';
import type { RunRevealContext } from '../context.ts';
import { checkContext } from '../fields.ts';
import { requestParts, type WrittenEvent } from './request-parts.ts';
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
   * The maximum size of one request, in bytes of JSON. A batch is split before it is sent. A single event that is larger is sent
   * alone. RunReveal publishes no limit; servers and proxies often have one of 1 MiB.
   *
   * @default 1_000_000
   */
  readonly maxBytes?: number | undefined;
  /**
   * Decides about an event that RunReveal refuses as too large (413) even alone.
   *
   * - `'throw'`: the promise rejects with an {@link AuditApiError} that names the event. A poller would then stop at this event
   *   again and again.
   * - A function: it receives the event and is awaited, and the events after it are sent then. Store the event elsewhere, or it
   *   is lost. The caller receives the errors of this function.
   *
   * @default 'throw'
   */
  readonly onTooLarge?: 'throw' | ((event: AuditEvent) => Promisable<void>) | undefined;
  /**
   * The function that sends the requests.
   *
   * @default globalThis.fetch
   */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** The parts of RunReveal's URLs that are no secret, and stay readable in errors. */
const publicWords = ['sources', 'hook', 'reveald', 'webhook'];

const defaultMaxBytes = 1_000_000;
const timeoutMs = 30_000;
const retries = 4;
const maxResponseBytes = 64 * 1024;

const runReveal: HttpService = {
  name: 'RunReveal',
  errorsAreJson: false, // RunReveal does not publish the bodies of its errors.
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
    if (status === 429) return 'Send events less often.';
    return '';
  },
  hintForRedirect: "Set `url` to the one on the source's page in RunReveal.",
  hintForTimeout: 'RunReveal may or may not have received the events. Send them again.',
};

/** Checked because `send(batch, signal)`, without braces, would not end at an abort. */
const sendOptionKeys: ReadonlySet<string> = /* @__PURE__ */ new Set(['signal']);

const optionsSchema = /* @__PURE__ */ (() =>
  z
    .strictObject({
      url: secureUrlSchema("must be the absolute URL on the source's page in RunReveal"),
      token: z.optional(credentialSchema),
      format: z._default(z.enum(['structured', 'reveald'], "must be 'structured' or 'reveald'"), 'structured'),
      context: z.optional(z.custom<RunRevealContext>()),
      maxBytes: z._default(
        wholeNumberSchema(1, Number.MAX_SAFE_INTEGER, 'must be a whole number of bytes, at least 1'),
        defaultMaxBytes,
      ),
      onTooLarge: z._default(
        z.union(
          [z.literal('throw'), functionSchema<(event: AuditEvent) => Promisable<void>>()],
          "must be 'throw' or a function",
        ),
        'throw',
      ),
      fetch: z.optional(functionSchema<typeof globalThis.fetch>()),
    })
    .check(
      z.refine(({ format, token }) => format === 'structured' || token === undefined, {
        path: ['token'],
        message: "is for a structured webhook only. Leave it out for the format 'reveald', whose sources have no token",
      }),
    ))();

/**
 * Returns a function that sends events to a webhook of RunReveal, in order, in requests of at most 100 events and `maxBytes`. The
 * next request starts when the one before it has been accepted. The promise resolves once RunReveal has accepted all events, with
 * a status below 300.
 *
 * If RunReveal refuses a request as too large (413), its events are sent in two halves, and so on down to one event, about which
 * `onTooLarge` decides.
 *
 * Lost connections, timeouts (30 s) and the statuses 408, 429 and 5xx are retried up to four times. A retry waits for a
 * `Retry-After` of up to a minute. Redirects are refused.
 *
 * When the promise rejects, RunReveal may have received any part of the events. Send all of them again. A retry can repeat
 * events too. RunReveal cannot recognize repeated events in the structured format, which has no id. No error contains the URL
 * or the token.
 *
 * @returns a function that throws {@link AuditApiError} for a status of 400 or more, {@link AuditConnectionError} for an
 * incomplete response or a redirect, {@link AuditConfigError} for an invalid `receivedAt` in the context or an unknown option, the
 * error of `onTooLarge`, and the signal's reason after an abort.
 *
 * @throws {@link AuditConfigError} if an option is missing, wrong or unknown, or if the context has an unknown key.
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
  const {
    url,
    token,
    format,
    context = {},
    maxBytes,
    onTooLarge,
    fetch,
  } = parseOptions(optionsSchema, options, 'runRevealWebhook');
  checkContext(context);
  url.hash = ''; // HTTP never sends the fragment.
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

  const post = (part: readonly WrittenEvent[], signal: AbortSignal | undefined) => {
    const body = `[${part.map(({ json }) => json).join(',')}]`;
    const name = `a POST of ${part.length} event(s)`;
    return http.send({ name, method: 'POST', url: url.href, headers, body, read: discardBody }, signal);
  };

  const send = async (part: readonly WrittenEvent[], signal: AbortSignal | undefined): Promise<void> => {
    try {
      return await post(part, signal);
    } catch (error) {
      if (!(error instanceof AuditApiError) || error.status !== 413) throw error;
      const [only] = part;
      if (part.length === 1 && only) {
        if (onTooLarge === 'throw') throw tooLargeError(error, quote(toText(only.event.id), http.redact));
        return await onTooLarge(only.event);
      }
    }
    const middle = Math.ceil(part.length / 2);
    await send(part.slice(0, middle), signal);
    await send(part.slice(middle), signal);
  };

  return async (events, sendOptions = {}) => {
    checkKeys('send of runRevealWebhook', sendOptionKeys, sendOptions);
    const { signal } = sendOptions;
    signal?.throwIfAborted();
    const batch = [...events]; // A copy, because the caller may change the array before the last request.
    for (const part of requestParts(batch, (event) => write(event, context), maxBytes)) await send(part, signal);
  };
}

const tooLargeError = ({ message, status, code, retryAfterMs, fromIntermediary }: AuditApiError, id: string) =>
  new AuditApiError(
    `${message} The event ${id} is too large even alone. Set onTooLarge to a function that stores such an event elsewhere, so that the events after it are sent.`,
    { status, code, retryAfterMs, fromIntermediary },
  );

const structuredJson = (event: AuditEvent, context: RunRevealContext): string =>
  JSON.stringify(toStructuredWebhook(event, context));

/** The status alone decides. A body that breaks off must not fail the request, because a retry would repeat the events. */
const discardBody = async ({ text }: HttpAnswer): Promise<void> => {
  await text().catch(() => {});
};
