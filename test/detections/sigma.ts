import type { SigmaRule } from './detections.ts';

/** The subset of Sigma that the rules use: one selection, whose fields are all compared with a text or with a list of texts. */
export function matchesSigma(rule: SigmaRule, rawLog: string): boolean {
  const { condition, selection, ...others } = rule.detection;
  if (condition !== 'selection' || Object.keys(others).length > 0) throw new Error(`not supported: ${condition}`);
  if (typeof selection !== 'object' || selection === null) throw new Error('the selection is no map');
  const event: Record<string, unknown> = JSON.parse(rawLog);
  return Object.entries(selection).every(([field, expected]) => {
    if (field.includes('|')) throw new Error(`modifiers are not supported: ${field}`);
    const values: readonly unknown[] = Array.isArray(expected) ? expected : [expected];
    return values.some((value) => isSameText(value, event[field]));
  });
}

/** Sigma compares without case. `*` and `?` are wildcards, and a backslash escapes, so no rule has them. */
function isSameText(expected: unknown, value: unknown): boolean {
  if (typeof expected !== 'string' || /[*?\\]/.test(expected)) throw new Error(`not supported: ${expected}`);
  return typeof value === 'string' && value.toLowerCase() === expected.toLowerCase();
}
