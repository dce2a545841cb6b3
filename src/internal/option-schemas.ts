import * as z from 'zod';

/** A token that goes into a header. */
export const credentialSchema = z
  .string()
  .min(1, 'must not be empty')
  // Anything else is a copied line feed or quote, which no header can carry.
  .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without white space: check for a line feed at its end');

/** Checked by hand: `z.function()` would wrap it. */
export const functionSchema = <Fn extends (...args: never[]) => unknown>() =>
  z.custom<Fn>((value) => typeof value === 'function', 'must be a function');

/** Not the names below `localhost`: some resolvers ask the DNS for them. */
const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname);

/** Why no secret should be sent to a URL; `''` where one may be. */
export const insecureUrlReason = (url: URL): string => {
  if (url.username || url.password) return 'must not hold a user or a password: give the credentials as options';
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) return '';
  return 'must be https: (http: is for loopback alone, since the credentials would be readable on the way)';
};
