const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Skips to the next other character. In valid JSON, every character up to U+0020 outside a string is white space. */
const skipWhiteSpace = (json: string, index: number): number => {
  let at = index;
  while (json.charCodeAt(at) <= 0x20) at++;
  return at;
};

/** Skips from the opening quote to the character after the closing quote. */
const skipString = (json: string, index: number): number => {
  for (let at = json.indexOf('"', index + 1); ; at = json.indexOf('"', at + 1)) {
    let escapes = 0;
    while (json.charCodeAt(at - 1 - escapes) === backslash) escapes++;
    if (escapes % 2 === 0) return at + 1;
  }
};

const skipNested = (json: string, index: number): number => {
  let depth = 0;
  for (let at = index; ; ) {
    const char = json.charCodeAt(at);
    if (char === quote) {
      at = skipString(json, at);
      continue;
    }
    if (char === openBrace || char === openBracket) depth++;
    else if (char === closeBrace || char === closeBracket) depth--;
    at++;
    if (depth === 0) return at;
  }
};

const skipScalar = (json: string, index: number): number => {
  let at = index;
  for (; at < json.length; at++) {
    const char = json.charCodeAt(at);
    if (char === comma || char === closeBracket || char === closeBrace || char <= 0x20) break;
  }
  return at;
};

const skipValue = (json: string, index: number): number => {
  const char = json.charCodeAt(index);
  if (char === quote) return skipString(json, index);
  return char === openBrace || char === openBracket ? skipNested(json, index) : skipScalar(json, index);
};

/** Copies the text, because a slice keeps the whole page in memory: 58 KiB for one kept event instead of 1. */
const copyOf = (json: string, start: number, end: number): string => `${json.slice(start, end)} `.slice(0, -1);

interface SlicedArray {
  readonly texts: readonly string[];
  /** The place after the closing bracket. */
  readonly end: number;
}

const sliceArray = (json: string, index: number): SlicedArray => {
  const texts: string[] = [];
  let at = skipWhiteSpace(json, index + 1);
  while (json.charCodeAt(at) !== closeBracket) {
    const end = skipValue(json, at);
    texts.push(copyOf(json, at, end));
    at = skipWhiteSpace(json, end);
    if (json.charCodeAt(at) === comma) at = skipWhiteSpace(json, at + 1);
  }
  return { texts, end: at + 1 };
};

/**
 * Does the same for an array of `count` objects, or returns undefined if it cannot. With {@link sliceArray}, reading a page would take
 * a quarter longer.
 *
 * The function finds everything that looks like the `},{` between two objects. A string or a nested array can hold the like too. Then
 * there are more of them than `count` objects need, and the function cannot tell which is which.
 */
const sliceObjects = (json: string, index: number, count: number): SlicedArray | undefined => {
  let start = skipWhiteSpace(json, index + 1);
  if (json.charCodeAt(start) !== openBrace) return undefined;
  const firstEnd = skipValue(json, start);
  const texts: string[] = [];
  for (let brace = json.indexOf('}', start); brace !== -1; brace = json.indexOf('}', brace + 1)) {
    const separator = skipWhiteSpace(json, brace + 1);
    if (json.charCodeAt(separator) !== comma) continue;
    const next = skipWhiteSpace(json, separator + 1);
    if (json.charCodeAt(next) !== openBrace) continue;
    const end = brace + 1;
    if (texts.length === 0 && end !== firstEnd) return undefined; // If the key is repeated, another array may have `count` objects.
    texts.push(copyOf(json, start, end));
    start = next;
  }
  if (texts.length !== count - 1) return undefined;
  const end = skipValue(json, start);
  const bracket = skipWhiteSpace(json, end);
  if (json.charCodeAt(bracket) !== closeBracket) return undefined;
  texts.push(copyOf(json, start, end));
  return { texts, end: bracket + 1 };
};

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Returns the text of each element of the array under `key`, exactly as it stands in `json`. `JSON.parse` loses integers beyond
 * 2^53, escapes and the order of keys. If the key is repeated, the last value counts, as for `JSON.parse`.
 *
 * @param json an object with an array under `key`, in valid JSON, because the function does not validate the text
 * @param parsed the array as `JSON.parse` returns it
 */
export function sliceElements(json: string, key: string, parsed: readonly unknown[]): readonly string[] {
  const count = parsed.every(isObject) ? parsed.length : 0;
  let texts: readonly string[] = [];
  let at = skipWhiteSpace(json, skipWhiteSpace(json, 0) + 1);
  while (json.charCodeAt(at) === quote) {
    const keyEnd = skipString(json, at);
    const colon = skipWhiteSpace(json, keyEnd);
    const value = skipWhiteSpace(json, colon + 1);
    const isFound = json.charCodeAt(value) === openBracket && JSON.parse(json.slice(at, keyEnd)) === key;
    const array = isFound ? (sliceObjects(json, value, count) ?? sliceArray(json, value)) : undefined;
    texts = array?.texts ?? texts;
    const separator = skipWhiteSpace(json, array?.end ?? skipValue(json, value));
    at = skipWhiteSpace(json, separator + 1);
  }
  return texts;
}
