/** A character as it is, or as JSON or a URL may write it: `c`, `\c`, `\u0063`, `%63`. */
const inAnySpelling = (char: string): string => {
  const code = char.charCodeAt(0).toString(16);
  const hex = [...code].map((digit) => `[${digit}${digit.toUpperCase()}]`).join('');
  const literal = char.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return `(?:\\\\?${literal}|\\\\u00${hex}|%${hex})`;
};

/**
 * Makes a function that takes the secrets out of text that came from elsewhere and goes into an error. Secrets are printable
 * ASCII.
 */
export function redactor(secrets: readonly string[]): (text: string) => string {
  // The longest first: `id:token` before the `token` inside it.
  const longestFirst = secrets.toSorted((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map((secret) => [...secret].map(inAnySpelling).join('')).join('|'), 'g');
  return (text) => text.replace(pattern, '[redacted]');
}
