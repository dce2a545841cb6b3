type Words = readonly [number, number, number, number];

const rotateLeft = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

/** Returns the four bytes from `at`, little-endian. The algorithm pads the end with zeros. */
const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);

const finish = (word: number): number => {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
};

const c1 = 0x239b961b;
const c2 = 0xab0e9789;
const c3 = 0x38b34ae5;
const c4 = 0xa1e38b93;

// Each function returns the share of one word of a block in its lane.
const k1 = (bytes: Uint8Array, block: number) => Math.imul(rotateLeft(Math.imul(wordAt(bytes, block), c1), 15), c2);
const k2 = (bytes: Uint8Array, block: number) => Math.imul(rotateLeft(Math.imul(wordAt(bytes, block + 4), c2), 16), c3);
const k3 = (bytes: Uint8Array, block: number) => Math.imul(rotateLeft(Math.imul(wordAt(bytes, block + 8), c3), 17), c4);
const k4 = (bytes: Uint8Array, block: number) =>
  Math.imul(rotateLeft(Math.imul(wordAt(bytes, block + 12), c4), 18), c1);

/**
 * Returns MurmurHash3_x86_128 of the first `length` bytes with seed 0, as its four words in order. The hash spreads evenly, and is
 * not cryptographic.
 *
 * @param bytes with nothing but zeros in the 16 bytes after `length`, as far as the array has them
 *
 * By Austin Appleby, in the public domain. The names are those of
 * https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp.
 */
export function murmurHash3(bytes: Uint8Array, length = bytes.length): Words {
  let h1 = 0;
  let h2 = 0;
  let h3 = 0;
  let h4 = 0;
  let block = 0;
  for (; block + 16 <= length; block += 16) {
    h1 = Math.imul(rotateLeft(h1 ^ k1(bytes, block), 19) + h2, 5) + 0x561ccd1b;
    h2 = Math.imul(rotateLeft(h2 ^ k2(bytes, block), 17) + h3, 5) + 0x0bcaa747;
    h3 = Math.imul(rotateLeft(h3 ^ k3(bytes, block), 15) + h4, 5) + 0x96cd1c35;
    h4 = Math.imul(rotateLeft(h4 ^ k4(bytes, block), 13) + h1, 5) + 0x32ac3b17;
  }
  h1 ^= k1(bytes, block) ^ length;
  h2 ^= k2(bytes, block) ^ length;
  h3 ^= k3(bytes, block) ^ length;
  h4 ^= k4(bytes, block) ^ length;

  const sum = h1 + h2 + h3 + h4;
  h1 = finish(sum);
  h2 = finish(sum + h2);
  h3 = finish(sum + h3);
  h4 = finish(sum + h4);
  const last = h1 + h2 + h3 + h4;
  return [last >>> 0, (last + h2) >>> 0, (last + h3) >>> 0, (last + h4) >>> 0];
}
