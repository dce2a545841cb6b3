/** How a poller is doing, for a health check or a metric. */
export interface PollerHealth {
  /**
   * - `not-started`: the iteration has not begun
   * - `polling`: the poller scans or delivers
   * - `idle`: the poller waits for the next poll
   * - `retrying`: the poller waits to repeat an operation that failed
   * - `stale`: no scan was completed for 5 intervals. The time that your code takes for a batch does not count
   * - `stopped`: the iteration ended without an error
   * - `failed`: an error ended the iteration
   */
  readonly state: 'not-started' | 'polling' | 'idle' | 'retrying' | 'stale' | 'stopped' | 'failed';
  /** When the last scan was completed. */
  readonly lastSuccessAt: Date | undefined;
  /** `created_at` of the newest event that is done. */
  readonly lastEventAt: Date | undefined;
  /** Failed attempts in a row, of requests and of the store. */
  readonly consecutiveFailures: number;
  /** How many events are done. */
  readonly processed: number;
}

/** After so many intervals without a completed scan a poller is stale. */
const staleIntervals = 5;

/** Keeps count of what a poller does. */
export class HealthRecord {
  readonly #staleAfterMs: number;
  #state: Exclude<PollerHealth['state'], 'stale'> = 'not-started';
  #lastSuccessAt: Date | undefined;
  #lastEventMs: number | undefined;
  #consecutiveFailures = 0;
  #processed = 0;
  /** Since when a scan is due; moved on by the time that the consumer takes. */
  #staleClockMs = 0;
  #consumerStartedAtMs: number | undefined;

  constructor(intervalMs: number) {
    this.#staleAfterMs = staleIntervals * intervalMs;
  }

  started(): void {
    this.#state = 'polling';
    this.#staleClockMs = Date.now();
  }

  scanning(): void {
    this.#state = 'polling';
  }

  scanned(): void {
    this.#lastSuccessAt = new Date();
    this.#staleClockMs = Date.now();
  }

  waiting(): void {
    this.#state = 'idle';
  }

  failed(attempt: number): void {
    this.#state = 'retrying';
    this.#consecutiveFailures = attempt;
  }

  ended(hasFailed: boolean): void {
    if (hasFailed) this.#consecutiveFailures++;
    this.#state = hasFailed ? 'failed' : 'stopped';
  }

  succeeded(): void {
    this.#state = 'polling';
    this.#consecutiveFailures = 0;
  }

  consumerStarted(): void {
    this.#consumerStartedAtMs = Date.now();
  }

  consumerFinished(): void {
    this.#staleClockMs += Date.now() - (this.#consumerStartedAtMs ?? Date.now());
    this.#consumerStartedAtMs = undefined;
  }

  /** @param createdAtMs of each event that is done, where it is a time */
  acknowledged(createdAtMs: readonly (number | undefined)[]): void {
    this.#processed += createdAtMs.length;
    for (const ms of createdAtMs) if (ms !== undefined) this.#lastEventMs = Math.max(this.#lastEventMs ?? ms, ms);
  }

  read(): PollerHealth {
    return {
      state: this.#isStale() ? 'stale' : this.#state,
      lastSuccessAt: this.#lastSuccessAt,
      lastEventAt: this.#lastEventMs === undefined ? undefined : new Date(this.#lastEventMs),
      consecutiveFailures: this.#consecutiveFailures,
      processed: this.#processed,
    };
  }

  #isStale(): boolean {
    const isRunning = this.#state !== 'not-started' && this.#state !== 'stopped' && this.#state !== 'failed';
    if (!isRunning || this.#consumerStartedAtMs !== undefined) return false;
    return Date.now() - this.#staleClockMs > this.#staleAfterMs;
  }
}
