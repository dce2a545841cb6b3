import * as z from 'zod';
import { AuditApiError } from '../errors.ts';
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

const whereToGrant =
  'An organization admin grants read_audit_logs to a service token in PlanetScale under Settings > Service tokens.';

/** What to do about a status, where the API's own words do not tell. */
const advice = (status: number): string => {
  if (status === 401) return `The credentials were not accepted. ${whereToGrant}`;
  if (status === 403)
    return `The credentials lack a permission: reading the audit log takes read_audit_logs. ${whereToGrant}`;
  if (status === 404) {
    return 'It answers so for a wrong organization, a wrong or expired token, and a token without read_audit_logs: `client.verifyAccess()` tells which.';
  }
  if (status === 429)
    return 'That is more than its rate limit of 600 requests a minute allows: lower requestsPerMinute, or poll less often.';
  return '';
};

/** The error for an answer with a status of 400 or more. `redact` takes the credentials out of what the server said. */
export function apiError(
  answer: { readonly status: number; readonly headers: Headers; readonly body: string },
  request: string,
  redact: (text: string) => string,
): AuditApiError {
  const { status, headers, body } = answer;
  const { code, message } = readErrorBody(body, redact);
  const said = message && message.toLowerCase() !== code?.replaceAll('_', ' ') ? `: ${message}` : '';
  const summary = `PlanetScale answered ${status}${code ? ` (${code})` : ''} to ${request}${said}`;
  return new AuditApiError([summary.replace(/\.?$/, '.'), advice(status)].filter(Boolean).join(' '), {
    status,
    code,
    retryAfterMs: retryAfterMs(headers),
  });
}
