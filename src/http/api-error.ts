import * as z from 'zod';
import { AuditApiError } from '../errors.ts';
import { stringifyOrEmpty } from '../internal/safe-stringify.ts';
import type { Redact } from './redact.ts';
import { parseRetryAfter } from './retry-after.ts';
import type { HttpService } from './service.ts';

/** An error body is `{code, message}`, `{error, error_description, state}`, `{errors: […]}` or `{}`. */
const errorBodySchema = z.object({
  code: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  error: z.string().optional().catch(undefined),
  error_description: z.string().optional().catch(undefined),
  /** PlanetScale does not document the items. */
  errors: z.array(z.unknown()).optional().catch(undefined),
});

interface ErrorBody {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
}

/** The number of characters of foreign text that an error quotes. */
export const maxQuoteLength = 200;

const readErrorBody = (body: string, redact: Redact): ErrorBody => {
  // The parsed text is redacted, not the JSON, whose escapes could hide a token.
  const quote = (text: string | undefined) => (text === undefined ? undefined : redact(text, maxQuoteLength));
  try {
    const { code, message, error, error_description, errors } = errorBodySchema.parse(JSON.parse(body));
    return {
      code: quote(code ?? error),
      message: quote(message ?? error_description ?? (errors && stringifyOrEmpty(errors))),
    };
  } catch {
    return {}; // An empty body, HTML or an array adds nothing to the status.
  }
};

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
  const { code, message } = readErrorBody(body, redact);
  const repeatsCode = message?.toLowerCase() === code?.replaceAll('_', ' ');
  const summary = [
    `${service.name} answered ${status}`,
    code && ` (${code})`,
    ` to ${request}`,
    message && !repeatsCode && `: ${message}`,
  ]
    .filter(Boolean)
    .join('');
  const sentences = [summary.replace(/\.?$/, '.'), service.hintForStatus(status)];
  return new AuditApiError(sentences.filter(Boolean).join(' '), {
    status,
    code,
    retryAfterMs: parseRetryAfter(headers),
  });
}
