import * as z from 'zod/mini';
import { AuditApiError } from '../errors.ts';
import { stringifyOrEmpty } from '../internal/safe-stringify.ts';
import { withFallback } from '../internal/with-fallback.ts';
import { quote } from './quote.ts';
import type { Redact } from './redact.ts';
import { parseRetryAfter } from './retry-after.ts';
import type { HttpService } from './service.ts';

const textSchema = /* @__PURE__ */ (() => withFallback(z.optional(z.string()), undefined))();

/** An error body is `{code, message}`, `{error, error_description, state}`, `{errors: […]}` or `{}`. */
const errorBodySchema = /* @__PURE__ */ (() =>
  z.object({
    code: textSchema,
    message: textSchema,
    error: textSchema,
    error_description: textSchema,
    /** PlanetScale does not document the items. */
    errors: withFallback(z.optional(z.custom<readonly unknown[]>(Array.isArray)), undefined),
  }))();

interface ErrorBody {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
}

/** The body of an error; undefined if it is no JSON. An empty body and JSON of another shape say nothing. */
const parseErrorBody = (body: string): ErrorBody | undefined => {
  if (body.trim() === '') return {};
  try {
    const { data = {} } = errorBodySchema.safeParse(JSON.parse(body));
    const { code, message, error, error_description, errors } = data;
    return { code: code ?? error, message: message ?? error_description ?? (errors && stringifyOrEmpty(errors)) };
  } catch {
    return undefined;
  }
};

const quoteIfAny = (text: string | undefined, redact: Redact): string | undefined => {
  const trimmed = text?.trim();
  return trimmed ? quote(trimmed, redact) : undefined;
};

const intermediaryMessage = (service: HttpService, status: number, request: string): string =>
  `A proxy or a firewall between this machine and ${service.name} has probably answered ${status} to ${request}, since the body is not JSON. Check the proxy settings and baseUrl.`;

/** Returns the error for a response with a status of 400 or more. The error quotes the body, redacted. */
export function apiError({
  service,
  request,
  status,
  headers,
  body,
  redact,
}: {
  readonly service: HttpService;
  readonly request: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  readonly redact: Redact;
}): AuditApiError {
  const retryAfterMs = parseRetryAfter(headers);
  const errorBody = parseErrorBody(body);
  if (errorBody === undefined && service.errorsAreJson) {
    const message = intermediaryMessage(service, status, request);
    return new AuditApiError(message, { status, retryAfterMs, fromIntermediary: true });
  }
  // The parsed text is redacted, not the JSON, whose escapes could hide a token.
  const code = quoteIfAny(errorBody?.code, redact);
  const message = quoteIfAny(errorBody?.message, redact);
  const repeatsCode = message?.toLowerCase() === code?.replaceAll('_', ' ');
  const summary = [
    `${service.name} answered ${status}`,
    code && ` (${code})`,
    ` to ${request}`,
    message && !repeatsCode && `: ${message}`,
  ]
    .filter(Boolean)
    .join('');
  const hint = service.hintForStatus(status);
  return new AuditApiError([summary.replace(/\.?$/, '.'), hint].filter(Boolean).join(' '), {
    status,
    code,
    retryAfterMs,
  });
}
