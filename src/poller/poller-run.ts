import type { AuditSource } from '../audit-log/page.ts';
import type { PlanetScaleAuditError } from '../errors.ts';
import { sleep } from '../internal/sleep.ts';
import type { Committer, CreateCommitter } from './committer.ts';
import { InconsistentListError } from './consistency.ts';
import { isFinalError } from './final-error.ts';
import type { HealthRecord } from './health.ts';
import { NoticeLog } from './notice-log.ts';
import { overflowMessage } from './notice-messages.ts';
import type { PollNotice } from './notices.ts';
import type { ParsedPollerOptions } from './options.ts';
import { PageReader } from './page-reader.ts';
import { backOff, type RetryOptions, retry } from './retry.ts';
import { checkStart, firstRunMessage, isFirstReport, setUpNotices } from './set-up.ts';
import { defaultStart, type FirstStart } from './start-from.ts';
import { type StartedScan, startFirstScan, startResumedScan } from './started-scan.ts';
import { type CursorScope, type PollState, scopeOf } from './state.ts';
import { StoredCursor } from './stored-cursor.ts';

/** After this many scans in a row that failed for one reason, the poller reports the reason. */
const reportedScanFailures = 3;

const intervalJitter = 0.1;

/** What an iteration holds once it has read the store. */
interface OpenedRun<Handed> {
  readonly cursor: StoredCursor;
  readonly committer: Committer<Handed>;
}

/** One iteration over a poller's events, from the first read of the store to the last save. */
export class PollerRun<Handed> {
  readonly #options: ParsedPollerOptions;
  readonly #key: string;
  readonly #scope: CursorScope;
  readonly #health: HealthRecord;
  readonly #createCommitter: CreateCommitter<Handed>;
  readonly #log = new NoticeLog();
  readonly #reader: PageReader;
  readonly #retryOptions: RetryOptions;
  #hasCompletedScan = false;

