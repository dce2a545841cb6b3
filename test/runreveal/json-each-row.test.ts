import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { toJsonEachRow, toRunRevealRow } from '../../src/runreveal/row/row.ts';
import { arbitraryContext, arbitraryEvent, eventWith } from '../support/arbitrary-events.ts';

const receivedAt = new Date('2026-11-22T11:00:00Z');

test('toJsonEachRow gives the JSON of toRunRevealRow for any event and context', () => {
  fc.assert(
    fc.property(arbitraryEvent, arbitraryContext, (event, context) => {
      const line = toJsonEachRow(event, { ...context, receivedAt });
      expect(line).toBe(JSON.stringify(toRunRevealRow(event, { ...context, receivedAt })));
    }),
    { numRuns: 500 },
  );
});

test('toJsonEachRow gives a single line of well-formed text', () => {
  fc.assert(
    fc.property(arbitraryEvent, arbitraryContext, (event, context) => {
      const line = toJsonEachRow(event, { ...context, receivedAt });
      expect(line).not.toMatch(/[\r\n]/);
      expect(line.isWellFormed()).toBe(true);
      expect(line).not.toMatch(/[^\\]\\(?:\\\\)*u[dD][89abAB]/);
    }),
    { numRuns: 500 },
  );
});

test('toJsonEachRow works without a context', () => {
  expect(JSON.parse(toJsonEachRow(eventWith()))).toMatchObject({ sourceType: 'planetscale', psId: 'ecxuvovgfo95' });
});
