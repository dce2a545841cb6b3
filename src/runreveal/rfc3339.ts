import { parseTimestamp } from '../internal/timestamp.ts';

/**
 * ISO 8601 text as RFC 3339 in UTC, with all the decimals that it has: a `Date` would keep three. `undefined` for what is no
 * timestamp. Source of what may stand there: https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 */
export function toRfc3339(text: string): string | undefined {
  const ms = parseTimestamp(text);
  if (ms === undefined) return undefined;
  const [, decimals] = /[.,](\d+)/.exec(text) ?? [];
  const iso = new Date(ms).toISOString();
  if (iso.length > '2026-11-01T00:00:00.000Z'.length) return undefined; // An offset has moved it out of the years 0 to 9999.
  return `${iso.slice(0, 19)}${decimals === undefined ? '' : `.${decimals}`}Z`;
}
