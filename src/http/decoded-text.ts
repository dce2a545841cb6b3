/** A text without its escapes and invisible characters, in lower case. */
export interface DecodedText {
  readonly text: string;
  /** The place of each character in the original text, and then the length of the original. */
  readonly places: Uint32Array;
}

/** The soft hyphen, zero-width spaces and joiners, the word joiner and the byte order mark. */
const invisible = /[\u00ad\u200b-\u200d\u2060\ufeff]+/g;

/**
 * Invisible characters, as UTF-8 in a URL too, and escapes of JSON and of a URL: `\u0063`, `%63`, `\c`. JSON in JSON has up to four
 * backslashes.
 */
const escaped =
  /[\u00ad\u200b-\u200d\u2060\ufeff]+|%c2%ad|%e2%80%8[bcd]|%e2%81%a0|%ef%bb%bf|\\{1,4}u[\da-f]{4}|%[\da-f]{2}|\\[^%]/gi;

/**
 * Returns the readings of a text: one without its invisible characters, and one without its escapes too. The second alone would
 * not do, because an escape before a secret, such as a lone `%`, can take in its first characters.
 */
export function readingsOf(original: string): readonly DecodedText[] {
  const visible = decode(original, invisible);
  return /[\\%]/.test(original) ? [visible, decode(original, escaped)] : [visible];
}

const decode = (original: string, pattern: RegExp): DecodedText => {
  const places = new Uint32Array(original.length + 1);
  let length = 0;
  let at = 0;
  const copyTo = (end: number): void => {
    while (at < end) places[length++] = at++;
  };
  const text = original.replace(pattern, (match, index: number) => {
    copyTo(index);
    const char = charOf(match).replace(invisible, '');
    if (char !== '') places[length++] = index;
    at = index + match.length;
    return char;
  });
  copyTo(original.length + 1);
  return { text: toLowerCase(text), places };
};

/** Returns the character of an escape. */
const charOf = (match: string): string => {
  if (match.startsWith('\\')) return match.length === 2 ? match.slice(1) : fromHex(match.slice(-4));
  return match.startsWith('%') && match.length === 3 ? fromHex(match.slice(1)) : '';
};

const fromHex = (code: string): string => String.fromCharCode(Number.parseInt(code, 16));

/** Keeps the length: İ is the only character whose lower case is longer. */
const toLowerCase = (text: string): string => text.replaceAll('İ', 'i').toLowerCase();
