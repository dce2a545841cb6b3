import { type DecodedText, readingsOf } from './decoded-text.ts';
import { spellingsOf } from './secret-spellings.ts';

/** The length of the part by which a truncated secret is recognized. A server may cut a secret off in its message. */
const minPartLength = 12;

/** Matches any token that PlanetScale issued, whether a client uses it or not. */
const anyToken = /pscale_[a-z]+_[\w-]+/g;

/** The length of an escaped character, `\u0063`, with an escaped invisible character after it. */
const maxEncodingLength = 12;

/** Replaces the secrets in a text with `[redacted]`, and cuts the result to `maxLength` characters. */
export type Redact = (text: string, maxLength?: number) => string;

/**
 * Returns the function that redacts foreign text before an error quotes it. The function finds a secret in any case, without the
 * prefix of a token, in base64, with escapes of JSON or a URL, with invisible characters in it, and without its end.
 */
export function createRedactor(secrets: readonly string[]): Redact {
  const spellings = secrets.flatMap(spellingsOf);
  const wholes = new Set(spellings.flatMap(readingsOf).map(({ text }) => text));
  wholes.delete('');
  const parts = new Set([...wholes].filter(isLong).map((whole) => whole.slice(0, minPartLength)));
  const maxSecretLength = maxEncodingLength * Math.max(0, ...spellings.map(({ length }) => length));

  return (text, maxLength = Number.POSITIVE_INFINITY) => {
    const original = text.slice(0, maxLength + maxSecretLength); // A secret that the quote would cut in two is still seen whole.
    const isSecret = new Uint8Array(original.length);
    const readings = readingsOf(original);
    for (const reading of readings) {
      for (const whole of wholes) markWholes(reading, whole, isSecret);
      for (const { 0: token, index } of reading.text.matchAll(anyToken)) mark(reading, index, token.length, isSecret);
    }
    for (const reading of readings) for (const part of parts) markParts(reading, part, original, isSecret);
    return replaceMarked(original, isSecret).slice(0, maxLength);
  };
}

const isLong = ({ length }: string): boolean => length > minPartLength;

function* placesOf(part: string, text: string): Generator<number> {
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + part.length)) yield at;
}

const mark = ({ places }: DecodedText, at: number, length: number, isSecret: Uint8Array): void => {
  isSecret.fill(1, places[at], places[at + length]);
};

const markWholes = (reading: DecodedText, whole: string, isSecret: Uint8Array): void => {
  for (const at of placesOf(whole, reading.text)) mark(reading, at, whole.length, isSecret);
};

/** Marks the rest of the word as well, which holds what is left of the secret. */
const markParts = ({ text, places }: DecodedText, part: string, original: string, isSecret: Uint8Array): void => {
  for (const at of placesOf(part, text)) {
    const start = places[at] ?? 0;
    if (!isSecret[start]) isSecret.fill(1, start, endOfWord(original, places[at + part.length] ?? start));
  }
};

/** Returns the end of a JSON string or of a word. A pattern for a whole word could exhaust the stack. */
const endOfWord = (text: string, from: number): number => {
  const pattern = /[\s"]|\\[\s\S]/g;
  pattern.lastIndex = from;
  let match = pattern.exec(text);
  while (match && match[0].length > 1) match = pattern.exec(text);
  return match?.index ?? text.length;
};

const replaceMarked = (text: string, isSecret: Uint8Array): string => {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const start = indexOrEnd(isSecret, 1, at);
    const end = indexOrEnd(isSecret, 0, start);
    parts.push(text.slice(at, start));
    if (start < end) parts.push('[redacted]');
    at = end;
  }
  return parts.join('');
};

const indexOrEnd = (isSecret: Uint8Array, value: 0 | 1, from: number): number => {
  const index = isSecret.indexOf(value, from);
  return index === -1 ? isSecret.length : index;
};

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
