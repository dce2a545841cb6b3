import * as z from 'zod';
import { AuditApiError } from '../errors.ts';
import { stringifyOrEmpty } from '../internal/safe-stringify.ts';
import type { Redact } from './redact.ts';
import { parseRetryAfter } from './retry-after.ts';
import type { HttpService } from './service.ts';

/** Shapes that an error's body has: `{code, message}`, `{error, error_description, state}`, `{errors: […]}`, `{}`. */
const errorBodySchema = z.object({
  code: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  error: z.string().optional().catch(undefined),
  error_description: z.string().optional().catch(undefined),
  /** What stands in the list is not documented. */
  errors: z.array(z.unknown()).optional().catch(undefined),
});

interface ErrorBody {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
}

/** How much of what came from elsewhere an error quotes. */
export const maxQuoteLength = 200;

/** Redacted last, and not before: escapes in the JSON would hide a token from that. */
const readErrorBody = (body: string, redact: Redact): ErrorBody => {
  const quote = (text: string | undefined) => (text === undefined ? undefined : redact(text, maxQuoteLength));
  try {
    const { code, message, error, error_description, errors } = errorBodySchema.parse(JSON.parse(body));
    const said = message ?? error_description ?? (errors && stringifyOrEmpty(errors));
    return { code: quote(code ?? error), message: quote(said) };
  } catch {
    return {}; // Empty, HTML, an array: the status says all there is to say.
  }
};

/** The error for an answer with a status of 400 or more. `redact` takes the secrets out of what the server said. */
export function apiError(
  service: HttpService,
  answer: { readonly status: number; readonly headers: Headers; readonly body: string },
  request: string,
  redact: Redact,
): AuditApiError {
  const { status, headers, body } = answer;
  const { code, message } = readErrorBody(body, redact);
  const said = message && message.toLowerCase() !== code?.replaceAll('_', ' ') ? `: ${message}` : '';
  const summary = `${service.name} answered ${status}${code ? ` (${code})` : ''} to ${request}${said}`;
  return new AuditApiError([summary.replace(/\.?$/, '.'), service.hintForStatus(status)].filter(Boolean).join(' '), {
    status,
    code,
    retryAfterMs: parseRetryAfter(headers),
  });
}
