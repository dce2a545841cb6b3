import type { AuditEvent } from '../audit-log/event.ts';
import type { AuditSource } from '../audit-log/page.ts';
import { AuditConfigError, type PlanetScaleAuditError } from '../errors.ts';
import { parseOptions } from '../internal/option-schemas.ts';
import { sleep } from '../internal/sleep.ts';
import { parseTimestamp } from '../internal/timestamp.ts';
import { Checkpoint } from './checkpoint.ts';
import { Delivery } from './delivery.ts';
import { startPolicy } from './first-scan.ts';
import { HealthRecord, type PollerHealth } from './health.ts';
import { type ParsedPollerOptions, type PollerOptions, pollerOptionsSchema, sourceSchema } from './options.ts';
import { resumeGoal } from './resume-scan.ts';
import { backOff, type RetryOptions, retry } from './retry.ts';
import { InconsistentListError, type ScanResult, scan, type TimedPage } from './scan.ts';
import { type CursorScope, type PollState, scopeOf, toIso } from './state.ts';

/**
 * New events only, oldest first, at least once: an event counts as done when the next one is asked for. The cursor is saved
 * once for each batch, after all of its events are done, and whenever the iteration ends.
 *
 * One iteration at a time: a second one, or {@link AuditPoller.batches} beside it, throws an {@link AuditConfigError}.
 * `signal` ends one that waits for more; `return()` while a `next()` is pending, as any async generator's, takes effect once there
 * is an event.
 */
export interface AuditPoller extends AsyncIterable<AuditEvent> {
  [Symbol.asyncIterator](): AsyncGenerator<AuditEvent, void, undefined>;
  /** The same by the batch: at most 100 events, and the batch counts as done when the next one is asked for. */
  batches(): AsyncGenerator<readonly AuditEvent[], void, undefined>;
  /** How the poller is doing, now. */
  health(): PollerHealth;
}

/**
 * Gives the events that are new since the store was last written: oldest first, over restarts, errors and late arrivals, at
 * least once. What is delivered twice is at most the batch in hand at each failure. It waits for more until the iteration is
 * ended, or until `signal` is aborted; with `drain` it ends once it has caught up.
 *
 * Nothing is delivered before the walk from the newest event has met what is known: a backlog of n events takes n / 100 requests
 * first, a million of them 17 minutes at PlanetScale's limit.
 *
 * The iteration throws
 * - {@link AuditConfigError} where the key belongs to other events, or a second iteration begins
 * - {@link AuditApiError}, {@link AuditConnectionError}, {@link AuditResponseError} that are not retryable; any, with `drain`
 * - {@link CursorStoreError} where the store holds something that no poller wrote, or loses what it was given
 * - {@link CursorConflictError} where another poller has moved the cursor
 *
 * @throws {@link AuditConfigError} for a source or an option that is missing or wrong
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

/** Events that the consumer has, and how many of them, from the first on, it is done with. */
interface InFlightBatch {
  readonly events: readonly AuditEvent[];
  /** From before the consumer had them, and could change them. */
  readonly createdAtMs: readonly (number | undefined)[];
  acknowledged: number;
}

