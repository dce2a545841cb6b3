import { stringifyOrEmpty } from './safe-stringify.ts';

/**
 * Text that any decoder takes: a lone surrogate, which UTF-8 cannot hold, becomes U+FFFD. ClickHouse refuses a whole insert
 * for one of them. Nothing there becomes `''`. What is no text, in an event that the client has not read, becomes its JSON.
 */
export function toText(value: unknown): string {
  if (typeof value === 'string') return value.toWellFormed();
  return value === undefined || value === null ? '' : stringifyOrEmpty(value);
}
