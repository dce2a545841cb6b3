import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTimestamp } from '../../src/internal/timestamp.ts';

describe('parseTimestamp', () => {
  test.each([
    ['2021-07-19T17:13:45.000Z', '2021-07-19T17:13:45.000Z'],
    ['2021-07-19T17:13:45Z', '2021-07-19T17:13:45.000Z'],
    ['2021-07-19T17:13:45.123456Z', '2021-07-19T17:13:45.123Z'],
    ['2021-07-19T17:13:45.123456789Z', '2021-07-19T17:13:45.123Z'],
    ['2021-07-19T17:13:45.5Z', '2021-07-19T17:13:45.500Z'],
    [`2021-07-19T17:13:45.5${'0'.repeat(79)}Z`, '2021-07-19T17:13:45.500Z'],
    [`2021-07-19T17:13:45.5${'0'.repeat(79)}+00:00`, '2021-07-19T17:13:45.500Z'],
    ['2021-07-19T17:13:45+02:00', '2021-07-19T15:13:45.000Z'],
    ['2021-07-19T17:13:45-0530', '2021-07-19T22:43:45.000Z'],
    ['2021-07-19 17:13:45', '2021-07-19T17:13:45.000Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['1969-12-31T23:59:59Z', '1969-12-31T23:59:59.000Z'],
    ['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'],
    ['2099-12-28T23:59:59.999Z', '2099-12-28T23:59:59.999Z'],
    ['2026-01-31T23:59:59.012Z', '2026-01-31T23:59:59.012Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ])('reads %s', (text, instant) => expect(parseTimestamp(text)).toBe(Date.parse(instant)));

  test('reads what Date.toISOString writes, with and without decimals', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          const text = date.toISOString();
          expect(parseTimestamp(text)).toBe(date.getTime());
          expect(parseTimestamp(text.replace(/\.\d+/, ''))).toBe(Math.floor(date.getTime() / 1000) * 1000);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

test.each([
  '',
  'yesterday',
  '1',
  '2021-07-19',
  '2021-02-29T00:00:00Z',
  '2021-13-01T00:00:00Z',
  '2021-00-01T00:00:00Z',
  '2021-01-00T00:00:00Z',
  '2021-07-19T24:00:00Z',
  '2021-07-19T00:60:00Z',
  '2021-07-19T00:00:61Z',
  ' 2021-07-19T17:13:45Z',
  '2021-07-19T17:13:45+25:00',
  `2021-07-19T17:13:45.${'0'.repeat(81)}Z`,
  `2021-07-19T17:13:45.${'0'.repeat(81)}+00:00`,
])('parseTimestamp gives undefined for %j', (text) => expect(parseTimestamp(text)).toBeUndefined());
