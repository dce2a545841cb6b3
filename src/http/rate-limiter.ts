import * as z from 'zod/mini';
import { parseOptions, wholeNumberSchema } from '../internal/option-schemas.ts';
import { sleep } from '../internal/sleep.ts';

/** Decides when requests may start. Several clients, or several processes, can share the budget behind it. */
export interface RateLimiter {
  /**
   * Resolves when one more request may start. The client calls it before each request, retries included, and its wait does not
   * count for `timeoutMs`.
   *
   * @param signal aborts if the request is no longer wanted. The request must then not count
   */
  acquire(signal: AbortSignal): Promise<void>;
  /** Keeps all requests from starting for a while. The client calls it after a 429, and after an answer with `Retry-After`. */
  pauseFor?(ms: number): void;
}

export const requestsPerMinuteSchema = /* @__PURE__ */ (() => wholeNumberSchema(1, 1_000_000_000))();

const optionsSchema = /* @__PURE__ */ (() => z.strictObject({ requestsPerMinute: requestsPerMinuteSchema }))();

/**
 * Returns a limiter for the clients of one process. Give it to all clients that share a limit of PlanetScale, as their
 * `rateLimiter`.
 *
 * The limiter lets at most `requestsPerMinute` requests start in any 60 seconds. The first ones start without a wait, and each
 * further request waits until an earlier one is a minute old.
 *
 * @throws `AuditConfigError` if `requestsPerMinute` is no whole number above 0
 * @example
 * ```ts
 * import { createRateLimiter, PlanetScaleAuditClient } from 'planetscale-audit';
 *
 * const rateLimiter = createRateLimiter({ requestsPerMinute: 600 });
 * const clients = ['acme', 'example'].map((organization) => PlanetScaleAuditClient.fromEnv({ organization, rateLimiter }));
 * console.log(clients.length);
 * ```
 */
export function createRateLimiter(options: {
  /** The maximum number of requests that start in any 60 seconds. */
  readonly requestsPerMinute: number;
}): Required<RateLimiter> {
  const { requestsPerMinute } = parseOptions(optionsSchema, options, 'createRateLimiter');
  return new SlidingWindow(requestsPerMinute);
}

const minuteMs = 60_000;

/** A token bucket would let almost twice as many requests through in its first minute. */
export class SlidingWindow implements Required<RateLimiter> {
  readonly #requestsPerMinute: number;
  /** The starts of the last minute on the monotonic clock, the earliest first. */
  readonly #startedAtMs: number[] = [];
  #pausedUntilMs = 0;

  constructor(requestsPerMinute: number) {
    this.#requestsPerMinute = requestsPerMinute;
  }

  async acquire(signal: AbortSignal): Promise<void> {
    for (let delayMs = this.#delayMs(); delayMs > 0; delayMs = this.#delayMs()) await sleep(delayMs, signal);
    signal.throwIfAborted();
    this.#startedAtMs.push(performance.now());
  }

  pauseFor(ms: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, performance.now() + ms);
  }

  #delayMs(): number {
    const nowMs = performance.now();
    const startedAtMs = this.#startedAtMs;
    while (startedAtMs[0] !== undefined && startedAtMs[0] + minuteMs <= nowMs) startedAtMs.shift();
    // A new request must wait until this earlier request is a minute old. There is none while fewer than `requestsPerMinute`
    // requests started in the last minute.
    const blockingStartMs = startedAtMs[startedAtMs.length - this.#requestsPerMinute] ?? Number.NEGATIVE_INFINITY;
    return Math.max(blockingStartMs + minuteMs, this.#pausedUntilMs) - nowMs;
  }
}
