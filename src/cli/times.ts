import { parseTimestamp } from '../internal/timestamp.ts';
import { UsageError } from './flags.ts';

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 60 * 60_000, d: 24 * 60 * 60_000 };

/** Returns the milliseconds of a text such as `90s`, `24h` or `7d`; undefined for any other text. */
const readDurationMs = (text: string): number | undefined => {
  const [, count, unit = ''] = /^(\d{1,5})([smhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (unitMs[unit] ?? Number.NaN);
};

/** @throws UsageError if the text is no duration above 0 */
export function parseDurationMs(flag: string, text: string): number {
  const durationMs = readDurationMs(text);
  if (durationMs) return durationMs;
  throw new UsageError(
    `${flag}: ${JSON.stringify(text)} is no duration. Write a number and a unit, such as 30s, 5m or 1h.`,
  );
}

/**
 * Returns the instant of a timestamp, of the beginning of a day in UTC, or of a duration before now.
 *
 * @throws UsageError if the text is none of them
 */
export function parseTime(flag: string, text: string, nowMs: number): Date {
  const durationMs = readDurationMs(text);
  if (durationMs !== undefined) return new Date(nowMs - durationMs);
  const instantMs = parseTimestamp(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (instantMs !== undefined) return new Date(instantMs);
  throw new UsageError(
    `${flag}: ${JSON.stringify(text)} is no time. Write a time such as 2026-11-01 or 2026-11-01T12:00:00Z, or an age such as 24h or 7d.`,
  );
}

/** The times of --since and --until; undefined for a flag that is left out. */
export interface Range {
  readonly since: Date | undefined;
  readonly until: Date | undefined;
}

/** @throws UsageError if a time cannot be read */
export function parseRange(
  { since, until }: { readonly since?: string | undefined; readonly until?: string | undefined },
  nowMs: number,
): Range {
  return {
    since: since === undefined ? undefined : parseTime('--since', since, nowMs),
    until: until === undefined ? undefined : parseTime('--until', until, nowMs),
  };
}
