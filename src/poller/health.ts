/** How a poller is doing, for a health check or a metric. */
export interface PollerHealth {
  /**
   * `idle` before the iteration, `catching-up` while it scans or hands over, `waiting` between two polls, `retrying` while it
   * waits out an error, `stale` where no scan was completed for 5 intervals, a slow consumer aside, `stopped` at the end.
   */
  readonly state: 'idle' | 'catching-up' | 'waiting' | 'retrying' | 'stale' | 'stopped';
  /** When the last scan was completed. */
  readonly lastSuccessAt: Date | undefined;
  /** `created_at` of the newest event that is done. */
  readonly lastEventAt: Date | undefined;
  /** Failed attempts in a row, of requests and of the store. */
  readonly consecutiveFailures: number;
  /** How many events are done. */
  readonly delivered: number;
}

/** After so many intervals without a completed scan a poller is stale. */
const staleIntervals = 5;

/** Keeps count of what a poller does. */
export class HealthRecord {
  readonly #staleAfterMs: number;
  #state: Exclude<PollerHealth['state'], 'stale'> = 'idle';
  #lastSuccessAt: Date | undefined;
  #lastEventMs: number | undefined;
  #consecutiveFailures = 0;
  #delivered = 0;
  /** Since when a scan is due; moved on by the time that the consumer takes. */
  #dueSinceMs = 0;
  #handedOverAtMs: number | undefined;

  constructor(intervalMs: number) {
    this.#staleAfterMs = staleIntervals * intervalMs;
  }

  started(): void {
    this.#state = 'catching-up';
    this.#dueSinceMs = Date.now();
  }

  scanning(): void {
    this.#state = 'catching-up';
  }

  scanned(): void {
    this.#lastSuccessAt = new Date();
    this.#dueSinceMs = Date.now();
  }

  waiting(): void {
    this.#state = 'waiting';
  }

  failed(attempt: number): void {
    this.#state = 'retrying';
    this.#consecutiveFailures = attempt;
  }

  failedForGood(): void {
    this.#consecutiveFailures++;
  }

  succeeded(): void {
    this.#state = 'catching-up';
    this.#consecutiveFailures = 0;
  }

  handedOver(): void {
    this.#handedOverAtMs = Date.now();
  }

  takenBack(): void {
    this.#dueSinceMs += Date.now() - (this.#handedOverAtMs ?? Date.now());
    this.#handedOverAtMs = undefined;
  }

  /** @param createdAtMs of each event that is done, where it is a time */
  done(createdAtMs: readonly (number | undefined)[]): void {
    this.#delivered += createdAtMs.length;
    for (const ms of createdAtMs) if (ms !== undefined) this.#lastEventMs = Math.max(this.#lastEventMs ?? ms, ms);
  }

  stopped(): void {
    this.#state = 'stopped';
  }

  read(): PollerHealth {
    return {
      state: this.#isStale() ? 'stale' : this.#state,
      lastSuccessAt: this.#lastSuccessAt,
      lastEventAt: this.#lastEventMs === undefined ? undefined : new Date(this.#lastEventMs),
      consecutiveFailures: this.#consecutiveFailures,
      delivered: this.#delivered,
    };
  }

  #isStale(): boolean {
    if (this.#state === 'idle' || this.#state === 'stopped' || this.#handedOverAtMs !== undefined) return false;
    return Date.now() - this.#dueSinceMs > this.#staleAfterMs;
  }
}
