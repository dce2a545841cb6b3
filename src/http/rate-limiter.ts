import { sleep } from '../internal/sleep.ts';

const minuteMs = 60_000;

/**
 * Lets at most `requestsPerMinute` requests start in any 60 seconds. The first `requestsPerMinute` requests start without a
 * wait, and each further request waits until an earlier one is a minute old. A token bucket would let almost twice as many
 * requests through in its first minute.
 */
export class RateLimiter {
  readonly #requestsPerMinute: number;
  /** The starts of the last minute on the monotonic clock, the earliest first. */
  readonly #startedAtMs: number[] = [];
  #pausedUntilMs = 0;

  constructor(requestsPerMinute: number) {
    this.#requestsPerMinute = requestsPerMinute;
  }

  /** Resolves when a request may start. After an abort it rejects with the signal's reason, and the request does not count. */
  async acquire(signal: AbortSignal | undefined): Promise<void> {
    for (let delayMs = this.#delayMs(); delayMs > 0; delayMs = this.#delayMs()) await sleep(delayMs, signal);
    signal?.throwIfAborted();
    this.#startedAtMs.push(performance.now());
  }

  /** Keeps all requests from starting for `ms` milliseconds. */
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
