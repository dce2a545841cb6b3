const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const codeOf = (digit: number): number => alphabet.charCodeAt(digit);

const digits = 27;
const epochSeconds = 1_400_000_000;
const cubeOf62 = 62 ** 3;

/**
 * Returns a KSUID: the seconds since 2014-05-13 in 32 bits and a payload of 128 bits, as 27 digits of base 62. KSUIDs sort by
 * time. A time outside the 32 bits becomes the first or the last time in them.
 *
 * Source: https://github.com/segmentio/ksuid
 */
export function ksuid(timeMs: number, payload: readonly [number, number, number, number]): string {
  const seconds = Math.floor(timeMs / 1000) - epochSeconds;
  const words = [Math.min(Math.max(seconds, 0), 0xffff_ffff), ...payload];
  const codes: number[] = [];
  // Each division yields three digits, the last ones first. With four, `rest * 2 ** 32 + word` would exceed 2 ** 53.
  while (codes.length < digits) {
    let rest = 0;
    for (let index = 0; index < words.length; index++) {
      const value = rest * 2 ** 32 + (words[index] ?? 0);
      const quotient = Math.floor(value / cubeOf62);
      words[index] = quotient;
      rest = value - quotient * cubeOf62;
    }
    codes.push(codeOf(rest % 62), codeOf(Math.floor(rest / 62) % 62), codeOf(Math.floor(rest / 62 ** 2)));
  }
  return String.fromCharCode(...codes.reverse());
}
