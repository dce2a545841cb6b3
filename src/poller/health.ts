/** The condition of a poller, for a health check or a metric. */
export interface PollerHealth {
  /**
   * - `not-started`: the iteration has not begun
   * - `polling`: the poller scans the list or delivers events
   * - `idle`: the poller waits for the next poll
   * - `retrying`: the poller waits to repeat an operation that failed
   * - `stale`: for 5 intervals the poller has neither read a page nor completed a scan. The time that the consumer takes does not
   *   count
   * - `stopped`: the iteration ended without an error
   * - `failed`: an error ended the iteration
   */
  readonly state: 'not-started' | 'polling' | 'idle' | 'retrying' | 'stale' | 'stopped' | 'failed';
  /** When the poller last completed a scan. */
  readonly lastSuccessAt: Date | undefined;
  /** `created_at` of the newest acknowledged event. */
  readonly lastEventAt: Date | undefined;
  /** Failed attempts in a row, of requests and of the store. */
  readonly consecutiveFailures: number;
  /** The number of acknowledged events. */
  readonly processed: number;
  /** How many polls the poller has begun. */
  readonly polls: number;
  /** How many attempts have failed, of requests and of the store. */
  readonly failures: number;
  /** How many pages of the list the poller has read. */
  readonly pagesRead: number;
}

/** The poller is stale after this many intervals without progress. */
const staleIntervals = 5;

/** Records what a poller does, and derives its health. */
export class HealthRecord {
  readonly #staleAfterMs: number;
  #state: Exclude<PollerHealth['state'], 'stale'> = 'not-started';
  #lastSuccessAt: Date | undefined;
  #lastEventMs: number | undefined;
  #consecutiveFailures = 0;
  #processed = 0;
  #polls = 0;
  #failures = 0;
  #pagesRead = 0;
  /** How many pages the scan has read, and how many an earlier attempt at the same scan had read. */
  #pagesOfScan = 0;
  #pagesOfLongestAttempt = 0;
  /** The time from which staleness counts. The time that the consumer takes moves it on. */
  #staleClockMs = 0;
  #consumerStartedAtMs: number | undefined;

  constructor(intervalMs: number) {
    this.#staleAfterMs = staleIntervals * intervalMs;
  }

  iterationStarted(): void {
    this.#state = 'polling';
    this.#staleClockMs = Date.now();
  }

  pollStarted(): void {
    this.#state = 'polling';
    this.#polls++;
    this.#pagesOfScan = 0;
    this.#pagesOfLongestAttempt = 0;
  }

  /** The scan starts again. The pages that it reads a second time are no progress. */
  scanDiscarded(): void {
    this.#pagesOfLongestAttempt = Math.max(this.#pagesOfLongestAttempt, this.#pagesOfScan);
    this.#pagesOfScan = 0;
  }

  pageRead(): void {
    this.#pagesRead++;
    this.#pagesOfScan++;
    if (this.#pagesOfScan > this.#pagesOfLongestAttempt) this.#staleClockMs = Date.now();
  }

  scanCompleted(): void {
    this.#lastSuccessAt = new Date();
    this.#staleClockMs = Date.now();
  }

  waiting(): void {
    this.#state = 'idle';
  }

  attemptFailed(attempt: number): void {
    this.#state = 'retrying';
    this.#failures++;
    this.#consecutiveFailures = attempt;
  }

  attemptSucceeded(): void {
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

  /** @param createdAtMs of each event; undefined if it cannot be read */
  acknowledged(createdAtMs: readonly (number | undefined)[]): void {
    this.#processed += createdAtMs.length;
    for (const ms of createdAtMs) if (ms !== undefined) this.#lastEventMs = Math.max(this.#lastEventMs ?? ms, ms);
  }

  iterationEnded(hasFailed: boolean): void {
    if (hasFailed) {
      this.#consecutiveFailures++;
      this.#failures++;
    }
    this.#state = hasFailed ? 'failed' : 'stopped';
  }

  read(): PollerHealth {
    return {
      state: this.#isStale() ? 'stale' : this.#state,
      lastSuccessAt: this.#lastSuccessAt,
      lastEventAt: this.#lastEventMs === undefined ? undefined : new Date(this.#lastEventMs),
      consecutiveFailures: this.#consecutiveFailures,
      processed: this.#processed,
      polls: this.#polls,
      failures: this.#failures,
      pagesRead: this.#pagesRead,
    };
  }

  #isStale(): boolean {
    const isRunning = this.#state !== 'not-started' && this.#state !== 'stopped' && this.#state !== 'failed';
    if (!isRunning || this.#consumerStartedAtMs !== undefined) return false;
    return Date.now() - this.#staleClockMs > this.#staleAfterMs;
  }
}
