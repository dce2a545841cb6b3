import { AuditApiError, PlanetScaleAuditError } from '../errors.ts';
import { fullJitterMs } from '../internal/backoff.ts';
import { sleep } from '../internal/sleep.ts';

const backoffLimits = { firstMs: 1000, maxMs: 5 * 60_000 };

/** A server may send a date far in the future, or seconds since 1970. */
const maxRetryAfterMs = 60 * 60_000;

export interface RetryOptions {
  /** With false, the first error is final. */
  readonly enabled: boolean;
  readonly signal: AbortSignal | undefined;
  /** Whether no retry can cure the error. */
  isFinal(error: PlanetScaleAuditError): boolean;
  /** Called and awaited before each wait. */
  onRetry(error: PlanetScaleAuditError, attempt: number, delayMs: number): Promise<void>;
  /** Called when an operation succeeds that has failed before. */
  onRecovery(): void;
}

/**
 * Runs an operation until it succeeds, or fails with an error that a retry cannot cure.
 *
 * @throws the error of the operation, or the signal's reason
 */
export async function retry<Result>(operation: () => Promise<Result>, options: RetryOptions): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      const result = await operation();
      if (attempt > 1) options.onRecovery();
      return result;
    } catch (error) {
      await backOff(error, attempt, options);
    }
  }
}

/**
 * Waits before the next attempt: a random part of 1 s, 2 s, 4 s … 5 min, and never less than the server asked for, up to an hour.
 *
 * @throws the error if a retry cannot cure it, or the signal's reason
 */
export async function backOff(error: unknown, attempt: number, options: RetryOptions): Promise<void> {
  const { enabled, signal, isFinal, onRetry } = options;
  signal?.throwIfAborted();
  if (!enabled || !(error instanceof PlanetScaleAuditError) || isFinal(error)) throw error;
  const retryAfterMs = error instanceof AuditApiError ? Math.min(error.retryAfterMs ?? 0, maxRetryAfterMs) : 0;
  const delayMs = Math.max(fullJitterMs(backoffLimits, attempt), retryAfterMs);
  await onRetry(error, attempt, delayMs);
  await sleep(delayMs, signal);
}
