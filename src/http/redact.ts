/** A character as it is, or as JSON or a URL may write it: `c`, `\c`, `\u0063`, `%63`. */
const anyEncodingOf = (char: string): string => {
  const code = char.charCodeAt(0).toString(16);
  const literal = char.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return `(?:\\\\?${literal}|\\\\u${code.padStart(4, '0')}|%${code})`;
};

/** `\u0063` */
const maxEncodingLength = 6;

/** Of a secret that an echo has cut off, so many characters are enough to know it. */
const minPartLength = 12;

/** Whatever PlanetScale made as a token, ours or not. */
const anyToken = String.raw`pscale_[a-z]+_[\w-]+`;

/** Up to where a string in JSON ends, or a word. */
const restOfString = String.raw`(?:\\.|[^\s"\\])*`;

const encodedPattern = (text: string): string => [...text].map(anyEncodingOf).join('');

/** Takes the secrets out of text that came from elsewhere; with `most`, gives no more than so many characters of it. */
export type Redact = (text: string, most?: number) => string;

/** Makes the function that redacts text on its way into an error. */
export function createRedactor(secrets: readonly string[]): Redact {
  // The longest first: a whole URL before the parts of it.
  const longestFirst = secrets.toSorted((a, b) => b.length - a.length);
  const parts = longestFirst
    .filter(({ length }) => length > minPartLength)
    .map((secret) => secret.slice(0, minPartLength));
  const patterns = [
    ...longestFirst.map(encodedPattern),
    ...parts.map((part) => encodedPattern(part) + restOfString),
    anyToken,
  ];
  const pattern = new RegExp(patterns.join('|'), 'gi');
  const longest = maxEncodingLength * (longestFirst[0]?.length ?? 0);
  return (text, most = Number.POSITIVE_INFINITY) =>
    text
      .slice(0, most + longest)
      .replace(pattern, '[redacted]')
      .slice(0, most);
}

/** Anything shorter would be found in every other word. */
const minSecretLength = 4;

/**
 * What of a URL must not appear in an error, where the URL is a secret: the whole of it, its host, and each part but the words
 * that everybody knows.
 */
export function secretsInUrl(url: URL, publicWords: readonly string[]): string[] {
  const path = `${url.pathname}${url.search}`;
  const parts = path.split(/[/?&=]/);
  const secrets = [url.href, url.host, url.hostname, path, ...parts, ...parts.map(decoded)];
  return secrets.filter((secret) => secret.length >= minSecretLength && !publicWords.includes(secret.toLowerCase()));
}

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // It has a % that is one.
  }
};
