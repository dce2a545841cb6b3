import { stringifyOrEmpty } from './safe-stringify.ts';

/**
 * Gives text that any decoder accepts. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD, since ClickHouse refuses a whole
 * insert for one of them. Null and undefined become `''`. Any other value becomes its JSON: the event may not come from a client.
 */
export function toText(value: unknown): string {
  if (typeof value === 'string') return value.toWellFormed();
  return value === undefined || value === null ? '' : stringifyOrEmpty(value);
}
