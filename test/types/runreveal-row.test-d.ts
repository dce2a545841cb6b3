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

test('the row and its schema have the 53 columns, from which the DDL is written, and no other', () => {
  expectTypeOf<(typeof runRevealColumns)['length']>().toEqualTypeOf<53>();
  expectTypeOf<keyof RunRevealRow>().toEqualTypeOf<Column>();
  expectTypeOf<Schema>().toEqualTypeOf<WritableDeep<RunRevealRow>>();
  expectTypeOf(toRunRevealRow).returns.toEqualTypeOf<RunRevealRow>();
});

test("there is a ps column of text for each of the event's fields, and no other", () => {
  expectTypeOf<PsColumn>().toEqualTypeOf<`ps${PascalCase<keyof AuditEvent>}`>();
  expectTypeOf<RunRevealRow[PsColumn]>().toEqualTypeOf<string>();
});

test('a column has the type that its ClickHouse type has in JSON', () => {
  expectTypeOf<RunRevealRow['receivedAt']>().toEqualTypeOf<string>();
  expectTypeOf<RunRevealRow['sourceTTL']>().toEqualTypeOf<number>();
  expectTypeOf<RunRevealRow['srcLatitude']>().toEqualTypeOf<number>();
  expectTypeOf<RunRevealRow['readOnly']>().toEqualTypeOf<boolean>();
  expectTypeOf<RunRevealRow['resources']>().toEqualTypeOf<readonly string[]>();
  expectTypeOf<RunRevealRow['actor']>().toEqualTypeOf<Readonly<Record<string, string>>>();
});

test('a row with a column less, a column more or another value does not compile', () => {
  const { psMetadata: _, ...forgotten } = toRunRevealRow(event);
  // @ts-expect-error One that is forgotten.
  forgotten satisfies RunRevealRow;
  // @ts-expect-error One that is not in the table.
  ({ ...toRunRevealRow(event), psExtra: '' }) satisfies RunRevealRow;
  // @ts-expect-error A row is not for changing.
  toRunRevealRow(event).psMetadata = '';
});
