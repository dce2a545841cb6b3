/** Returns a pattern for a character plain, escaped in JSON or encoded in a URL: `c`, `\c`, `\u0063`, `%63`. */
const anyEncodingOf = (char: string): string => {
  const code = char.charCodeAt(0).toString(16);
  const literal = char.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return `(?:\\\\?${literal}|\\\\u${code.padStart(4, '0')}|%${code})`;
};

/** The length of `\u0063`. */
const maxEncodingLength = 6;

/** The length of the part by which a truncated secret is recognized. A server may cut a secret off in its message. */
const minPartLength = 12;

/** Matches any token that PlanetScale issued, whether a client uses it or not. */
const anyToken = String.raw`pscale_[a-z]+_[\w-]+`;

/** Matches up to the end of a JSON string or of a word. */
const restOfString = String.raw`(?:\\.|[^\s"\\])*`;

const encodedPattern = (text: string): string => [...text].map(anyEncodingOf).join('');

/** Replaces the secrets in a text with `[redacted]`, and cuts the result to `maxLength` characters. */
export type Redact = (text: string, maxLength?: number) => string;

/** Returns the function that redacts foreign text before an error quotes it. */
export function createRedactor(secrets: readonly string[]): Redact {
  // A whole URL must match before its parts do.
  const byLength = secrets.toSorted((a, b) => b.length - a.length);
  const parts = byLength.filter(({ length }) => length > minPartLength).map((secret) => secret.slice(0, minPartLength));
  const patterns = [
    ...byLength.map(encodedPattern),
    ...parts.map((part) => encodedPattern(part) + restOfString),
    anyToken,
  ];
  const pattern = new RegExp(patterns.join('|'), 'gi');
  const maxSecretLength = maxEncodingLength * (byLength[0]?.length ?? 0);
  return (text, maxLength = Number.POSITIVE_INFINITY) =>
    text
      .slice(0, maxLength + maxSecretLength) // A secret that the quote would cut in two is still seen whole.
      .replace(pattern, '[redacted]')
      .slice(0, maxLength);
}

/** A shorter part of a URL would match inside ordinary words. */
const minSecretLength = 4;

/** Returns the secrets in a URL that is a secret itself: the whole URL, its host, and each part that is not a public word. */
export function secretsInUrl(url: URL, publicWords: readonly string[]): string[] {
  const path = `${url.pathname}${url.search}`;
  const parts = path.split(/[/?&=]/);
  const secrets = [url.href, url.host, url.hostname, path, ...parts, ...parts.map(decode)];
  return secrets.filter((secret) => secret.length >= minSecretLength && !publicWords.includes(secret.toLowerCase()));
}

const decode = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // A bare % is no encoding.
  }
};
