/** Matches `2021-07-19T17:13:45.000Z` with up to 80 decimals, and with an offset or nothing (for UTC) instead of `Z`. */
const isoPattern =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d{0,71})?(?:[Zz]|([+-])(\d\d):?(\d\d))?$/;

/** Matches a UTC timestamp on a date that every year has. A pattern knows no leap years, so `isoPattern` reads 29 February. */
const plainPattern =
  /^\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,80})?Z$/;

/** Returns whether the text is a UTC timestamp with a `Z` on any date but 29 February. `Date.parse` reads such text correctly. */
export const isPlainTimestamp = (text: string): boolean => plainPattern.test(text);

/**
 * Returns the instant of an ISO 8601 timestamp in milliseconds since 1970, or `undefined` for any other text. Second 60 counts as
 * 59, because a leap second has no instant of its own. `Date.parse` would refuse second 60 and accept text such as `"1"`.
 */
export function parseTimestamp(text: string): number | undefined {
  if (isPlainTimestamp(text)) return Date.parse(text); // Several times faster than the pattern below.
  const match = isoPattern.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  // `Date` moves the 31st of a month with 30 days into the next month.
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  if (Number(offsetHour) > 23 || Number(offsetMinute) > 59) return undefined;
  date.setUTCHours(
    Number(hour),
    Number(minute),
    Math.min(Number(second), 59),
    Number(fraction.padEnd(3, '0').slice(0, 3)),
  );
  const offsetMs = (Number(offsetHour) * 60 + Number(offsetMinute)) * 60_000;
  return date.getTime() - (sign === '-' ? -offsetMs : offsetMs);
}

/**
 * Returns an ISO 8601 timestamp as RFC 3339 in UTC, or `undefined` for any other text. The result keeps all decimals, of which a
 * `Date` would keep three.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 */
export function toRfc3339(text: string): string | undefined {
  if (isPlainTimestamp(text)) return text; // With a Date, the text of a webhook would take two thirds longer.
  const ms = parseTimestamp(text);
  if (ms === undefined) return undefined;
  const [, decimals] = /[.,](\d+)/.exec(text) ?? [];
  const iso = new Date(ms).toISOString();
  if (iso.length > '2026-11-01T00:00:00.000Z'.length) return undefined; // An offset can move a date out of the years 0 to 9999.
  return `${iso.slice(0, 19)}${decimals === undefined ? '' : `.${decimals}`}Z`;
}
