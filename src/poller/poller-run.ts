import type { AuditPage, AuditSource } from '../audit-log/page.ts';
import { AuditApiError, type PlanetScaleAuditError } from '../errors.ts';
import { sleep } from '../internal/sleep.ts';
import { parseTimestamp } from '../internal/timestamp.ts';
import { Checkpoint } from './checkpoint.ts';
import { InconsistentListError } from './consistency.ts';
import { Delivery } from './delivery.ts';
import { isFinalError } from './final-error.ts';
import { firstScan } from './first-scan.ts';
import type { HealthRecord } from './health.ts';
import { InFlightBatch } from './in-flight-batch.ts';
import { datedRef, type EventRef, refOf } from './listed-event.ts';
import { NoticeLog } from './notice-log.ts';
import {
  clockMessage,
  futureTimesMessage,
  lostAnchorsMessage,
  overflowMessage,
  shortListMessage,
  unreadableMessage,
} from './notice-messages.ts';
import type { PollNotice } from './notices.ts';
import type { ParsedPollerOptions } from './options.ts';
import { resumeScan } from './resume-scan.ts';
import { backOff, type RetryOptions, retry } from './retry.ts';
import type { TimedPage } from './scan-clock.ts';
import { ServerClock, type ServerTime } from './server-clock.ts';
import { checkStart, firstRunMessage, isFirstReport, setUpNotices } from './set-up.ts';
import { defaultStart, type FirstStart, startChoiceOf } from './start-from.ts';
import { type CursorScope, maxSeen, type PollState, scopeOf, toIso } from './state.ts';

interface StartedScan {
  readonly delivery: Delivery;
  readonly pageCount: number;
  /** The state to save before the first delivery; undefined after the first run. */
  readonly firstState?: PollState;
  /** Whether the next run would report the same again if the state at the end of this scan were not saved. */
  readonly savesState: boolean;
}

/** After this many scans in a row that failed for one reason, the poller reports the reason. */
const reportedScanFailures = 3;

const intervalJitter = 0.1;

