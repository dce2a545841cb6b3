import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { toRunRevealRow } from '../../src/runreveal/row/row.ts';
import { runRevealRowSchema } from '../../src/runreveal/row/row-schema.ts';
import { arbitraryEvent } from '../support/arbitrary-events.ts';
import { receivedAt, rowOf } from './row-of.ts';

test('runRevealRowSchema accepts every row of toRunRevealRow and returns it unchanged', () => {
  fc.assert(
    fc.property(arbitraryEvent, (event) => {
      const row = toRunRevealRow(event, { receivedAt });
      expect(runRevealRowSchema.parse(row)).toEqual(row);
    }),
  );
});

test.each([
  ['a column is missing', { psMetadata: undefined }],
  ['text is null', { psLocation: null }],
  ['a time is ISO 8601', { eventTime: '2021-07-19T17:13:45Z' }],
  ['a number does not fit its 32 bits', { srcASNumber: 4_294_967_296 }],
  ['a boolean is a number', { readOnly: 1 }],
  ['a map is a list', { tags: [] }],
  ['a list is text', { resources: '[]' }],
  ['an enrichment lacks its name', { enrichments: [{ data: {}, provider: 'p', type: 't', value: 'v' }] }],
])('runRevealRowSchema rejects a row if %s', (_, change) => {
  expect(runRevealRowSchema.safeParse({ ...rowOf(), ...change }).success).toBe(false);
});
