/** How long the waits between attempts are. */
export interface BackoffLimits {
  /** The limit of the first wait. It doubles with every attempt. */
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * The wait after a failed attempt, counted from 1: a random part of a limit that doubles, so that clients that failed together
 * do not return together.
 *
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("full jitter")
 */
export function fullJitterMs({ firstMs, maxMs }: BackoffLimits, attempt: number): number {
  return Math.random() * Math.min(maxMs, firstMs * 2 ** (attempt - 1));
}
