import { isPlainTimestamp, parseTimestamp } from '../../internal/timestamp.ts';

/** ClickHouse's DateTime counts seconds in 32 bits: it ends at 2106-02-07 06:28:15. */
const lastInstantMs = 0xffff_ffff * 1000;

const withoutZone = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;

let lastSecond = { second: 0, text: '1970-01-01 00:00:00' };

/** An instant as `YYYY-MM-DD hh:mm:ss` in UTC, truncated to the second; one that DateTime cannot hold becomes its first or last. */
export function dateTimeFromMs(ms: number): string {
  const second = Math.floor(Math.min(Math.max(ms, 0), lastInstantMs) / 1000);
  // All rows of a batch have the same time of arrival, and its text would cost as much as the row's id.
  if (second !== lastSecond.second) lastSecond = { second, text: withoutZone(new Date(second * 1000).toISOString()) };
  return lastSecond.text;
}

/** The same for ISO 8601 text; `undefined` for what is no timestamp. */
export function dateTimeFromText(text: string): string | undefined {
  // A Date and its toISOString() cost a dozen times what this does.
  if (text >= '1970' && text < '2100' && isPlainTimestamp(text)) return withoutZone(text);
  const ms = parseTimestamp(text);
  return ms === undefined ? undefined : dateTimeFromMs(ms);
}
