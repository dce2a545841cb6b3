import * as z from 'zod/mini';
import { AuditConfigError } from '../errors.ts';
import { english } from './english.ts';
import { formatIssues, toAuditIssues } from './issues.ts';
import { maxTimerMs } from './sleep.ts';
import { explainUnknownKeys } from './unknown-keys.ts';

/** Names of options other than those in the schema, such as the environment variables that hold them. */
export type OptionNames = Readonly<Record<string, string>>;

/**
 * Returns the options with the defaults of their schema. An option that is undefined counts as left out.
 *
 * @param owner the function or class that takes the options, for the message
 * @throws AuditConfigError that names each invalid option. The message shows no value, because a value can be a credential.
 */
export function parseOptions<Schema extends z.ZodMiniType>(
  schema: Schema,
  options: unknown,
  owner: string,
  names: OptionNames = {},
): z.output<Schema> {
  const given = schema instanceof z.ZodMiniObject ? withoutUndefined(options) : options;
  const result = schema.safeParse(given, english);
  if (result.success) return result.data;
  if (schema instanceof z.ZodMiniObject && !isObject(options)) {
    throw new AuditConfigError(`${owner} ${describeMissing(options)}. Give it an object${requiredKeys(schema)}.`);
  }
  const issues = toAuditIssues({ issues: result.error.issues.flatMap((issue) => explainUnknownKeys(issue, schema)) });
  const nameOf = (path: string): string => (Object.hasOwn(names, path) ? (names[path] ?? path) : path);
  const named = issues.map(({ path, message }) => ({ path: nameOf(path), message }));
  throw new AuditConfigError(`${owner}: ${formatIssues(named)}`.replace(/[^.?]$/, '$&.'));
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** An instance of a class stays as it is: its methods and getters are not among its entries. */
const isPlainObject = (value: unknown): value is object => {
  if (!isObject(value) || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || (isObject(prototype) && Object.getPrototypeOf(prototype) === null); // Of any realm.
};

const withoutUndefined = (options: unknown): unknown =>
  isPlainObject(options)
    ? Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
    : options;

const describeMissing = (options: unknown): string =>
  options === undefined ? 'got no options' : 'got options that are not an object';

/** The options that have no default, as the end of a sentence. */
const requiredKeys = ({ shape }: z.ZodMiniObject): string => {
  const required = Object.keys(shape).filter((key) => !z.safeParse(shape[key] ?? z.any(), undefined).success);
  return required.length === 0 ? '' : ` with ${required.join(', ')}`;
};

export const wholeNumberSchema = (min: number, max: number, message = `must be a whole number from ${min} to ${max}`) =>
  z.int(message).check(z.minimum(min, message), z.maximum(max, message));

/** Accepts a wait that fits a timer, unless `max` allows more. */
export const millisecondsSchema = (min: number, max = maxTimerMs) => {
  const message = `must be a number of milliseconds from ${min} to ${max}`;
  return z.number(message).check(z.minimum(min, message), z.maximum(max, message));
};

export const booleanSchema = /* @__PURE__ */ (() => z.boolean('must be true or false'))();

export const abortSignalSchema = /* @__PURE__ */ (() =>
  z.optional(z.instanceof(AbortSignal, { message: 'must be an AbortSignal' })))();

/** Accepts a text of at least one character. */
export const nonEmptySchema = (message = 'must not be empty') => z.string().check(z.minLength(1, message));

export const actionsSchema = /* @__PURE__ */ (() =>
  z.optional(z.readonly(z.array(nonEmptySchema()).check(z.minLength(1, 'must name an action, or be left out')))))();

const dateMessage = "must be a valid Date: pass new Date('2026-11-01')";

export const dateSchema = /* @__PURE__ */ (() => z.date(dateMessage))();

/** Gives what is wrong with a text that shells, containers or CI were to fill in, or `''`. */
const unfilledReason = (text: string): string => {
  if (/^["'`]|["'`]$/.test(text)) {
    return 'must not stand in quotes (docker --env-file keeps them, so remove the quotes there)';
  }
  if (/^<.*>$/s.test(text)) return 'must be the value itself, and not a placeholder in angle brackets';
  // Shells and CI write ${NAME} and $NAME, Azure and Kubernetes $(NAME), Windows %NAME%, templates {{ name }}.
  return /\$\{|\{\{|^\$\w+$|^\$\(.*\)$|^%\w+%$/.test(text)
    ? 'must be the value itself, and not the name of a variable (nothing has replaced the variable by its value)'
    : '';
};

/** Refuses a text for which the function returns a reason, and accepts it for `''`. */
const refuseFor = (reasonAgainst: (text: string) => string) =>
  z.superRefine<string>((text, context) => {
    const message = reasonAgainst(text);
    if (message) context.addIssue({ code: 'custom', message, input: undefined });
  });

/** Refuses text that shows a mistake in how it was filled in. */
export const filledInSchema = /* @__PURE__ */ (() => z.string().check(refuseFor(unfilledReason)))();

/**
 * Accepts a token for a header.
 *
 * @param reasonAgainst gives the reason why a text cannot be the credential, or `''`
 */
export const credentialSchemaWith = (reasonAgainst: (text: string) => string) =>
  nonEmptySchema().check(refuseFor((text) => unfilledReason(text) || reasonAgainst(text) || unsendableReason(text)));

/** A header cannot carry a line feed or a typographic quote that was copied with the token. */
const unsendableReason = (text: string): string =>
  /^[\x21-\x7e]*$/.test(text) ? '' : 'must be printable ASCII without white space (check for a line feed at its end)';

/** Accepts a token for a header. */
export const credentialSchema = /* @__PURE__ */ (() => credentialSchemaWith(() => ''))();

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
  z.pipe(
    z.union([z.string(), z.instanceof(URL)], 'must be a URL'),
    z.transform((value, context) => {
      const url = URL.parse(String(value));
      const reason = url
        ? rejectionOf(url) || insecureUrlReason(url)
        : unfilledReason(String(value)) || notAbsoluteMessage;
      if (url && !reason) return url;
      context.issues.push({ code: 'custom', message: reason, input: value });
      return z.NEVER;
    }),
  );
