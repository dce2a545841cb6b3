import { isNetworkError } from 'ky';
import { errorCode, errorMessage, errorName } from '../internal/foreign-error.ts';

/** What went wrong with a request that has no answer. */
export interface Failure {
  /** The message and the code of the innermost cause. */
  readonly description: string;
  readonly retryable: boolean;
  /** What to do about it, as a sentence; `''` if nothing is known. */
  readonly hint: string;
}

/** Ends the search, since a chain of causes can be a circle. */
const maxCauseDepth = 10;

/**
 * Explains what `fetch` threw. Node puts the reason into `cause`, under the message `fetch failed`, and the error of ky wraps that
 * once more. No `instanceof`: an error of another realm, as under Jest, is no instance of this one's `Error`.
 */
export function describeFailure(error: unknown): Failure {
  const causes = causesOf(error);
  const innermost = causes.findLast((cause) => !saysNothing(cause));
  const message = messageOf(innermost);
  const code = errorCode(innermost);
  const described = code === undefined || message.includes(code) ? message : [code, message].filter(Boolean).join(': ');
  return {
    description: described || (isErrorLike(error) ? '' : errorMessage(error).trim()) || 'no reason given',
    retryable: !causes.some(isDenied) && !isNeverPassing(message) && !isProgramError(causes),
    hint: hintFor(causes, message),
  };
}

interface ErrorLike {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
  readonly value?: unknown;
}

const isErrorLike = (value: unknown): value is ErrorLike =>
  typeof value === 'object' && value !== null && ('message' in value || 'code' in value);

/** The error, its cause, the cause of that, and so on. The first of several errors stands for all of them. */
const causesOf = (error: unknown): ErrorLike[] => {
  const causes: ErrorLike[] = [];
  for (let cause = error; isErrorLike(cause) && causes.length < maxCauseDepth; ) {
    // ky wraps an error of another realm into a NonError.
    if (errorName(cause) !== 'NonError') causes.push(cause);
    cause = Array.isArray(cause.errors) ? cause.errors[0] : (cause.cause ?? cause.value);
  }
  return causes;
};

/** OpenSSL ends its messages with a line feed. */
const messageOf = (error: ErrorLike | undefined): string =>
  typeof error?.message === 'string' ? error.message.trim() : '';

const saysNothing = (error: ErrorLike | undefined): boolean =>
  messageOf(error) === '' && errorCode(error) === undefined;

/** What `fetch` says of a URL that it will never request, in Node and in Deno. */
const isNeverPassing = (message: string): boolean =>
  message === 'bad port' ||
  message === 'unknown scheme' ||
  /^Fetch failed: Requests to port \d+ are blocked$/.test(message);

/** Codes of Node for an argument that cannot be used, such as `ERR_INVALID_URL`. */
const invalidArgument = /^ERR_INVALID_/;

/** Deno's words for a body that breaks off. */
const brokenBody = 'error reading a body from connection';

/** The classes by which an engine reports a wrong program. No `fetch` reports a lost connection by one of them. */
const programErrorNames: ReadonlySet<string | undefined> = new Set([
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'URIError',
]);

/**
 * Whether a program is wrong, which no retry cures: `AbortSignal.any is not a function`. `fetch` reports a lost connection by a
 * TypeError too. ky recognizes most of them, Deno's for a body has words of its own, and Bun's have a code.
 */
const isProgramError = (causes: readonly ErrorLike[]): boolean => {
  const [outermost] = causes;
  // A wrapper of fetch may have tried to parse an answer that is no JSON.
  if (programErrorNames.has(errorName(outermost))) return !messageOf(outermost).includes('JSON');
  if (outermost?.name !== 'TypeError' || isNetworkError(outermost)) return false;
  if (messageOf(outermost).startsWith(brokenBody)) return false;
  return causes.map(errorCode).every((code) => code === undefined || invalidArgument.test(code));
};

/** Node's code for a refusal by its permission model. Deno has errors of its own, whose messages name the permission. */
const permissionCode = 'ERR_ACCESS_DENIED';
const permissionNames: ReadonlySet<string | undefined> = new Set(['NotCapable', 'PermissionDenied']);

const isDenied = (error: ErrorLike): boolean =>
  errorCode(error) === permissionCode || permissionNames.has(errorName(error));

const tlsCodes: ReadonlySet<string | undefined> = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const tlsHint =
  'The certificate was not accepted. If your network inspects TLS, set NODE_EXTRA_CA_CERTS to the file of its CA certificate.';
const permissionHint =
  'The permission model of the runtime refused the connection. Start Node or Deno with --allow-net for the host.';
const proxyLoginHint =
  'The proxy asks for a login. Put a user and a password into the URL of HTTPS_PROXY, http://user:password@host:port.';
const proxyRefusalHint = 'The proxy refuses to connect to this host. Ask its operator to allow it.';
const noReasonHint =
  'Node names no reason if a proxy asks for a login (407). Check the proxy settings, and the user and the password in the URL of HTTPS_PROXY.';
const programHint = 'The program is wrong, and not the network. Check the fetch function.';
const badPortHint = 'fetch never uses this port or protocol. Change the URL.';

/** Node's words for a proxy that does not open a tunnel. */
const refusedTunnel = /^Proxy response \((\d+)\)/;

const hintFor = (causes: readonly ErrorLike[], message: string): string => {
  if (causes.some(isDenied)) return permissionHint;
  if (causes.some((cause) => tlsCodes.has(errorCode(cause))) || message.includes('invalid peer certificate')) {
    return tlsHint;
  }
  if (isNeverPassing(message)) return badPortHint;
  if (isProgramError(causes)) return programHint;
  const status = refusedTunnel.exec(message)?.[1];
  if (status === '407') return proxyLoginHint;
  if (status === '403' || status === '405') return proxyRefusalHint;
  return causes.length > 1 && saysNothing(causes.at(-1)) ? noReasonHint : '';
};
