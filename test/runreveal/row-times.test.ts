import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { AuditConfigError } from '../../src/errors.ts';
import { toRunRevealRow } from '../../src/runreveal/row/row.ts';
import { eventWith } from '../support/arbitrary-events.ts';
import { rowOf } from './row-of.ts';

test('receivedAt defaults to the current time', () => {
  vi.useFakeTimers({ now: new Date('2026-11-22T12:34:56Z') });
  try {
    expect(toRunRevealRow(eventWith()).receivedAt).toBe('2026-11-22 12:34:56');
  } finally {
    vi.useRealTimers();
  }
});

test('an invalid receivedAt throws an AuditConfigError', () => {
  expect(() => rowOf({}, { receivedAt: new Date('never') })).toThrow(AuditConfigError);
  expect(() => rowOf({}, { receivedAt: new Date('never') })).toThrow(
    /invalid receivedAt \(Invalid Date\).*leave it out/,
  );
});

test('a receivedAt outside the range of DateTime becomes its first or last instant', () => {
  expect(rowOf({}, { receivedAt: new Date('1969-12-31T23:59:59Z') }).receivedAt).toBe('1970-01-01 00:00:00');
  expect(rowOf({}, { receivedAt: new Date(8.64e15) }).receivedAt).toBe('2106-02-07 06:28:15');
});

test.each([
  ['2021-07-19T17:13:45Z', '2021-07-19 17:13:45'],
  ['2021-07-19T17:13:45.999Z', '2021-07-19 17:13:45'],
  ['2021-07-19T17:13:45.999999Z', '2021-07-19 17:13:45'],
  ['2021-07-19T17:13:45.999999999Z', '2021-07-19 17:13:45'],
  ['2021-07-19T17:13:60Z', '2021-07-19 17:13:59'],
  ['2021-07-19T17:13:60.999Z', '2021-07-19 17:13:59'],
  ['2016-12-31T23:59:60Z', '2016-12-31 23:59:59'],
  ['2021-07-19T17:13:45+02:00', '2021-07-19 15:13:45'],
  ['2021-07-19T17:13:45-0530', '2021-07-19 22:43:45'],
  ['2021-07-19t17:13:45z', '2021-07-19 17:13:45'],
  ['2021-07-19 17:13:45', '2021-07-19 17:13:45'],
  ['2024-02-29T00:00:00Z', '2024-02-29 00:00:00'],
  ['2021-12-31T23:59:59.999Z', '2021-12-31 23:59:59'],
  ['1970-01-01T00:00:00Z', '1970-01-01 00:00:00'],
  ['1969-12-31T23:59:59Z', '1970-01-01 00:00:00'],
  ['1970-01-01T00:00:00+01:00', '1970-01-01 00:00:00'],
  ['0001-01-01T00:00:00Z', '1970-01-01 00:00:00'],
  ['2099-12-28T00:00:00Z', '2099-12-28 00:00:00'],
  ['2106-02-07T06:28:15Z', '2106-02-07 06:28:15'],
  ['2106-02-07T06:28:16Z', '2106-02-07 06:28:15'],
  ['2107-01-01T00:00:00Z', '2106-02-07 06:28:15'],
  ['9999-12-31T23:59:59Z', '2106-02-07 06:28:15'],
])('a created_at of %s becomes the eventTime %s', (created_at, eventTime) => {
  expect(rowOf({ created_at })).toMatchObject({ eventTime, psCreatedAt: created_at });
});

test.each([
  '',
  '1',
  'yesterday',
  '2021-07-19',
  '2021-13-01T00:00:00Z',
  '2021-02-29T00:00:00Z',
  '2021-00-10T00:00:00Z',
  '2021-07-00T00:00:00Z',
  '2021-07-19T24:00:00Z',
  '2021-07-19T17:60:00Z',
  '2021-07-19T17:13:61Z',
  '2021-07-19T17:13:45.Z',
  '2021-07-19T17:13:45Z and more',
  ' 2021-07-19T17:13:45Z',
])('eventTime is receivedAt if created_at is %j, which is no timestamp', (created_at) => {
  expect(rowOf({ created_at })).toMatchObject({ eventTime: '2026-11-22 11:00:00', psCreatedAt: created_at });
});

test('eventTime and receivedAt agree with Date for every instant of DateTime', () => {
  const inRange = fc.date({ min: new Date(0), max: new Date('2106-02-07T06:28:15Z'), noInvalidDate: true });
  fc.assert(
    fc.property(inRange, (date) => {
      const iso = date.toISOString();
      const expected = `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;
      expect(rowOf({ created_at: iso }, { receivedAt: date })).toMatchObject({
        eventTime: expected,
        receivedAt: expected,
      });
    }),
    { numRuns: 500 },
  );
});
