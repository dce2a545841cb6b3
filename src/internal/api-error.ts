import * as z from 'zod';
import { AuditApiError } from '../errors.ts';
import type { HttpService } from './http-service.ts';
import { retryAfterMs } from './retry-after.ts';

/** Two of the shapes that an error's body has: `{code, message}` and `{error, error_description, state}`. Both are optional. */
const errorBodySchema = z.object({
  code: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  error: z.string().optional().catch(undefined),
  error_description: z.string().optional().catch(undefined),
});

interface SaidByApi {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
}

const longestQuote = 200;

const quote = (text: string | undefined, redact: (text: string) => string): string | undefined =>
  text === undefined ? undefined : redact(text).slice(0, longestQuote);

/** Redacted last, and not before: escapes in the JSON would hide a token from that. */
const readErrorBody = (body: string, redact: (text: string) => string): SaidByApi => {
  try {
    const { code, message, error, error_description } = errorBodySchema.parse(JSON.parse(body));
    return { code: quote(code ?? error, redact), message: quote(message ?? error_description, redact) };
  } catch {
    return {}; // Empty, HTML, an array: the status says all there is to say.
  }
};

/** The error for an answer with a status of 400 or more. `redact` takes the secrets out of what the server said. */
export function apiError(
  service: HttpService,
  answer: { readonly status: number; readonly headers: Headers; readonly body: string },
  request: string,
  redact: (text: string) => string,
): AuditApiError {
  const { status, headers, body } = answer;
  const { code, message } = readErrorBody(body, redact);
  const said = message && message.toLowerCase() !== code?.replaceAll('_', ' ') ? `: ${message}` : '';
  const summary = `${service.name} answered ${status}${code ? ` (${code})` : ''} to ${request}${said}`;
  return new AuditApiError([summary.replace(/\.?$/, '.'), service.adviceOnStatus(status)].filter(Boolean).join(' '), {
    status,
    code,
    retryAfterMs: retryAfterMs(headers),
  });
}
