import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ksuid } from '../../src/runreveal/row/ksuid.ts';
import { murmurHash3 } from '../../src/runreveal/row/murmur-hash.ts';
import { rowId } from '../../src/runreveal/row/row-id.ts';
import { arbitraryText } from '../support/arbitrary-events.ts';

const receivedAt = new Date('2026-11-22T11:00:00Z');
const epochMs = 1_400_000_000_000;

const hashOf = (text: string): string =>
  murmurHash3(new TextEncoder().encode(text))
    .map((word) => word.toString(16).padStart(8, '0'))
    .join('');

test.each([
  // https://murmurhash.shorelabs.com
  ['The quick brown fox jumps over the lazy dog', '2f1583c3ecee2c675d7bf66ce5e91d2c'],
  ['MurmurHash3 was written by Austin Appleby, and is placed in the public', '6d3583489d9d1e5a898493af67e2ad10'],
  // Dovecot's src/lib/test-murmurhash3.c
  ['', '00000000000000000000000000000000'],
  ['\0\0\0\0', 'cc066f1f9e5178409e5178409e517840'],
  // From the reference in C, aappleby/smhasher: tails of 1, 14 and 15 bytes, no tail, and one byte after a block.
  ['M', '03e9ffc2233d7f8e233d7f8e233d7f8e'],
  ['MurmurHash3 wa', 'db6a1806177854f02c8d9102ac80af71'],
  ['MurmurHash3 was', 'a58e5189a3298517331967e56fa307d9'],
  ['MurmurHash3 was ', '2e48a037371bb501a88ddc92a90dfc5d'],
  ['MurmurHash3 was w', '36bf51b89df0c3ae6bfaca2bd2fbbee1'],
])('the hash of %j equals that of MurmurHash3_x86_128', (text, hash) => {
  expect(hashOf(text)).toBe(hash);
});

test('the hash of many blocks with all byte values equals that of the reference', () => {
  const bytes = Uint8Array.from({ length: 4096 }, (_, index) => (index * 131 + (index >> 3)) & 255);
  expect(murmurHash3(bytes)).toEqual([0x2e39d596, 0xa60e3591, 0xb8efb571, 0xf4254d0a]);
});

test.each([
  // https://github.com/segmentio/ksuid#inspect-the-components-of-a-ksuid
  [107608047, [0xb5a1cd34, 0xb5f99d11, 0x54fb6853, 0x345c9735], '0ujtsYcgvSTl8PAuAdqWYSMnLOv'],
  [107610780, [0x73fc1aa3, 0xb2446246, 0xd6e89fcd, 0x909e8fe8], '0ujzPyRiIAffKhBux4PvQdDqMHY'],
  [0, [0, 0, 0, 0], '000000000000000000000000000'],
  [0xffff_ffff, [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], 'aWgEPTl1tmebfsQzFP4bxwgy80V'],
] as const)('a KSUID for %d seconds after the epoch equals that of the reference', (seconds, payload, text) => {
  expect(ksuid(epochMs + seconds * 1000, payload)).toBe(text);
});

const word = fc.nat(0xffff_ffff);
const payload = fc.tuple(word, word, word, word);

test('a KSUID spells its 160 bits in base 62', () => {
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  fc.assert(
    fc.property(word, payload, (seconds, words) => {
      let value = 0n;
      for (const digit of ksuid(epochMs + seconds * 1000, words)) value = value * 62n + BigInt(alphabet.indexOf(digit));
      expect(value).toBe([seconds, ...words].reduce((sum, next) => (sum << 32n) | BigInt(next), 0n));
    }),
  );
});

test('row ids sort by the time of arrival, to the second', () => {
  const time = fc.date({ min: new Date(epochMs), max: new Date('2150-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(time, time, fc.string(), fc.string(), (a, b, first, second) => {
      fc.pre(Math.floor(a.getTime() / 1000) < Math.floor(b.getTime() / 1000));
      expect(rowId(a, 'source', first) < rowId(b, 'source', second)).toBe(true);
    }),
  );
});

test('the same input gives the same row id of 27 letters and digits', () => {
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true }), arbitraryText, arbitraryText, (date, source, event) => {
      const id = rowId(date, source, event);
      expect(id).toMatch(/^[0-9A-Za-z]{27}$/);
      expect(rowId(date, source, event)).toBe(id);
    }),
  );
});

test('the row id of an event is the same in every version of this package', () => {
  expect(rowId(receivedAt, 'source', 'ecxuvovgfo95')).toBe('3MSXz2KTxEyk3LSCUWFsf7RaCMA');
});

test('a row id is the KSUID of a hash of source, NUL and event id in UTF-8, whatever the row before it was', () => {
  const text = fc.oneof(arbitraryText, fc.string({ unit: fc.constantFrom('a', 'é', '😀') }));
  fc.assert(
    fc.property(text, text, (source, event) => {
      const payload = murmurHash3(new TextEncoder().encode(`${source}\0${event}`));
      expect(rowId(receivedAt, source, event)).toBe(ksuid(receivedAt.getTime(), payload));
    }),
  );
});

test('another source or another event gives another row id, even if both concatenate to the same text', () => {
  const ids = [
    rowId(receivedAt, 'ab', 'c'),
    rowId(receivedAt, 'a', 'bc'),
    rowId(receivedAt, '', 'abc'),
    rowId(receivedAt, 'abc', ''),
    rowId(receivedAt, 'ab', 'd'),
    rowId(receivedAt, 'ab', 'c\0'),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});

test('100,000 events of one second have 100,000 row ids', () => {
  const ids = new Set(Array.from({ length: 100_000 }, (_, index) => rowId(receivedAt, 's', index.toString(36))));
  expect(ids.size).toBe(100_000);
});

test('a row id depends on every character of a long event id beyond ASCII', () => {
  const long = 'é'.repeat(10_000);
  expect(rowId(receivedAt, 's', `${long}a`)).not.toBe(rowId(receivedAt, 's', `${long}b`));
  expect(rowId(receivedAt, 's', 'a')).toBe(rowId(receivedAt, 's', 'a'));
});

test('a row id for a time outside the 32 bits of KSUID has the first or the last time in them', () => {
  expect(rowId(new Date(0), 's', 'e').slice(0, 5)).toBe('00000');
  expect(rowId(new Date('2013-01-01'), 's', 'e')).toBe(rowId(new Date(epochMs), 's', 'e'));
  expect(rowId(new Date(8.64e15), 's', 'e')).toBe(rowId(new Date(epochMs + 0xffff_ffff * 1000), 's', 'e'));
  expect(rowId(new Date(8.64e15), 's', 'e') > rowId(new Date('2149-01-01'), 's', 'e')).toBe(true);
});
