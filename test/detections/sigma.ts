import type { SigmaRule } from './detections.ts';

/** Evaluates the subset of Sigma that the rules use: one selection, whose fields each equal a text, or one of a list of texts. */
export function matchesSigma({ detection }: SigmaRule, rawLog: string): boolean {
  const event: Readonly<Record<string, unknown>> = JSON.parse(rawLog);
  return Object.entries(detection.selection).every(([field, expected]) =>
    [expected].flat().some((text) => isSameText(text, event[field])),
  );
}

/** Sigma compares without case. */
const isSameText = (expected: string, value: unknown): boolean =>
  typeof value === 'string' && value.toLowerCase() === expected.toLowerCase();
