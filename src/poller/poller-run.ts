import type { AuditSource } from '../audit-log/page.ts';
import { AuditApiError, type PlanetScaleAuditError } from '../errors.ts';
import { sleep } from '../internal/sleep.ts';
import { Checkpoint } from './checkpoint.ts';
import { InconsistentListError } from './consistency.ts';
import { Delivery } from './delivery.ts';
import { isFinalError } from './final-error.ts';
import { firstScan } from './first-scan.ts';
import { findGap } from './gap.ts';
import type { HealthRecord } from './health.ts';
import { InFlightBatch } from './in-flight-batch.ts';
import { NoticeLog } from './notice-log.ts';
import type { PollNotice } from './notices.ts';
import type { ParsedPollerOptions } from './options.ts';
import { resumeScan } from './resume-scan.ts';
import { backOff, type RetryOptions, retry } from './retry.ts';
import type { TimedPage } from './scan-clock.ts';
import { firstRunMessage, isFirstReport, missingCursorError, setUpNotices } from './set-up.ts';
import { defaultStart, type FirstStart, startChoiceOf } from './start-from.ts';
import { type CursorScope, type PollState, scopeOf, toIso } from './state.ts';

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

/** One iteration over a poller's events, from the first read of the store to the last save. */
export class PollerRun {
  readonly #source: AuditSource;
  readonly #options: ParsedPollerOptions;
  readonly #key: string;
  readonly #scope: CursorScope;
  readonly #health: HealthRecord;
  readonly #log = new NoticeLog();
  readonly #retryOptions: RetryOptions;
  #hasReadPage = false;
  #hasCompletedScan = false;

  constructor(source: AuditSource, options: ParsedPollerOptions, health: HealthRecord) {
    this.#source = source;
    this.#options = options;
    this.#key = options.key ?? `planetscale-audit:${source.organization}`;
    this.#scope = scopeOf(source.organization, options.actions);
    this.#health = health;
    this.#retryOptions = {
      enabled: !options.drain,
      signal: options.signal,
      isFinal: (error) => isFinalError(error, this.#hasCompletedScan),
      onRetry: (error, attempt, delayMs) => this.#reportRetry(error, attempt, delayMs),
      onRecovery: () => this.#log.recovered(),
    };
  }

  async *batches(): AsyncGenerator<InFlightBatch, void, undefined> {
    const { signal } = this.#options;
    let checkpoint: Checkpoint | undefined;
    let failure: { readonly error: unknown } | undefined;
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
    const { store, startFrom, actions } = this.#options;
    const checkpoint = await Checkpoint.open({
      store,
      key: this.#key,
      scope: this.#scope,
      retry: (operation) => this.#retry(operation),
    });
    const { state, rollbackReason } = checkpoint;
    if (!state && startFrom === 'resume') throw missingCursorError(this.#key);
    if (rollbackReason !== undefined) await this.#notify({ type: 'cursor-rolled-back', message: rollbackReason });
    for (const notice of setUpNotices({ key: this.#key, startFrom, actions, state })) {
      if (isFirstReport(store, notice)) await this.#notify(notice);
    }
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
        yield* this.#scan(checkpoint);
        if (attempt > 1) this.#log.recovered();
        return;
      } catch (error) {
        if (!(error instanceof InconsistentListError)) throw error;
        await backOff(error, attempt, this.#retryOptions);
      }
    }
  }

  async *#scan(checkpoint: Checkpoint): AsyncGenerator<InFlightBatch, void, undefined> {
    const { signal } = this.#options;
    const { state } = checkpoint;
    const { delivery, pageCount, firstState } = state ? await this.#resumeScan(state) : await this.#firstScan();
    let isOverflowReported = false;
    const reportOverflow = async (): Promise<void> => {
      if (isOverflowReported || !delivery.hasOverflowed) return;
      isOverflowReported = true;
      await this.#notify({ type: 'lookback-overflow', message: overflowMessage });
    };

    await reportOverflow();
    if (firstState) {
      await this.#notify({ type: 'first-run', message: firstRunMessage(this.#key, this.#startFrom) });
      // Without this save, a crash before the first batch would cause a second first run.
      checkpoint.stage(firstState);
      await checkpoint.save();
    }
    for await (const batch of delivery.batches()) {
      signal?.throwIfAborted();
      if (batch.lateIds.length > 0) await this.#notify({ type: 'late-events', ids: batch.lateIds });
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
    this.#hasCompletedScan = true;
    this.#health.scanCompleted();
  }

  async #firstScan(): Promise<StartedScan> {
    const { result, isWanted, hasOverflowed, anchors, seen, start } = await firstScan(
      this.#fetchPage,
      this.#startFrom,
      this.#options.lookbackMs,
    );
    const firstState: PollState = {
      scope: this.#scope,
      startedFrom: startChoiceOf(this.#startFrom),
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
    const { lookbackMs } = this.#options;
    const { result, isWanted, stillListed, hasLostAnchors } = await resumeScan(this.#fetchPage, state, lookbackMs);
    const gap = findGap(state, result, lookbackMs);
    if (gap) await this.#notify(gap);
    if (hasLostAnchors) await this.#notify({ type: 'possible-duplicates', message: lostAnchorsMessage });
    const delivery = new Delivery({ before: state, result, isWanted, stillListed, hasOverflowed: false });
    return { delivery, pageCount: result.pageCount };
  }

  get #startFrom(): FirstStart {
    const { startFrom } = this.#options;
    return startFrom === undefined || startFrom === 'resume' ? defaultStart : startFrom;
  }

  /** The duration covers the last attempt only. Earlier attempts and their waits can take days. */
  readonly #fetchPage = async (cursor: string | undefined): Promise<TimedPage> => {
    const { actions, signal } = this.#options;
    try {
      const page = await this.#retry(async () => {
        const startedAtMs = Date.now();
        const page = await this.#source.page({ startingAfter: cursor, actions, signal });
        return { ...page, durationMs: Math.max(0, Date.now() - startedAtMs) }; // The local clock may have been set back.
      });
      this.#hasReadPage = true;
      return page;
    } catch (error) {
      throw this.#hasReadPage ? error : await this.#nameCause(error);
    }
  };

  /** PlanetScale gives one 404 for several mistakes of a set-up. A source that can tell them apart is asked. */
  async #nameCause(error: unknown): Promise<unknown> {
    const { signal } = this.#options;
    if (!(error instanceof AuditApiError) || error.status !== 404 || !this.#source.verifyAccess) return error;
    const report = await this.#source.verifyAccess({ signal });
    return report.ok ? error : new AuditApiError(report.message, { status: error.status, code: error.code });
  }

  async #retry<Result>(operation: () => Promise<Result>): Promise<Result> {
    const result = await retry(operation, this.#retryOptions);
    this.#health.attemptSucceeded();
    return result;
  }

  async #reportRetry(error: PlanetScaleAuditError, attempt: number, delayMs: number): Promise<void> {
    this.#health.attemptFailed(attempt);
    await this.#notify({ type: 'retrying', error, attempt, delayMs });
  }

  async #notify(notice: PollNotice): Promise<void> {
    const { onNotice } = this.#options;
    if (onNotice) await onNotice(notice);
    else this.#log.report(notice);
  }
}
