import { AuditApiError, PlanetScaleAuditError } from '../errors.ts';
import { fullJitterMs } from '../internal/backoff.ts';
import { sleep } from '../internal/sleep.ts';

const backoffLimits = { firstMs: 1000, maxMs: 5 * 60_000 };

export interface RetryOptions {
  /** False: the first error is the last. */
  readonly enabled: boolean;
  readonly signal: AbortSignal | undefined;
  /** Told before each wait, and awaited. */
  onRetry(error: PlanetScaleAuditError, attempt: number, delayMs: number): Promise<void>;
}

/**
 * Runs an operation until it succeeds or fails for good. Between two attempts lies a random part of 1 s, 2 s, 4 s … 5 min, and
 * never less than the server asked for.
 *
 * @throws what the operation threw, where that cannot be retried; the signal's reason
 */
export async function retry<Result>(operation: () => Promise<Result>, options: RetryOptions): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation();
    } catch (error) {
      await backOff(error, attempt, options);
    }
  }
}

/**
 * Returns when an operation that failed may be tried again.
 *
 * @throws the error, where it may not; the signal's reason
 */
export async function backOff(error: unknown, attempt: number, options: RetryOptions): Promise<void> {
  const { enabled, signal, onRetry } = options;
  signal?.throwIfAborted();
  if (!enabled || !(error instanceof PlanetScaleAuditError) || !error.retryable) throw error;
  const delayMs = retryDelayMs(error, attempt);
  await onRetry(error, attempt, delayMs);
  await sleep(delayMs, signal);
}

const retryDelayMs = (error: PlanetScaleAuditError, attempt: number): number => {
  const askedForMs = error instanceof AuditApiError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(fullJitterMs(backoffLimits, attempt), askedForMs);
};
