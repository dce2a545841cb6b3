/** When PlanetScale sent a response. The times differ as long as the poller doubts the `Date` of the response. */
export interface ServerTime {
  readonly earliestMs: number;
  /** The time that the poller expected, or the `Date` if the poller believes it. */
  readonly likelyMs: number;
  readonly latestMs: number;
}

/** A time of PlanetScale's clock, and when this machine received it. */
interface Reading {
  readonly serverMs: number;
  readonly localMs: number;
  readonly monotonicMs: number;
}

/** How far a `Date` may be from the previous one plus the time since. */
export const maxDriftMs = 5 * 60_000;

/** How far the first `Date` may be from the local clock. */
export const maxFirstDriftMs = 24 * 60 * 60_000;

/** After this many responses in a row that agree with each other, the poller believes a new clock. */
const agreeingResponses = 3;

/** Follows PlanetScale's clock from response to response, so that one wrong `Date` moves no watermark and hides no gap. */
export class ServerClock {
  /** The last `Date` that the poller believes. */
  #trusted: Reading | undefined;
  /** The `Date`s since then that disagree with it, and agree with each other. */
  #doubted: { readonly last: Reading; readonly count: number } | undefined;

  /** Whether the poller doubts the last `Date`. */
  get isInDoubt(): boolean {
    return this.#doubted !== undefined;
  }

  /** Returns undefined for a response without a `Date`. */
  read(servedAt: Date | undefined): ServerTime | undefined {
    const serverMs = servedAt?.getTime() ?? Number.NaN;
    if (Number.isNaN(serverMs)) return undefined;
    const expectedMs = this.#trusted ? timesNow(this.#trusted) : ([Date.now()] as const);
    const isPlausible = isNear(serverMs, expectedMs, this.#trusted ? maxDriftMs : maxFirstDriftMs);
    const count = isPlausible ? 0 : 1 + this.#countAgreeing(serverMs);
    if (isPlausible || count === agreeingResponses) {
      this.#trusted = readingOf(serverMs);
      this.#doubted = undefined;
      return { earliestMs: serverMs, likelyMs: serverMs, latestMs: serverMs };
    }
    this.#doubted = { last: readingOf(serverMs), count };
    return {
      earliestMs: Math.min(serverMs, ...expectedMs),
      likelyMs: expectedMs[0],
      latestMs: Math.max(serverMs, ...expectedMs),
    };
  }

  /** The latest time that PlanetScale's clock may show at this moment, by the last `Date` that the poller believes. */
  nowMs(): number {
    return this.#trusted ? Math.max(...timesNow(this.#trusted)) : Date.now();
  }

  /** Returns how many doubted responses agree with the time. */
  #countAgreeing(serverMs: number): number {
    if (!this.#doubted || !isNear(serverMs, timesNow(this.#doubted.last), maxDriftMs)) return 0;
    return this.#doubted.count;
  }
}

const readingOf = (serverMs: number): Reading => ({
  serverMs,
  localMs: Date.now(),
  monotonicMs: performance.now(),
});

/**
 * Returns the times that PlanetScale's clock may show now. The monotonic clock stands still in a suspended process, and somebody
 * may set the local clock. Rarely does either happen.
 */
const timesNow = ({ serverMs, localMs, monotonicMs }: Reading): readonly [byMonotonic: number, byLocal: number] => [
  serverMs + performance.now() - monotonicMs,
  serverMs + Date.now() - localMs,
];

const isNear = (ms: number, expectedMs: readonly number[], maxDistanceMs: number): boolean =>
  expectedMs.some((expected) => Math.abs(ms - expected) <= maxDistanceMs);
