import { timestampMs } from './timestamp.ts';

/** `Sun, 06 Nov 1994 08:49:37 GMT`, and the two older forms of RFC 9110, 5.6.7: each starts with a day's name. */
const httpDatePattern = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/;

/**
 * How long a `Retry-After` header asks to wait, in milliseconds: seconds, fractions of a second, an HTTP date or an ISO one.
 * PlanetScale has been seen to send all of them. A date is measured by the server's own clock where the answer tells it.
 * `undefined` for anything else, negative numbers included.
 */
export function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get('retry-after')?.trim();
  if (!value) return undefined;
  if (/^\d+(?:\.\d+)?(?:e\d+)?$/i.test(value)) return finite(Math.ceil(Number(value) * 1000));
  const until = httpDatePattern.test(value) ? Date.parse(value) : timestampMs(value);
  if (until === undefined || Number.isNaN(until)) return undefined;
  return Math.max(0, until - (servedAt(headers)?.getTime() ?? Date.now()));
}

/** The server's clock when it answered, to the second. */
export function servedAt(headers: Headers): Date | undefined {
  const date = new Date(headers.get('date') ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

const finite = (ms: number): number | undefined => (Number.isFinite(ms) ? ms : undefined);
