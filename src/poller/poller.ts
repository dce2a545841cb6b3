// docs/internals/polling.md explains the algorithm and the words of this folder: anchor, final, seen, pending, watermark.
import type { AuditEvent } from '../audit-log/event.ts';
import type { AuditSource } from '../audit-log/page.ts';
import { AuditConfigError, type PlanetScaleAuditError } from '../errors.ts';
import { parseOptions } from '../internal/option-schemas.ts';
import { sleep } from '../internal/sleep.ts';
import { Checkpoint } from './checkpoint.ts';
import { InconsistentListError } from './consistency.ts';
import { Delivery } from './delivery.ts';
import { firstScan } from './first-scan.ts';
import { findGap } from './gap.ts';
import { HealthRecord, type PollerHealth } from './health.ts';
import { InFlightBatch } from './in-flight-batch.ts';
import { type ParsedPollerOptions, type PollerOptions, pollerOptionsSchema, sourceSchema } from './options.ts';
import { resumeScan } from './resume-scan.ts';
import { backOff, type RetryOptions, retry } from './retry.ts';
import type { TimedPage } from './scan-clock.ts';
import { type CursorScope, type PollState, scopeOf, toIso } from './state.ts';

/**
 * A poller that {@link poller} made. An iteration over it gives new events, oldest first and each at least once.
 *
 * An event counts as acknowledged when your loop asks for the next one. The poller saves the cursor once per batch, after all
 * events of the batch are acknowledged, and whenever the iteration ends.
 *
 * A poller has one iteration at a time. A second one, or {@link AuditPoller.batches} beside it, throws an
 * {@link AuditConfigError}. To end an iteration that waits for more events, abort `signal`: `return()` takes effect only when
 * the pending `next()` has an event, as with every async generator.
 */
export interface AuditPoller extends AsyncIterable<AuditEvent> {
  /** The events one by one. */
  [Symbol.asyncIterator](): AsyncGenerator<AuditEvent, void, undefined>;
  /** The events in batches of at most 100. A batch counts as acknowledged when your loop asks for the next one. */
  batches(): AsyncGenerator<readonly AuditEvent[], void, undefined>;
  /** The condition of the poller at this moment. */
  health(): PollerHealth;
}

/**
 * Returns a poller for the events that are new since the cursor in the store. Iterate over the poller to start it. Events come
 * oldest first and at least once, across restarts, errors and late arrivals. After a failure the poller repeats at most the batch
 * that was in flight. It waits for more events until the iteration ends or `signal` is aborted. With `drain` it ends once it has
 * caught up.
 *
 * The poller reads the list from the newest event down to a known one before it delivers anything. A backlog of n events takes
 * n / 100 requests first: a million events take 17 minutes at PlanetScale's limit.
 *
 * The iteration throws
 * - {@link AuditConfigError} if the key belongs to another organization or to other `actions`, or a second iteration begins
 * - {@link AuditApiError}, {@link AuditConnectionError} or {@link AuditResponseError} if the error is not retryable. With
 *   `drain`, retryable ones too
 * - {@link CursorStoreError} if the store holds something that no poller wrote, or lost a saved state
 * - {@link CursorConflictError} if another poller moved the cursor
 *
 * @throws {@link AuditConfigError} if a source or an option is missing or wrong
 * @example
 * ```ts
 * import { PlanetScaleAuditClient, poller } from 'planetscale-audit';
 * import { fileCursorStore } from 'planetscale-audit/node';
 *
 * const client = PlanetScaleAuditClient.fromEnv();
 * for await (const event of poller(client, { store: fileCursorStore('./cursors') })) {
 *   console.log(event.created_at, event.audit_action, event.actor_display_name);
 * }
 * ```
 */
export function poller(source: AuditSource, options: PollerOptions): AuditPoller {
  return new Poller(parseOptions(sourceSchema, source, 'poller'), parseOptions(pollerOptionsSchema, options, 'poller'));
}

interface StartedScan {
  readonly delivery: Delivery;
  readonly pageCount: number;
  /** The state to save before the first delivery; undefined after the first run. */
  readonly firstState?: PollState;
}

