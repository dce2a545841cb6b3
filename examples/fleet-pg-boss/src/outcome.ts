// What becomes of an organization after a run. Nothing here knows the engine.
import { classifyError, printable } from 'planetscale-audit';
import { intervalMs } from './config.ts';

export type Outcome =
  | { readonly kind: 'succeeded' | 'ignored'; readonly nextRunInMs: number }
  | { readonly kind: 'failed'; readonly nextRunInMs: number; readonly message: string; readonly isUnexpected: boolean }
  | { readonly kind: 'parked'; readonly message: string };

const maxBackoffMs = 60 * 60_000;

/** ±10 %, so that organizations which began together drift apart. */
const nextInterval = (): number => intervalMs * (0.9 + Math.random() * 0.2);

/** Later with each failure in a row, and never before the time that PlanetScale asked for. */
const backoff = (failures: number, retryAfterMs = 0): number =>
  Math.max(retryAfterMs, nextInterval() * Math.min(2 ** failures, maxBackoffMs / intervalMs));

export const success = (): Outcome => ({ kind: 'succeeded', nextRunInMs: nextInterval() });

/** @param failures how many runs of the organization have failed in a row before this one */
export function outcomeOf(error: unknown, failures: number): Outcome {
  const errorClass = classifyError(error);
  const message = printable(String(error));
  switch (errorClass.kind) {
    case 'transient':
      return { kind: 'failed', nextRunInMs: backoff(failures, errorClass.retryAfterMs), message, isUnexpected: false };
    case 'conflict': // Another run of the organization has moved the cursor, and does the work.
      return { kind: 'ignored', nextRunInMs: nextInterval() };
    case 'unexpected': // Most often the destination of the events is away.
      return { kind: 'failed', nextRunInMs: backoff(failures), message, isUnexpected: true };
    default: // access, configuration, corrupt-state: no later run succeeds before a person has acted.
      return { kind: 'parked', message: `${errorClass.kind}: ${message}` };
  }
}
