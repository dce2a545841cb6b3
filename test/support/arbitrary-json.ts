import * as fc from 'fast-check';

/**
 * Whether every Node reads the key correctly. Node 24 and 26 may read a key with an escape, such as `\n`, as a key with a
 * backslash, if an earlier object had a key with a backslash. A backslash after a quote, itself an escape, is safe.
 *
 * Source: https://github.com/nodejs/node/issues/63785
 */
const isReadCorrectly = (key: string): boolean => !/^[^"]*\\/.test(key);

/** A JSON object with any keys that JSON.parse reads correctly. */
export const jsonObject = <Value>(
  key: fc.Arbitrary<string>,
  value: fc.Arbitrary<Value>,
  constraints?: fc.DictionaryConstraints,
): fc.Arbitrary<Record<string, Value>> => fc.dictionary(key.filter(isReadCorrectly), value, constraints);

/** Any JSON value with keys that JSON.parse reads correctly. */
export const jsonValue = fc.jsonValue({
  stringUnit: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }).filter((char) => char !== '\\'),
});
