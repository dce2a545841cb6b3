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

/** Returns the start of the value of `key` in an object. If a key is repeated, the last value counts, as for `JSON.parse`. */
const findValue = (json: string, key: string): number | undefined => {
  let found: number | undefined;
  let at = skipWhiteSpace(json, skipWhiteSpace(json, 0) + 1);
  while (json.charCodeAt(at) === quote) {
    const keyEnd = skipString(json, at);
    const colon = skipWhiteSpace(json, keyEnd);
    const value = skipWhiteSpace(json, colon + 1);
    if (JSON.parse(json.slice(at, keyEnd)) === key) found = value;
    const separator = skipWhiteSpace(json, skipValue(json, value));
    at = skipWhiteSpace(json, separator + 1);
  }
  return found;
};

/**
 * Returns the text of each element of the array under `key`, exactly as it stands in `json`. `JSON.parse` loses integers beyond
 * 2^53, escapes and the order of keys.
 *
 * @param json an object with an array under `key`, in valid JSON, because the function does not validate the text
 */
export function sliceElements(json: string, key: string): string[] {
  const array = findValue(json, key);
  if (array === undefined) return [];
  const elements: string[] = [];
  let at = skipWhiteSpace(json, array + 1);
  while (json.charCodeAt(at) !== closeBracket) {
    const end = skipValue(json, at);
    elements.push(json.slice(at, end));
    at = skipWhiteSpace(json, end);
    if (json.charCodeAt(at) === comma) at = skipWhiteSpace(json, at + 1);
  }
  return elements;
}
