import { parseTimestamp } from '../internal/timestamp.ts';
import { readHeader } from './header.ts';
import { parseHttpDate } from './http-date.ts';

const secondsPattern = /^(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

/** `Headers` joins repeated headers with a comma. A comma after the name of a day belongs to a date. */
const separator = /(?<!day|Mon|Tue|Wed|Thu|Fri|Sat|Sun),/;

/**
 * Returns the wait that the `Retry-After` headers ask for, in milliseconds, the maximum of several. A value may be seconds,
 * fractions of a second, an HTTP date or an ISO date. PlanetScale sends all four. A date is compared with the `Date` header, or
 * with the local clock if the response has none. The result of any other value, such as a negative number, is `undefined`.
 */
export function parseRetryAfter(headers: Headers): number | undefined {
  const servedAtMs = parseDateHeader(headers)?.getTime() ?? Date.now();
  const waits = readHeader(headers, 'retry-after')
    .split(separator)
    .map((value) => parseWaitMs(value.trim(), servedAtMs))
    .filter((wait) => wait !== undefined);
  return waits.length === 0 ? undefined : Math.max(...waits);
}

const parseWaitMs = (value: string, servedAtMs: number): number | undefined => {
  if (secondsPattern.test(value)) return Math.min(Math.ceil(Number(value) * 1000), Number.MAX_SAFE_INTEGER);
  const untilMs = parseHttpDate(value) ?? parseTimestamp(value);
  return untilMs === undefined ? undefined : Math.max(0, untilMs - servedAtMs);
};

/** Returns the server's clock at the time of the response, to the second. */
export function parseDateHeader(headers: Headers): Date | undefined {
  const ms = parseHttpDate(readHeader(headers, 'date'));
  return ms === undefined ? undefined : new Date(ms);
}
