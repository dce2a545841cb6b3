/**
 * The form of nine events in ten, `YYYY-MM-DDThh:mm:ss[.fff]Z`, where it needs no calendar to be a date: from 1970 to 2099, and up
 * to the 28th.
 */
export const plainTimestamp =
  /^(?:19[7-9]\d|20\d\d)-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{3})?Z$/;

/** `2021-07-19T17:13:45.000Z`, with any number of decimals or none, an offset instead of `Z`, or neither (then UTC). */
const isoPattern =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?(?:[Zz]|([+-])(\d\d):?(\d\d))?$/;

/**
 * The instant of an ISO 8601 timestamp in milliseconds since 1970, `undefined` for anything else. Second 60 counts as 59:
 * a leap second has no instant of its own. `Date.parse` would do neither that nor refuse text such as `"1"`.
 */
export function timestampMs(text: string): number | undefined {
  return plainTimestamp.test(text) ? plainMs(text) : isoMs(text);
}

/** A poller reads a timestamp several times for each event; this takes a sixth of the time. */
const plainMs = (text: string): number => {
  const digit = (at: number): number => text.charCodeAt(at) - 0x30;
  const two = (at: number): number => 10 * digit(at) + digit(at + 1);
  const ms = text.length === '1970-01-01T00:00:00Z'.length ? 0 : 100 * digit(20) + two(21);
  return Date.UTC(100 * two(0) + two(2), two(5) - 1, two(8), two(11), two(14), two(17), ms);
};

const isoMs = (text: string): number | undefined => {
  const match = isoPattern.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  // The 31st of a month that has 30 days has moved into the next one.
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
};
