import { isIP, isIPv4, isIPv6 } from 'node:net';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalIpAddress } from '../../src/internal/ip-address.ts';

test.each([
  ['203.0.113.24', '203.0.113.24'],
  [' 203.0.113.24\n', '203.0.113.24'],
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['2001:DB8::1', '2001:db8::1'],
  ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
  ['::', '::'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  // RFC 5952 compresses the longest run, the first of equal runs, and never a single group.
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['0:0:1:0:0:1:1:1', '::1:0:0:1:1:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['10:0:0:100:1000:1:1:1', '10::100:1000:1:1:1'],
  ['::ffff:203.0.113.7', '::ffff:203.0.113.7'],
  ['::FFFF:CB00:7107', '::ffff:203.0.113.7'],
  ['0:0:0:0:0:ffff:203.0.113.7', '::ffff:203.0.113.7'],
  ['::ffff:0:0', '::ffff:0.0.0.0'],
  ['64:ff9b::203.0.113.7', '64:ff9b::cb00:7107'],
  ['::203.0.113.7', '::cb00:7107'],
])('canonicalIpAddress turns %j into %s', (text, canonical) => {
  expect(canonicalIpAddress(text)).toBe(canonical);
});

test.each([
  '',
  ' ',
  'unknown',
  '203.0.113.24:443',
  '[2001:db8::1]',
  '[2001:db8::1]:443',
  'fe80::1%eth0',
  '2001:db8::/32',
  '203.0.113.0/24',
  '203.0.113.24, 198.51.100.1',
  '203.0.113',
  '203.0.113.256',
  '203.0.113.024',
  '203.0.113.24.',
  '203.0.113.24.1',
  '0x7f.0.0.1',
  '2130706433',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8:',
  ':1:2:3:4:5:6:7:8',
  '1::2:3:4:5:6:7:8',
  '1::2::3',
  ':::',
  ':',
  '12345::',
  'g::',
  '::203.0.113',
  '203.0.113.7::',
  '::203.0.113.7:1',
  '1:2:3:4:5:6:7:203.0.113.7',
  '٢٠٣.0.113.24',
])('canonicalIpAddress gives an empty string for %j', (text) => {
  expect(canonicalIpAddress(text)).toBe('');
});

/** Draws IPv6 addresses in every spelling, and text that is close to one. */
const nearlyIpv6 = fc
  .array(fc.constantFrom('0', '0', '0000', '1', '00a1', 'FFFF', 'ffff', '', '12345', '203.0.113.7'), { maxLength: 10 })
  .map((groups) => groups.join(':'));

test('canonicalIpAddress accepts exactly the addresses that Node accepts, but no zones', () => {
  fc.assert(
    fc.property(fc.oneof(nearlyIpv6, fc.ipV6(), fc.ipV4(), fc.ipV4Extended(), fc.string()), (text) => {
      const isAddress = isIP(text.trim()) !== 0 && !text.includes('%');
      expect(canonicalIpAddress(text) !== '').toBe(isAddress);
    }),
    { numRuns: 3000 },
  );
});

test('canonicalIpAddress gives one text for all spellings of an address', () => {
  fc.assert(
    fc.property(fc.oneof(nearlyIpv6, fc.ipV6()), (text) => {
      fc.pre(isIPv6(text));
      const canonical = canonicalIpAddress(text);
      expect(new URL(`http://[${canonical}]`).hostname).toBe(new URL(`http://[${text}]`).hostname);
      expect(canonicalIpAddress(canonical)).toBe(canonical);
      // A URL writes mapped addresses in hexadecimal, and all other addresses canonically.
      if (!canonical.includes('.')) expect(`[${canonical}]`).toBe(new URL(`http://[${text}]`).hostname);
      else expect(canonical).toMatch(/^::ffff:[\d.]+$/);
    }),
    { numRuns: 2000 },
  );
});

test('canonicalIpAddress does not change an IPv4 address', () => {
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      expect(isIPv4(text)).toBe(true);
      expect(canonicalIpAddress(text)).toBe(text);
    }),
  );
});

test('canonicalIpAddress refuses a megabyte of nonsense without delay', () => {
  for (const piece of ['0:', '1', ':', '1.', '::', ' ']) expect(canonicalIpAddress(piece.repeat(500_000))).toBe('');
});
