import * as z from 'zod';
import { AuditConfigError } from '../errors.ts';
import { formatIssues, toAuditIssues } from './issues.ts';
import { maxTimerMs } from './sleep.ts';

/**
 * Returns the options with the defaults of their schema.
 *
 * @param owner the function or class that takes the options, for the message
 * @throws AuditConfigError that names each invalid option. The message shows no value, because a value can be a credential.
 */
export function parseOptions<Schema extends z.ZodType>(
  schema: Schema,
  options: unknown,
  owner: string,
): z.output<Schema> {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  throw new AuditConfigError(`${owner}: ${formatIssues(toAuditIssues(result.error))}.`);
}

const withRange = (number: z.ZodNumber, min: number, max: number, message: string) =>
  number.min(min, message).max(max, message);

export const wholeNumberSchema = (min: number, max: number, message = `must be a whole number from ${min} to ${max}`) =>
  withRange(z.int(message), min, max, message);

/** Accepts a wait that fits a timer. */
export const millisecondsSchema = (min: number) => {
  const message = `must be a number of milliseconds from ${min} to ${maxTimerMs}`;
  return withRange(z.number(message), min, maxTimerMs, message);
};

export const booleanSchema = z.boolean('must be true or false');

export const abortSignalSchema = z.instanceof(AbortSignal, { message: 'must be an AbortSignal' }).optional();

export const actionsSchema = z
  .array(z.string().min(1, 'must not be empty'))
  .min(1, 'must name an action, or be left out')
  .readonly()
  .optional();

/** Accepts a token for a header. */
export const credentialSchema = z
  .string()
  .min(1, 'must not be empty')
  // A header cannot carry a line feed or a typographic quote that was copied with the token.
  .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without white space (check for a line feed at its end)');

/** Accepts a function and returns it as it is. `z.function()` would wrap it. */
export const functionSchema = <Fn extends (...args: never[]) => unknown>() =>
  z.custom<Fn>((value) => typeof value === 'function', 'must be a function');

/** Excludes subdomains of `localhost`, which some resolvers look up in the DNS. */
const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname);

/** Returns the reason why no secret may be sent to a URL, or `''`. */
const insecureUrlReason = (url: URL): string => {
  if (url.username || url.password) return 'must not hold a user or a password (give the credentials as options)';
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) return '';
  return 'must use https (http is allowed only on loopback, because others on the network could read the credentials)';
};

/**
 * Accepts an absolute URL to which secrets may be sent, and returns it as a `URL`.
 *
 * @param notAbsoluteMessage the message for text that is not an absolute URL
 * @param rejectionOf returns the reason why a URL cannot be used, or `''`
 */
export const secureUrlSchema = (notAbsoluteMessage: string, rejectionOf: (url: URL) => string = () => '') =>
  z.union([z.string(), z.instanceof(URL)], 'must be a URL').transform((value, context) => {
    const url = URL.parse(String(value));
    const reason = url ? rejectionOf(url) || insecureUrlReason(url) : notAbsoluteMessage;
    if (url && !reason) return url;
    context.addIssue({ code: 'custom', message: reason });
    return z.NEVER;
  });