/** One iteration over a poller's events, from the first read of the store to the last save. */
export class PollerRun {
  readonly #source: AuditSource;
  readonly #options: ParsedPollerOptions;
  readonly #key: string;
  readonly #scope: CursorScope;
  readonly #health: HealthRecord;
  readonly #log = new NoticeLog();
  readonly #clock = new ServerClock();
  /** Notices about pages. An error of `onNotice` must not look like a failed request. */
  readonly #pageNotices: PollNotice[] = [];
  readonly #retryOptions: RetryOptions;
  #hasReadPage = false;
  #hasCompletedScan = false;
  #hasReportedClock = false;

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
    if (!state) checkStart(this.#key, startFrom);
    if (rollbackReason !== undefined) await this.#notify({ type: 'cursor-rolled-back', message: rollbackReason });
    for (const notice of setUpNotices({ key: this.#key, startFrom, actions, state })) {
      if (isFirstReport(this.#key, notice.message)) await this.#notify(notice);
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
    let reason = '';
    let failuresForReason = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        yield* this.#scan(checkpoint);
        if (attempt > 1) this.#log.recovered();
        return;
      } catch (error) {
        if (!(error instanceof InconsistentListError)) throw error;
        this.#health.scanDiscarded();
        await this.#notifyOfPages();
        failuresForReason = error.message === reason ? failuresForReason + 1 : 1;
        reason = error.message;
        if (failuresForReason === reportedScanFailures) {
          await this.#notify({ type: 'inconsistent-list', message: error.message });
        }
        await backOff(error, attempt, this.#retryOptions);
      }
    }
  }

  async #notifyOfPages(): Promise<void> {
    for (const notice of this.#pageNotices.splice(0)) await this.#notify(notice);
  }

  async *#scan(checkpoint: Checkpoint): AsyncGenerator<InFlightBatch, void, undefined> {
    const { signal } = this.#options;
    const { state } = checkpoint;
    const { delivery, pageCount, firstState, savesState } = state
      ? await this.#resumeScan(state)
      : await this.#firstScan();
    await this.#notifyOfPages();
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
    if (savesState) checkpoint.stage(finished);
    await checkpoint.completeScan(finished, pageCount);
    this.#hasCompletedScan = true;
    this.#health.scanCompleted();
  }

  async #firstScan(): Promise<StartedScan> {
    const { lookbackMs } = this.#options;
    const { result, isWanted, hasOverflowed, ...first } = await firstScan(this.#fetchPage, this.#startFrom, lookbackMs);
    const dated = (ref: EventRef) => datedRef(ref, this.#clock.nowMs(), lookbackMs);
    const below = result.below.map(refOf);
    const firstState: PollState = {
      scope: this.#scope,
      startedFrom: startChoiceOf(this.#startFrom),
      anchors: first.anchors.map(dated),
      seen: first.seen.slice(-maxSeen).map(dated),
      start: first.start,
      pendingSince: toIso(Math.min(result.earliestMs, result.watermarkMs)),
      oldestPendingAt: toIso(result.earliestMs),
      // A list may have young events below older ones, and the scan did not read all that it left out.
      forgottenUntil: result.reachedEnd ? null : new Date(result.latestMs + lookbackMs).toISOString(),
      missingAnchors: null,
      lastScanStartedAt: new Date(result.startedAtMs).toISOString(),
    };
    const delivery = new Delivery({
      before: firstState,
      result,
      below,
      isWanted,
      stillListed: new Set(),
      carriedOver: firstState.seen,
      watermarkMs: result.watermarkMs,
      unreadSinceMs: result.watermarkMs,
      oldestHiddenMs: Number.POSITIVE_INFINITY,
      missingAnchors: null,
      isToRemember: () => true,
      hasOverflowed,
      lookbackMs,
      serverNowMs: () => this.#clock.nowMs(),
    });
    return { delivery, pageCount: result.pageCount, firstState, savesState: false };
  }

  async #resumeScan(state: PollState): Promise<StartedScan> {
    const { lookbackMs, retentionMs } = this.#options;
    const scan = await resumeScan(this.#fetchPage, state, { lookbackMs, retentionMs });
    if (scan.gap) await this.#notify(scan.gap);
    if (scan.before !== state) await this.#notify({ type: 'clock-skew', message: futureTimesMessage });
    if (scan.mayRepeatEvents) await this.#notify({ type: 'possible-duplicates', message: lostAnchorsMessage });
    if (scan.listEnd === 'too-short' && state.missingAnchors?.listEnd !== 'too-short') {
      await this.#notify({ type: 'inconsistent-list', message: shortListMessage });
    }
    const delivery = new Delivery({
      ...scan,
      hasOverflowed: false,
      lookbackMs,
      serverNowMs: () => this.#clock.nowMs(),
    });
    const savesState =
      scan.gap !== undefined ||
      scan.mayRepeatEvents ||
      scan.before !== state ||
      scan.missingAnchors?.listEnd !== state.missingAnchors?.listEnd;
    return { delivery, pageCount: scan.result.pageCount, savesState };
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
      this.#health.pageRead();
      return { ...page, serverTime: this.#readClock(page) };
    } catch (error) {
      throw this.#hasReadPage ? error : await this.#nameCause(error);
    }
  };

  #readClock(page: AuditPage): ServerTime | undefined {
    const serverTime = this.#clock.read(page.servedAt);
    if (this.#clock.isInDoubt && !this.#hasReportedClock) {
      this.#hasReportedClock = true;
      this.#pageNotices.push({ type: 'clock-skew', message: clockMessage(page.servedAt) });
    }
    const unreadable = page.events.find(({ created_at }) => parseTimestamp(created_at) === undefined);
    if (unreadable && isFirstReport(this.#key, 'unreadable-time')) {
      this.#pageNotices.push({ type: 'unreadable-time', message: unreadableMessage(unreadable) });
    }
    return serverTime;
  }

  /**
   * Returns a 404 error with its cause, if the source can tell. PlanetScale gives one 404 for several mistakes of a set-up. Any other
   * error stays as it is.
   */
  async #nameCause(error: unknown): Promise<unknown> {
    if (!(error instanceof AuditApiError) || error.status !== 404 || error.fromIntermediary) return error;
    const { signal } = this.#options;
    try {
      const report = await this.#source.verifyAccess?.({ signal });
      if (!report || report.ok || report.reason === 'unreachable') return error;
      return new AuditApiError(report.message, { status: error.status, code: error.code });
    } catch {
      signal?.throwIfAborted();
      return error;
    }
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
