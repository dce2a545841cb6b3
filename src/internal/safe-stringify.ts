import { errorName } from './foreign-error.ts';

/**
 * Returns the value as compact JSON, or `''` if it is nested deeper than the engine can write, which is some thousands of levels
 * on Node 24 and earlier. `JSON.parse` can read such a value, and the event that holds it must not be lost.
 */
export function stringifyOrEmpty(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (errorName(error) === 'RangeError') return '';
    throw error;
  }
}
