import { stringifyOrEmpty } from './safe-stringify.ts';

/**
 * Returns text that any decoder accepts. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD, because ClickHouse refuses a
 * whole insert for one of them. Null and undefined become `''`. Any other value becomes its JSON, because JavaScript callers can
 * pass events of their own.
 */
export function toText(value: unknown): string {
  if (typeof value === 'string') return value.toWellFormed();
  return value === undefined || value === null ? '' : stringifyOrEmpty(value);
}
