import { parseTimestamp } from '../internal/timestamp.ts';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`. */
const createForms = (): readonly RegExp[] => {
  const month = `(?<month>${months.join('|')})`;
  const time = String.raw`(?<time>\d\d:\d\d:\d\d)`;
  return [
    String.raw`(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\d\d) ${month} (?<year>\d{4}) ${time} GMT`,
    String.raw`(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\d\d)-${month}-(?<year>\d\d) ${time} GMT`,
    String.raw`(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${month} (?<day>[ \d]\d) ${time} (?<year>\d{4})`,
  ].map((form) => new RegExp(`^${form}$`));
};

const forms = /* @__PURE__ */ createForms();

/**
 * Returns the instant of a date in an HTTP header in milliseconds since 1970, or `undefined` for any other text. All three forms
 * are in UTC. `Date.parse` would read the third form, which names no zone, in local time.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
 */
export function parseHttpDate(text: string): number | undefined {
  for (const form of forms) {
    const { day = '', month = '', year = '', time } = form.exec(text)?.groups ?? {};
    if (time === undefined) continue;
    const monthNumber = String(months.indexOf(month) + 1).padStart(2, '0');
    return parseTimestamp(`${toFullYear(year)}-${monthNumber}-${day.replace(' ', '0')}T${time}Z`);
  }
  return undefined;
}

/** Returns the year in four digits. A year of two digits that would be more than 50 years ahead lies in the past. */
const toFullYear = (year: string): string => {
  if (year.length === 4) return year;
  const thisYear = new Date().getUTCFullYear();
  const inThisCentury = thisYear - (thisYear % 100) + Number(year);
  return String(inThisCentury > thisYear + 50 ? inThisCentury - 100 : inThisCentury);
};