/** PlanetScale may keep events for as little as 15 days; a day is what no retention can be shorter than. */
const shortestRetentionMs = 24 * 60 * 60_000;

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
    for await (const handover of this.#run()) {
      for (const event of handover.events) {
        yield event;
        this.#acknowledge(handover, 1);
        if (this.#options.signal?.aborted) return;
      }
    }
  }

  async *batches(): AsyncGenerator<readonly AuditEvent[], void, undefined> {
    for await (const handover of this.#run()) {
      yield [...handover.events]; // Theirs, to empty or to sort.
      this.#acknowledge(handover, handover.events.length);
    }
  }

  health(): PollerHealth {
    return this.#health.read();
  }

  #acknowledge(handover: InFlightBatch, events: number): void {
    this.#health.acknowledged(handover.createdAtMs.slice(handover.acknowledged, handover.acknowledged + events));
    handover.acknowledged += events;
  }

  async *#run(): AsyncGenerator<InFlightBatch, void, undefined> {
    if (this.#isIterating) {
      throw new AuditConfigError('poller: it is being iterated already. Make a second poller, with a key of its own.');
    }
    const { store, key, signal } = this.#options;
    let session: Checkpoint | undefined;
    let failure: { readonly error: unknown } | undefined;
    this.#isIterating = true;
    this.#health.started();
    try {
      signal?.throwIfAborted();
      const name = key ?? `planetscale-audit:${this.#source.organization}`;
      session = await Checkpoint.open(store, name, this.#scope, (operation) => this.#retry(operation));
      await this.#reportRollback(session);
      yield* this.#pollLoop(session);
    } catch (error) {
      const isQuietEnd = signal?.aborted && error === signal.reason;
      if (!isQuietEnd) failure = { error };
    } finally {
      await this.#end(session, failure);
    }
  }

  /** Saves the work that the consumer has finished. An earlier error takes precedence over one of this last save. */
  async #end(session: Checkpoint | undefined, earlier: { readonly error: unknown } | undefined): Promise<void> {
    let failure = earlier;
    try {
      await session?.flush();
    } catch (error) {
      failure ??= { error };
    }
    this.#isIterating = false;
    this.#health.ended(failure !== undefined);
    if (failure) throw failure.error;
  }

  async *#pollLoop(session: Checkpoint): AsyncGenerator<InFlightBatch, void, undefined> {
    const { drain, intervalMs, signal } = this.#options;
    for (;;) {
      yield* this.#pollOnce(session);
      if (drain) return;
      this.#health.waiting();
      await sleep(intervalMs * (1 + intervalJitter * (2 * Math.random() - 1)), signal);
      this.#health.scanning();
    }
  }

  /** One completed scan, however often it has to start again. */
  async *#pollOnce(session: Checkpoint): AsyncGenerator<InFlightBatch, void, undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return yield* this.#scan(session);
      } catch (error) {
        if (!(error instanceof InconsistentListError)) throw error;
        await backOff(error, attempt, this.#retryOptions);
      }
    }
  }

  async *#scan(session: Checkpoint): AsyncGenerator<InFlightBatch, void, undefined> {
    const trail = session.state ? await this.#resumeScan(session.state) : await this.#firstScan(session);
    for await (const batch of trail.batches()) {
      this.#options.signal?.throwIfAborted();
      if (batch.lateIds.length > 0) await this.#options.onNotice({ type: 'late-events', ids: batch.lateIds });

      const createdAtMs = batch.events.map(({ created_at }) => parseTimestamp(created_at));
      const handover: InFlightBatch = { events: batch.events, createdAtMs, acknowledged: 0 };
      this.#health.consumerStarted();
      try {
        yield handover;
      } finally {
        this.#health.consumerFinished();
        if (handover.acknowledged > 0) {
          session.stage(batch.commit(handover.acknowledged));
          await this.#reportOverflow(trail);
        }
      }
      await session.save();
    }
    this.#options.signal?.throwIfAborted();
    const finished = trail.finish();
    await this.#reportOverflow(trail);
    await session.saveIfHeartbeatDue(finished);
    this.#health.scanned();
  }

  /** The first scan of all. Its state is saved before anything is delivered: a crash must not make it the first again. */
  async #firstScan(session: Checkpoint): Promise<Delivery> {
    const { startFrom, lookbackMs } = this.#options;
    const policy = startPolicy(startFrom, lookbackMs);
    const walked = await scan((cursor) => this.#fetchPage(cursor), policy, lookbackMs);
    const { isTruncated, ...first } = policy.resolve(walked);
    const state: PollState = {
      scope: this.#scope,
      ...first,
      pendingSince: toIso(walked.pendingSinceMs),
      lastScanStartedAt: new Date(walked.startedAtMs).toISOString(),
    };
    const trail = new Delivery(state, walked, policy.isWanted, new Set(), isTruncated);
    await this.#reportOverflow(trail);
    session.stage(state);
    await session.save();
    return trail;
  }

  async #resumeScan(state: PollState): Promise<Delivery> {
    const { lookbackMs, onNotice } = this.#options;
    const goal = resumeGoal(state, lookbackMs);
    const walked = await scan((cursor) => this.#fetchPage(cursor), goal, lookbackMs);
    await this.#reportGap(state, walked);
    if (goal.hasLostAnchors(walked)) {
      await onNotice({
        type: 'possible-duplicates',
        message:
          'Every event that the poller had remembered as delivered for good is gone from the list. Some may be delivered again.',
      });
    }
    return new Delivery(state, walked, goal.isWanted, goal.stillListed);
  }

  /** The list's end was met instead of what is known, after an absence that may have been longer than events are kept. */
  async #reportGap(
    { anchors, seen, lastScanStartedAt }: PollState,
    { end, endedAtMs, oldest }: ScanResult,
  ): Promise<void> {
    const { lookbackMs, onNotice } = this.#options;
    const lastScanAt = new Date(lastScanStartedAt);
    if (end !== 'end of list' || endedAtMs - lastScanAt.getTime() + lookbackMs < shortestRetentionMs) return;
    const oldestMs = oldest && parseTimestamp(oldest.created_at);
    await onNotice({
      type: 'possible-gap',
      lastSeenId: (seen.at(-1) ?? anchors[0])?.[0],
      lastScanAt,
      oldestAvailable: oldestMs === undefined ? undefined : new Date(oldestMs),
    });
  }

  async #reportRollback({ rollbackReason }: Checkpoint): Promise<void> {
    if (rollbackReason !== undefined)
      await this.#options.onNotice({ type: 'cursor-rolled-back', message: rollbackReason });
  }

  async #reportOverflow(trail: Delivery): Promise<void> {
    if (!trail.consumeOverflow()) return;
    await this.#options.onNotice({
      type: 'lookback-overflow',
      message:
        'More events lie within the look-back than the poller remembers: late ones among the oldest of them will be missed. Shorten lookbackMs.',
    });
  }

  /** What a page took is measured without the attempts before, and the waits between, which may take days. */
  #fetchPage(cursor: string | undefined): Promise<TimedPage> {
    const { actions, signal } = this.#options;
    return this.#retry(async () => {
      const askedAtMs = Date.now();
      const page = await this.#source.page({ startingAfter: cursor, actions, signal });
      return { ...page, durationMs: Math.max(0, Date.now() - askedAtMs) }; // Our clock may have been set back.
    });
  }

  async #retry<Result>(operation: () => Promise<Result>): Promise<Result> {
    const result = await retry(operation, this.#retryOptions);
    this.#health.succeeded();
    return result;
  }

  async #reportRetry(error: PlanetScaleAuditError, attempt: number, delayMs: number): Promise<void> {
    this.#health.failed(attempt);
    await this.#options.onNotice({ type: 'retrying', error, attempt, delayMs });
  }
}
