const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const codeOf = (digit: number): number => alphabet.charCodeAt(digit);

const epochSeconds = 1_400_000_000;
const cubeOf62 = 62 ** 3;

// Shared by all calls. New arrays for each call would add 5 % to the time of a row.
const words = /* @__PURE__ */ new Float64Array(5);
const codes: number[] = /* @__PURE__ */ new Array(27).fill(0);

/**
 * Returns a KSUID: the seconds since 2014-05-13 in 32 bits and a payload of 128 bits, as 27 digits of base 62. KSUIDs sort by
 * time. A time outside the 32 bits becomes the first or the last time in them.
 *
 * Source: https://github.com/segmentio/ksuid
 */
export function ksuid(timeMs: number, payload: readonly [number, number, number, number]): string {
  const seconds = Math.floor(timeMs / 1000) - epochSeconds;
  words[0] = Math.min(Math.max(seconds, 0), 0xffff_ffff);
  for (let index = 0; index < payload.length; index++) words[index + 1] = payload[index] ?? 0;
  // Each division yields three digits, the last ones first. With four, `rest * 2 ** 32 + word` would exceed 2 ** 53.
  for (let last = codes.length - 1; last > 0; last -= 3) {
    let rest = 0;
    for (let index = 0; index < words.length; index++) {
      const value = rest * 2 ** 32 + (words[index] ?? 0);
      const quotient = Math.floor(value / cubeOf62);
      words[index] = quotient;
      rest = value - quotient * cubeOf62;
    }
    const digits = rest | 0; // As an integer. The remainder of a float would add 5 % to the time of a row.
    codes[last] = codeOf(digits % 62);
    codes[last - 1] = codeOf(((digits / 62) | 0) % 62);
    codes[last - 2] = codeOf((digits / 62 ** 2) | 0);
  }
  return String.fromCharCode(...codes);
}
