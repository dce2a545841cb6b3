/**
 * The value as compact JSON. `''` where it is nested deeper than the engine's stack reaches, some thousands of levels:
 * `JSON.parse` reads such a value, and an event must not be lost for it.
 */
export function stringifyOrEmpty(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return '';
    throw error;
  }
}