  constructor(
    source: AuditSource,
    options: ParsedPollerOptions,
    health: HealthRecord,
    createCommitter: CreateCommitter<Handed>,
  ) {
    const { actions, drain, signal } = options;
    this.#options = options;
    this.#key = options.key ?? `planetscale-audit:${source.organization}`;
    this.#scope = scopeOf(source.organization, actions);
    this.#health = health;
    this.#createCommitter = createCommitter;
    this.#retryOptions = {
      enabled: !drain,
      signal,
      isFinal: (error) => isFinalError(error, this.#hasCompletedScan),
      onRetry: (error, attempt, delayMs) => this.#reportRetry(error, attempt, delayMs),
      onRecovery: () => this.#log.recovered(),
    };
    const reader = { source, key: this.#key, actions, signal, health };
    this.#reader = new PageReader({ ...reader, retry: (operation) => this.#retry(operation) });
  }

  async *deliveries(): AsyncGenerator<Handed, void, undefined> {
    const { signal } = this.#options;
    let committer: Committer<Handed> | undefined;
    let failure: { readonly error: unknown } | undefined;
    this.#health.iterationStarted();
    try {
      signal?.throwIfAborted();
      const opened = await this.#open();
      committer = opened.committer;
      yield* this.#pollLoop(opened);
    } catch (error) {
      const isQuietEnd = signal?.aborted && error === signal.reason;
      if (!isQuietEnd) failure = { error };
    } finally {
      await this.#end(committer, failure);
    }
  }

  async #open(): Promise<OpenedRun<Handed>> {
    const { store, startFrom, actions } = this.#options;
    const cursor = await StoredCursor.open({
      store,
      key: this.#key,
      scope: this.#scope,
      retry: (operation) => this.#retry(operation),
    });
    const { state, rollbackReason } = cursor;
    if (!state) checkStart(this.#key, startFrom);
    if (rollbackReason !== undefined) await this.#notify({ type: 'cursor-rolled-back', message: rollbackReason });
    for (const notice of setUpNotices({ key: this.#key, startFrom, actions, state })) {
      if (isFirstReport(this.#key, notice.message)) await this.#notify(notice);
    }
    const committer = this.#createCommitter({ cursor, health: this.#health, retryOptions: this.#retryOptions });
    return { cursor, committer };
  }

  /** An earlier error takes precedence over an error of the last save. */
  async #end(
    committer: Committer<Handed> | undefined,
    earlier: { readonly error: unknown } | undefined,
  ): Promise<void> {
    let failure = earlier;
    try {
      await committer?.close?.();
    } catch (error) {
      failure ??= { error };
    }
    this.#health.iterationEnded(failure !== undefined);
    if (failure) throw failure.error;
  }

  async *#pollLoop(opened: OpenedRun<Handed>): AsyncGenerator<Handed, void, undefined> {
    const { drain, intervalMs, signal } = this.#options;
    for (;;) {
      this.#health.pollStarted();
      yield* this.#pollOnce(opened);
      if (drain) return;
      this.#health.waiting();
      await sleep(intervalMs * (1 + intervalJitter * (2 * Math.random() - 1)), signal);
    }
  }

  /** Completes one scan. A scan that finds the list inconsistent starts again. */
  async *#pollOnce(opened: OpenedRun<Handed>): AsyncGenerator<Handed, void, undefined> {
    let reason = '';
    let failuresForReason = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        yield* this.#scan(opened);
        if (attempt > 1) this.#log.recovered();
        return;
      } catch (error) {
        if (!(error instanceof InconsistentListError)) throw error;
        this.#health.scanDiscarded();
        await this.#notifyOf(this.#reader.takeNotices());
        failuresForReason = error.message === reason ? failuresForReason + 1 : 1;
        reason = error.message;
        if (failuresForReason === reportedScanFailures) {
          await this.#notify({ type: 'inconsistent-list', message: error.message });
        }
        await backOff(error, attempt, this.#retryOptions);
      }
    }
  }

  async *#scan({ cursor, committer }: OpenedRun<Handed>): AsyncGenerator<Handed, void, undefined> {
    const { signal } = this.#options;
    const { delivery, pageCount, firstState, recoveredState, notices, savesState } = await this.#startScan(
      cursor.state,
    );
    await this.#notifyOf(notices);
    await this.#notifyOf(this.#reader.takeNotices());
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
      cursor.stage(firstState);
      await cursor.save();
    }
    if (recoveredState) cursor.stage(recoveredState);
    for await (const batch of delivery.batches()) {
      signal?.throwIfAborted();
      await cursor.save();
      if (batch.lateIds.length > 0) await this.#notify({ type: 'late-events', ids: batch.lateIds });
      yield* committer.deliver({
        events: batch.events,
        commit: (count) => delivery.commit(batch, count),
        reportOverflow,
      });
    }
    signal?.throwIfAborted();
    const finished = delivery.finish();
    await reportOverflow();
    if (savesState) cursor.stage(finished);
    await cursor.completeScan(finished, pageCount);
    this.#hasCompletedScan = true;
    this.#health.scanCompleted();
  }

  #startScan(state: PollState | undefined): Promise<StartedScan> {
    return state
      ? startResumedScan(this.#reader, state, this.#options)
      : startFirstScan(this.#reader, this.#scope, this.#startFrom, this.#options.lookbackMs);
  }

  get #startFrom(): FirstStart {
    const { startFrom } = this.#options;
    return startFrom === undefined || startFrom === 'resume' ? defaultStart : startFrom;
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

  async #notifyOf(notices: readonly PollNotice[]): Promise<void> {
    for (const notice of notices) await this.#notify(notice);
  }

  async #notify(notice: PollNotice): Promise<void> {
    const { onNotice } = this.#options;
    if (onNotice) await onNotice(notice);
    else this.#log.report(notice);
  }
}
