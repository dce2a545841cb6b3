import { sleep } from './sleep.ts';

const minuteMs = 60_000;

/**
 * Lets at most `requestsPerMinute` requests start in any 60 seconds. An export begins with as many at once and goes on at the
 * average pace; a bucket of tokens would let almost twice as many through in its first minute.
 */
export class Pace {
  readonly #requestsPerMinute: number;
  /** When the last requests start, on the monotonic clock: a ring, the oldest at `#next` once it is full. */
  readonly #startsAt: number[] = [];
  #next = 0;

  constructor(requestsPerMinute: number) {
    this.#requestsPerMinute = requestsPerMinute;
  }

  /** Resolves when a request may start, first come, first served. An abort rejects with the signal's reason. */
  async wait(signal: AbortSignal): Promise<void> {
    const now = performance.now();
    const oldest = this.#startsAt[this.#next];
    const startsAt = oldest === undefined ? now : Math.max(now, oldest + minuteMs);
    this.#startsAt[this.#next] = startsAt;
    this.#next = (this.#next + 1) % this.#requestsPerMinute;
    await sleep(startsAt - now, signal);
  }
}
