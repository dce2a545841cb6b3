/** A character as it is, or as JSON or a URL may write it: `c`, `\c`, `\u0063`, `%63`. */
const inAnySpelling = (char: string): string => {
  const code = char.charCodeAt(0).toString(16);
  const hex = [...code].map((digit) => `[${digit}${digit.toUpperCase()}]`).join('');
  const literal = char.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return `(?:\\\\?${literal}|\\\\u00${hex}|%${hex})`;
};

/**
 * Makes a function that takes the secrets out of text that came from elsewhere and goes into an error. The escapes
 * are those of printable ASCII.
 */
export function redactor(secrets: readonly string[]): (text: string) => string {
  // The longest first: `id:token` before the `token` inside it.
  const longestFirst = secrets.toSorted((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map((secret) => [...secret].map(inAnySpelling).join('')).join('|'), 'g');
  return (text) => text.replace(pattern, '[redacted]');
}

/** Anything shorter would be found in every other word. */
const shortestSecret = 4;

/**
 * What of a URL must not appear in an error, where the URL is a secret: the whole of it, its host, and each part but the words
 * that everybody knows.
 */
export function secretsOfUrl(url: URL, publicWords: readonly string[]): string[] {
  const path = `${url.pathname}${url.search}`;
  const parts = path.split(/[/?&=]/);
  const secrets = [url.href, url.host, url.hostname, path, ...parts, ...parts.map(decoded)];
  return secrets.filter((secret) => secret.length >= shortestSecret && !publicWords.includes(secret));
}

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // It has a % that is one.
  }
};