const overflowMessage =
  'The look-back holds more events than the poller remembers. It will miss late events among the oldest of them. Shorten lookbackMs.';

const lostAnchorsMessage =
  'PlanetScale no longer lists any event that the poller remembers as final. The poller may deliver some events again.';

const intervalJitter = 0.1;

class Poller implements AuditPoller {
  readonly #source: AuditSource;
  readonly #options: ParsedPollerOptions;
  readonly #scope: CursorScope;
  readonly #health: HealthRecord;
  readonly #retryOptions: RetryOptions;
  #isIterating = false;

  constructor(source: AuditSource, options: ParsedPollerOptions) {
    this.#source = source;
    this.#options = options;
    this.#scope = scopeOf(source.organization, options.actions);
    this.#health = new HealthRecord(options.intervalMs);
    this.#retryOptions = {
      enabled: !options.drain,
      signal: options.signal,
      onRetry: (error, attempt, delayMs) => this.#reportRetry(error, attempt, delayMs),
    };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AuditEvent, void, undefined> {
    for await (const batch of this.#run()) {
      for (const event of batch.events) {
        yield event;
        this.#health.acknowledged(batch.acknowledge(1));
        if (this.#options.signal?.aborted) return;
      }
    }
  }

  async *batches(): AsyncGenerator<readonly AuditEvent[], void, undefined> {
    for await (const batch of this.#run()) {
      yield [...batch.events]; // A copy, since the consumer may empty or sort it.
      this.#health.acknowledged(batch.acknowledge(batch.events.length));
    }
  }

  health(): PollerHealth {
    return this.#health.read();
  }

  async *#run(): AsyncGenerator<InFlightBatch, void, undefined> {
    if (this.#isIterating) {
      throw new AuditConfigError(
        'The poller has an iteration already. End that iteration first, or create a second poller with another key.',
      );
    }
    const { signal } = this.#options;
    let checkpoint: Checkpoint | undefined;
    let failure: { readonly error: unknown } | undefined;
    this.#isIterating = true;
    this.#health.iterationStarted();
    try {
      signal?.throwIfAborted();
      checkpoint = await this.#openCheckpoint();
      yield* this.#pollLoop(checkpoint);
    } catch (error) {
      const isQuietEnd = signal?.aborted && error === signal.reason;
      if (!isQuietEnd) failure = { error };
    } finally {
      await this.#end(checkpoint, failure);
    }
  }

