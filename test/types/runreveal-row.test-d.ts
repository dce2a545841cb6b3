import {
  type AuditEvent,
  type RunRevealRow,
  type runRevealColumns,
  type runRevealRowSchema,
  toRunRevealRow,
} from 'planetscale-audit';
import type { PascalCase, WritableDeep } from 'type-fest';
import { expectTypeOf, test } from 'vitest';
import type * as z from 'zod';

declare const event: AuditEvent;
type Column = (typeof runRevealColumns)[number]['name'];
type PsColumn = Extract<Column, `ps${string}`>;
type Schema = z.output<typeof runRevealRowSchema>;

test('the row and its schema have exactly the columns that the DDL is made from', () => {
  expectTypeOf<keyof RunRevealRow>().toEqualTypeOf<Column>();
  expectTypeOf<Schema>().toEqualTypeOf<WritableDeep<RunRevealRow>>();
  expectTypeOf(toRunRevealRow).returns.toEqualTypeOf<RunRevealRow>();
});

test('each field of the event has one ps column of type string', () => {
  expectTypeOf<PsColumn>().toEqualTypeOf<`ps${PascalCase<keyof AuditEvent>}`>();
  expectTypeOf<RunRevealRow[PsColumn]>().toEqualTypeOf<string>();
});

test('each column has the type that JSON gives its ClickHouse type', () => {
  expectTypeOf<RunRevealRow['receivedAt']>().toEqualTypeOf<string>();
  expectTypeOf<RunRevealRow['sourceTTL']>().toEqualTypeOf<number>();
  expectTypeOf<RunRevealRow['srcLatitude']>().toEqualTypeOf<number>();
  expectTypeOf<RunRevealRow['readOnly']>().toEqualTypeOf<boolean>();
  expectTypeOf<RunRevealRow['resources']>().toEqualTypeOf<readonly string[]>();
  expectTypeOf<RunRevealRow['actor']>().toEqualTypeOf<Readonly<Record<string, string>>>();
});

test('a row can be passed to a function that takes a record of any values', () => {
  expectTypeOf<RunRevealRow>().toExtend<Readonly<Record<string, unknown>>>();
});

test('a row with a missing column, an extra column or a changed value does not compile', () => {
  const { psMetadata: _, ...forgotten } = toRunRevealRow(event);
  // @ts-expect-error The column psMetadata is missing.
  forgotten satisfies RunRevealRow;
  // @ts-expect-error The table has no column psExtra.
  ({ ...toRunRevealRow(event), psExtra: '' }) satisfies RunRevealRow;
  // @ts-expect-error A row is read-only.
  toRunRevealRow(event).psMetadata = '';
});
