import { parseTimestamp } from '../internal/timestamp.ts';
import { UsageError } from './flags.ts';

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 60 * 60_000, d: 24 * 60 * 60_000 };

/** Returns the milliseconds of a text such as `90s`, `24h` or `7d`; undefined for any other text. */
const readDurationMs = (text: string): number | undefined => {
  const [, count, unit = ''] = /^(\d{1,5})([smhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (unitMs[unit] ?? Number.NaN);
};

/** Timers of Node end at once if they are longer than some 24.8 days. */
const maxDurationMs = 24 * 24 * 60 * 60_000;

/** @throws UsageError if the text is no duration above 0 and up to 24 days */
export function parseDurationMs(flag: string, text: string): number {
  const durationMs = readDurationMs(text);
  if (durationMs && durationMs <= maxDurationMs) return durationMs;
  throw new UsageError(
    `${flag} cannot be ${JSON.stringify(text)}. Write a number and a unit, such as 30s, 5m or 1h, and at most 24d.`,
  );
}

/** Returns the instant of a timestamp, of the beginning of a day in UTC, or of a duration before now; undefined for any other text. */
export function readTime(text: string, nowMs: number): Date | undefined {
  const durationMs = readDurationMs(text);
  if (durationMs !== undefined) return new Date(nowMs - durationMs);
  const instantMs = parseTimestamp(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  return instantMs === undefined ? undefined : new Date(instantMs);
}

/** @throws UsageError if the text is no time */
const parseTime = (flag: string, text: string, nowMs: number): Date => {
  const time = readTime(text, nowMs);
  if (time) return time;
  throw new UsageError(
    `${flag} cannot be ${JSON.stringify(text)}. Write a time such as 2026-11-01 or 2026-11-01T12:00:00Z, or an age such as 24h or 7d.`,
  );
};

/** @throws UsageError if the time is yet to come */
export function rejectFuture(flag: string, time: Date, nowMs: number): void {
  if (time.getTime() <= nowMs) return;
  throw new UsageError(`${flag} lies in the future (${time.toISOString()}). Write an earlier time.`);
}

/** The times of --since and --until; undefined for a flag that is left out. */
export interface Range {
  readonly since: Date | undefined;
  readonly until: Date | undefined;
}

/** @throws UsageError if a time cannot be read, or no event can lie between the two */
export function parseRange(flags: { readonly since?: string; readonly until?: string }, nowMs: number): Range {
  const since = flags.since === undefined ? undefined : parseTime('--since', flags.since, nowMs);
  const until = flags.until === undefined ? undefined : parseTime('--until', flags.until, nowMs);
  if (since) rejectFuture('--since', since, nowMs);
  if (since && until && since >= until) {
    throw new UsageError(
      `--until (${until.toISOString()}) is not after --since (${since.toISOString()}), so no event lies between them. Write a later --until.`,
    );
  }
  return { since, until };
}