  async #openCheckpoint(): Promise<Checkpoint> {
    const { store, key = `planetscale-audit:${this.#source.organization}`, onNotice } = this.#options;
    const checkpoint = await Checkpoint.open({
      store,
      key,
      scope: this.#scope,
      retry: (operation) => this.#retry(operation),
    });
    const { rollbackReason } = checkpoint;
    if (rollbackReason !== undefined) await onNotice({ type: 'cursor-rolled-back', message: rollbackReason });
    return checkpoint;
  }

  /** Saves the acknowledged events. An earlier error takes precedence over an error of this last save. */
  async #end(checkpoint: Checkpoint | undefined, earlier: { readonly error: unknown } | undefined): Promise<void> {
    let failure = earlier;
    try {
      await checkpoint?.flush();
    } catch (error) {
      failure ??= { error };
    }
    this.#isIterating = false;
    this.#health.iterationEnded(failure !== undefined);
    if (failure) throw failure.error;
  }

  async *#pollLoop(checkpoint: Checkpoint): AsyncGenerator<InFlightBatch, void, undefined> {
    const { drain, intervalMs, signal } = this.#options;
    for (;;) {
      this.#health.pollStarted();
      yield* this.#pollOnce(checkpoint);
      if (drain) return;
      this.#health.waiting();
      await sleep(intervalMs * (1 + intervalJitter * (2 * Math.random() - 1)), signal);
    }
  }

  /** Completes one scan. A scan that finds the list inconsistent starts again. */
  async *#pollOnce(checkpoint: Checkpoint): AsyncGenerator<InFlightBatch, void, undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return yield* this.#scan(checkpoint);
      } catch (error) {
        if (!(error instanceof InconsistentListError)) throw error;
        await backOff(error, attempt, this.#retryOptions);
      }
    }
  }

  async *#scan(checkpoint: Checkpoint): AsyncGenerator<InFlightBatch, void, undefined> {
    const { signal, onNotice } = this.#options;
    const { state } = checkpoint;
    const { delivery, pageCount, firstState } = state ? await this.#resumeScan(state) : await this.#firstScan();
    let isOverflowReported = false;
    const reportOverflow = async (): Promise<void> => {
      if (isOverflowReported || !delivery.hasOverflowed) return;
      isOverflowReported = true;
      await onNotice({ type: 'lookback-overflow', message: overflowMessage });
    };

    await reportOverflow();
    if (firstState) {
      // Without this save, a crash before the first batch would cause a second first run.
      checkpoint.stage(firstState);
      await checkpoint.save();
    }
    for await (const batch of delivery.batches()) {
      signal?.throwIfAborted();
      if (batch.lateIds.length > 0) await onNotice({ type: 'late-events', ids: batch.lateIds });
      const inFlight = new InFlightBatch(batch.events);
      this.#health.consumerStarted();
      try {
        yield inFlight;
      } finally {
        this.#health.consumerFinished();
        if (inFlight.acknowledgedCount > 0) {
          checkpoint.stage(delivery.commit(batch, inFlight.acknowledgedCount));
          await reportOverflow();
        }
      }
      await checkpoint.save();
    }
    signal?.throwIfAborted();
    const finished = delivery.finish();
    await reportOverflow();
    await checkpoint.completeScan(finished, pageCount);
    this.#health.scanCompleted();
  }

  async #firstScan(): Promise<StartedScan> {
    const { startFrom, lookbackMs } = this.#options;
    const { result, isWanted, hasOverflowed, anchors, seen, start } = await firstScan(
      this.#fetchPage,
      startFrom,
      lookbackMs,
    );
    const firstState: PollState = {
      scope: this.#scope,
      anchors,
      seen,
      start,
      pendingSince: toIso(result.pendingSinceMs),
      lastScanStartedAt: new Date(result.startedAtMs).toISOString(),
    };
    const delivery = new Delivery({ before: firstState, result, isWanted, stillListed: new Set(), hasOverflowed });
    return { delivery, pageCount: result.pageCount, firstState };
  }

  async #resumeScan(state: PollState): Promise<StartedScan> {
    const { lookbackMs, onNotice } = this.#options;
    const { result, isWanted, stillListed, hasLostAnchors } = await resumeScan(this.#fetchPage, state, lookbackMs);
    const gap = findGap(state, result, lookbackMs);
    if (gap) await onNotice(gap);
    if (hasLostAnchors) await onNotice({ type: 'possible-duplicates', message: lostAnchorsMessage });
    const delivery = new Delivery({ before: state, result, isWanted, stillListed, hasOverflowed: false });
    return { delivery, pageCount: result.pageCount };
  }

  /** The duration covers the last attempt only. Earlier attempts and their waits can take days. */
  readonly #fetchPage = (cursor: string | undefined): Promise<TimedPage> => {
    const { actions, signal } = this.#options;
    return this.#retry(async () => {
      const startedAtMs = Date.now();
      const page = await this.#source.page({ startingAfter: cursor, actions, signal });
      return { ...page, durationMs: Math.max(0, Date.now() - startedAtMs) }; // The local clock may have been set back.
    });
  };

  async #retry<Result>(operation: () => Promise<Result>): Promise<Result> {
    const result = await retry(operation, this.#retryOptions);
    this.#health.attemptSucceeded();
    return result;
  }

  async #reportRetry(error: PlanetScaleAuditError, attempt: number, delayMs: number): Promise<void> {
    this.#health.attemptFailed(attempt);
    await this.#options.onNotice({ type: 'retrying', error, attempt, delayMs });
  }
}
