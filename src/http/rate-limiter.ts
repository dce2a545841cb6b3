import { sleep } from '../internal/sleep.ts';

const minuteMs = 60_000;

/**
 * Lets at most `requestsPerMinute` requests start in any 60 seconds. An export begins with as many as fast as it can, and then
 * waits until the first of them is a minute old; a bucket of tokens would let almost twice as many through in its first minute.
 */
export class RateLimiter {
  readonly #requestsPerMinute: number;
  /** When the requests of the last minute started, on the monotonic clock. */
  readonly #startedAtMs: number[] = [];
  #pausedUntilMs = 0;

  constructor(requestsPerMinute: number) {
    this.#requestsPerMinute = requestsPerMinute;
  }

  /** Resolves when a request may start. An abort rejects with the signal's reason, and takes nobody's turn. */
  async acquire(signal: AbortSignal): Promise<void> {
    for (let delayMs = this.#delayMs(); delayMs > 0; delayMs = this.#delayMs()) await sleep(delayMs, signal);
    signal.throwIfAborted();
    this.#startedAtMs.push(performance.now());
  }

  /** Lets no request start for so long, however many wait. */
  pauseFor(ms: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, performance.now() + ms);
  }

  #delayMs(): number {
    const nowMs = performance.now();
    const startedAtMs = this.#startedAtMs;
    while (startedAtMs[0] !== undefined && startedAtMs[0] + minuteMs <= nowMs) startedAtMs.shift();
    // The start that has to be a minute old; undefined where there are not that many.
    const inTheWayMs = startedAtMs[startedAtMs.length - this.#requestsPerMinute] ?? Number.NEGATIVE_INFINITY;
    return Math.max(inTheWayMs + minuteMs, this.#pausedUntilMs) - nowMs;
  }
}
