import { parseTimestamp } from '../internal/timestamp.ts';
import { parseHttpDate } from './http-date.ts';

const secondsPattern = /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** The header may be there more than once, and then its values come as a list. The comma after a day belongs to a date. */
const separator = /(?<!day|Mon|Tue|Wed|Thu|Fri|Sat|Sun),/;

/**
 * How long the `Retry-After` headers ask to wait, in milliseconds, the longest of several: seconds, fractions of a second, an
 * HTTP date or an ISO one. PlanetScale has been seen to send all of them. A date is measured by the server's own clock where the
 * answer tells it. `undefined` for anything else, negative numbers included.
 */
export function parseRetryAfter(headers: Headers): number | undefined {
  const servedAtMs = parseDateHeader(headers)?.getTime() ?? Date.now();
  const waits = (headers.get('retry-after') ?? '')
    .split(separator)
    .map((value) => waitMs(value.trim(), servedAtMs))
    .filter((wait) => wait !== undefined);
  return waits.length === 0 ? undefined : Math.max(...waits);
}

const waitMs = (value: string, servedAtMs: number): number | undefined => {
  if (secondsPattern.test(value)) return Math.min(Math.ceil(Number(value) * 1000), Number.MAX_SAFE_INTEGER);
  const untilMs = parseHttpDate(value) ?? parseTimestamp(value);
  return untilMs === undefined ? undefined : Math.max(0, untilMs - servedAtMs);
};

/** The server's clock when it answered, to the second. */
export function parseDateHeader(headers: Headers): Date | undefined {
  const ms = parseHttpDate(headers.get('date') ?? '');
  return ms === undefined ? undefined : new Date(ms);
}
