import { timestampMs } from '../internal/timestamp.ts';

/** ClickHouse's DateTime counts seconds in 32 bits: it ends at 2106-02-07 06:28:15. */
const lastInstantMs = 0xffff_ffff * 1000;

/** ISO 8601 in UTC that needs no calendar to be a date in range: up to the 28th, and up to 2099. Nine events in ten. */
const plainPattern =
  /^(?:19[7-9]\d|20\d\d)-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?Z$/;

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
  if (plainPattern.test(text)) return withoutZone(text);
  const ms = timestampMs(text);
  return ms === undefined ? undefined : dateTimeFromMs(ms);
}
