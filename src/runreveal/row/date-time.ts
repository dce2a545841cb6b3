import { isPlainTimestamp, parseTimestamp } from '../../internal/timestamp.ts';

/** ClickHouse's DateTime is a number of seconds in 32 bits, and ends at 2106-02-07 06:28:15. */
const lastInstantMs = 0xffff_ffff * 1000;

const withoutZone = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;

let lastSecond = { second: 0, text: '1970-01-01 00:00:00' };

/**
 * Returns `YYYY-MM-DD hh:mm:ss` in UTC, truncated to the second. An instant outside DateTime's range becomes its first or last
 * second.
 */
export function dateTimeFromMs(ms: number): string {
  const second = Math.floor(Math.min(Math.max(ms, 0), lastInstantMs) / 1000);
  // The rows of a batch share a time of arrival, and formatting costs as much as the row's id.
  if (second !== lastSecond.second) lastSecond = { second, text: withoutZone(new Date(second * 1000).toISOString()) };
  return lastSecond.text;
}

/** Returns the {@link dateTimeFromMs} of ISO 8601 text, or `undefined` if the text is no timestamp. */
export function dateTimeFromText(text: string): string | undefined {
  // A Date and its toISOString() would take twelve times as long.
  if (text >= '1970' && text < '2100' && isPlainTimestamp(text)) return withoutZone(text);
  const ms = parseTimestamp(text);
  return ms === undefined ? undefined : dateTimeFromMs(ms);
}
