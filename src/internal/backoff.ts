/** The limits of the waits between attempts. */
export interface BackoffLimits {
  /** The limit of the first wait. The limit doubles with every attempt. */
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * Returns the wait after a failed attempt, a random part of the limit. `attempt` counts from 1. Clients that fail together do not
 * return together.
 *
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("full jitter")
 */
export function fullJitterMs({ firstMs, maxMs }: BackoffLimits, attempt: number): number {
  return Math.random() * Math.min(maxMs, firstMs * 2 ** (attempt - 1));
}
