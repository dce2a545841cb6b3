import type { ClickHouse } from '../support/clickhouse.ts';
import type { Detection } from './detections.ts';

export interface Run {
  readonly table: string;
  /** The start and the end of the window, in milliseconds. */
  readonly from: number;
  readonly to: number;
  /** Replaces the query of the file, and values of its parameters. */
  readonly sql?: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

/** Runs a detection as RunReveal does, with the parameters of its file, on a table of a test. */
export function runDetection(
  clickHouse: ClickHouse,
  detection: Detection,
  { table, from, to, sql = detection.sql, parameters }: Run,
): Record<string, unknown>[] {
  const values = { ...detection.parameters, ...parameters, from: String(from / 1000), to: String(to / 1000) };
  for (const [name, value] of Object.entries(values)) {
    clickHouse.query(`SET param_${name} = '${value.replaceAll("'", "\\'")}'`);
  }
  clickHouse.query('SET output_format_json_quote_64bit_integers = 0');
  return clickHouse.rows(sql.replaceAll('runreveal.planetscale_logs', table));
}
