import * as z from 'zod';
import { type JsonTypes, type RunRevealColumn, runRevealColumns } from './columns.ts';

const createRowSchema = () => {
  const text = z.string();
  const map = z.record(text, text);
  const byType = {
    String: text,
    UInt32: z.uint32(),
    Float64: z.number(),
    Bool: z.boolean(),
    "DateTime('UTC')": text.regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
    'Map(String, String)': map,
    'Array(String)': z.array(text),
    'Array(Tuple(data Map(String, String), name String, provider String, type String, value String))': z.array(
      z.object({ data: map, name: text, provider: text, type: text, value: text }),
    ),
  } satisfies { readonly [Type in keyof JsonTypes]: z.ZodType<JsonTypes[Type]> };

  type Shape = { [Column in RunRevealColumn as Column['name']]: (typeof byType)[Column['type']] };
  // The assertion is needed because Object.fromEntries loses the names. The list has one schema for each column.
  return z.object(Object.fromEntries(runRevealColumns.map(({ name, type }) => [name, byType[type]])) as Shape);
};

/**
 * A zod schema of {@link RunRevealRow}, for rows that ClickHouse returns as JSON. Its output leaves out columns that are not in
 * {@link runRevealColumns}, which your own table may have, and the key `__proto__` of a map.
 *
 * @example
 * ```ts
 * import { runRevealRowSchema } from 'planetscale-audit';
 *
 * const line = process.argv[2] ?? ''; // from SELECT * FROM runreveal.planetscale_logs FORMAT JSONEachRow
 * console.log(runRevealRowSchema.parse(JSON.parse(line)).eventName);
 * ```
 */
export const runRevealRowSchema = /* @__PURE__ */ createRowSchema(); // A bundler drops a pure call whose result is unused.
