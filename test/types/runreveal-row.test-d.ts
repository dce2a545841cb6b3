// Checked by `npm run typecheck`: a column that is forgotten in one place, or spelt another way, does not compile.
import {
  type AuditEvent,
  type RunRevealRow,
  type runRevealColumns,
  type runRevealRowSchema,
  toRunRevealRow,
} from 'planetscale-audit';
import type { PascalCase, WritableDeep } from 'type-fest';
import { expectTypeOf } from 'vitest';
import type * as z from 'zod';

declare const event: AuditEvent;
type Column = (typeof runRevealColumns)[number]['name'];
type Schema = z.output<typeof runRevealRowSchema>;

// 53 columns, of which the row and the schema have all, and no other. The table's DDL is written from the same list.
expectTypeOf<(typeof runRevealColumns)['length']>().toEqualTypeOf<53>();
expectTypeOf<keyof RunRevealRow>().toEqualTypeOf<Column>();
expectTypeOf<Schema>().toEqualTypeOf<WritableDeep<RunRevealRow>>();
expectTypeOf(toRunRevealRow).returns.toEqualTypeOf<RunRevealRow>();

// A ps column for each of the event's 17 fields, and no other, all of them text.
type PsColumn = Extract<Column, `ps${string}`>;
expectTypeOf<PsColumn>().toEqualTypeOf<`ps${PascalCase<keyof AuditEvent>}`>();
expectTypeOf<RunRevealRow[PsColumn]>().toEqualTypeOf<string>();

// A column has the type that its ClickHouse type has in JSON.
expectTypeOf<RunRevealRow['receivedAt']>().toEqualTypeOf<string>();
expectTypeOf<RunRevealRow['sourceTTL']>().toEqualTypeOf<number>();
expectTypeOf<RunRevealRow['srcLatitude']>().toEqualTypeOf<number>();
expectTypeOf<RunRevealRow['readOnly']>().toEqualTypeOf<boolean>();
expectTypeOf<RunRevealRow['resources']>().toEqualTypeOf<readonly string[]>();
expectTypeOf<RunRevealRow['actor']>().toEqualTypeOf<Readonly<Record<string, string>>>();

const { psMetadata: _, ...forgotten } = toRunRevealRow(event);
// @ts-expect-error A row without one of its columns is none.
forgotten satisfies RunRevealRow;
// @ts-expect-error Nor is one with a column more.
({ ...toRunRevealRow(event), psExtra: '' }) satisfies RunRevealRow;
// @ts-expect-error A row is not for changing.
toRunRevealRow(event).psMetadata = '';
