// docs/internals/polling.md explains the algorithm and the words of this folder: anchor, final, seen, pending, watermark.
import type { AuditEvent } from '../audit-log/event.ts';
import type { AuditSource } from '../audit-log/page.ts';
import { AuditConfigError } from '../errors.ts';
import { parseOptions } from '../internal/option-schemas.ts';
import type { CreateCommitter } from './committer.ts';
import { type AuditCheckpoint, consumerCommits } from './consumer-commits.ts';
import { HealthRecord, type PollerHealth } from './health.ts';
import { type ParsedPollerOptions, type PollerOptions, pollerOptionsSchema, sourceSchema } from './options.ts';
import { pollerCommits } from './poller-commits.ts';
import { PollerRun } from './poller-run.ts';

/**
 * A poller that {@link poller} made. An iteration over it gives new events, oldest first and each at least once.
 *
 * An event counts as acknowledged when your loop asks for the next one. The poller saves the cursor once per batch, after all
 * events of the batch are acknowledged, and whenever the iteration ends.
 *
 * A poller has one iteration at a time. A second one, of the same kind or another, throws an {@link AuditConfigError}. To end an
 * iteration that waits for more events, abort `signal`: `return()` takes effect only when the pending `next()` has an event, as with
 * every async generator.
 */
export interface AuditPoller extends AsyncIterable<AuditEvent> {
  /** The events one by one. */
  [Symbol.asyncIterator](): AsyncGenerator<AuditEvent, void, undefined>;
  /** The events in batches of at most 100. A batch counts as acknowledged when your loop asks for the next one. */
  batches(): AsyncGenerator<readonly AuditEvent[], void, undefined>;
  /**
   * The events in batches of at most 100, each with the save of its cursor, for effectively once. Call `commitTo` with a store over
   * the transaction that writes the events: both are then committed together, or neither is.
   *
   * When the loop asks for the next checkpoint, the poller reads the store of its options, which has to see the same row. If the
   * cursor was committed, the poller goes on. If it was not, because the transaction was rolled back or `commitTo` was never
   * called, the poller delivers the same events again: at once, and after growing waits from the fourth time in a row on. With
   * `drain` it throws a {@link CursorStoreError} the fourth time.
   *
   * This iteration saves nothing for events that it has delivered, and nothing when it ends. It saves the start of a first run, and
   * the end of a scan, in the store of its options.
   *
   * The iteration throws a {@link CursorConflictError} if another poller moved the cursor, and a {@link CursorStoreError} if the
   * saved state is gone or corrupt.
   *
   * @example
   * ```ts
   * import { Pool } from 'pg';
   * import { PlanetScaleAuditClient, poller, rawJson } from 'planetscale-audit';
   * import { cursorTableDdl, postgresCursorStore } from 'planetscale-audit/stores';
   *
   * const pool = new Pool({ connectionTimeoutMillis: 5000, query_timeout: 30_000 });
   * const onError = (error: Error) => console.error(error.message); // Without it, a broken connection ends the process.
   * pool.on('error', onError).on('connect', (client) => client.on('error', onError));
   * await pool.query('CREATE TABLE IF NOT EXISTS events (id text PRIMARY KEY, json text)');
   * await pool.query(cursorTableDdl('postgres'));
   *
   * const store = postgresCursorStore(pool);
   * for await (const { events, commitTo } of poller(PlanetScaleAuditClient.fromEnv(), { store }).checkpoints()) {
   *   const tx = await pool.connect();
   *   try {
   *     await tx.query('BEGIN');
   *     for (const event of events) await tx.query('INSERT INTO events VALUES ($1, $2)', [event.id, rawJson(event)]);
   *     await commitTo(postgresCursorStore(tx));
   *     await tx.query('COMMIT');
   *     tx.release();
   *   } catch (error) {
   *     tx.release(true); // The connection ends, and the transaction is rolled back.
   *     throw error;
   *   }
   * }
   * ```
   */
  checkpoints(): AsyncGenerator<AuditCheckpoint, void, undefined>;
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
 * import { PlanetScaleAuditClient, poller, printable } from 'planetscale-audit';
 * import { fileCursorStore } from 'planetscale-audit/node';
 *
 * const client = PlanetScaleAuditClient.fromEnv();
 * for await (const event of poller(client, { store: fileCursorStore('./cursors') })) {
 *   console.log(printable(`${event.created_at} ${event.audit_action} ${event.actor_display_name}`));
 * }
 * ```
 */
export function poller(source: AuditSource, options: PollerOptions): AuditPoller {
  return new Poller(parseOptions(sourceSchema, source, 'poller'), parseOptions(pollerOptionsSchema, options, 'poller'));
}

class Poller implements AuditPoller {
  readonly #source: AuditSource;
  readonly #options: ParsedPollerOptions;
  readonly #health: HealthRecord;
  #isIterating = false;

  constructor(source: AuditSource, options: ParsedPollerOptions) {
    this.#source = source;
    this.#options = options;
    this.#health = new HealthRecord(options.intervalMs);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AuditEvent, void, undefined> {
    for await (const batch of this.#run(pollerCommits)) {
      for (const event of batch.events) {
        yield event;
        this.#health.acknowledged(batch.acknowledge(1));
        if (this.#options.signal?.aborted) return;
      }
    }
  }

  async *batches(): AsyncGenerator<readonly AuditEvent[], void, undefined> {
    for await (const batch of this.#run(pollerCommits)) {
      yield [...batch.events]; // A copy, since the consumer may empty or sort it.
      this.#health.acknowledged(batch.acknowledge(batch.events.length));
    }
  }

  async *checkpoints(): AsyncGenerator<AuditCheckpoint, void, undefined> {
    if (!this.#options.store.compareAndSet) {
      throw new AuditConfigError(
        'checkpoints() needs a store with compareAndSet, because a transaction may commit the cursor only if nobody has moved it. Give the poller a store over your database, such as postgresCursorStore().',
      );
    }
    yield* this.#run(consumerCommits);
  }

  health(): PollerHealth {
    return this.#health.read();
  }

  async *#run<Handed>(createCommitter: CreateCommitter<Handed>): AsyncGenerator<Handed, void, undefined> {
    if (this.#isIterating) {
      throw new AuditConfigError(
        'The poller has an iteration already. End that iteration first, or create a second poller with another key.',
      );
    }
    this.#isIterating = true;
    try {
      yield* new PollerRun(this.#source, this.#options, this.#health, createCommitter).deliveries();
    } finally {
      this.#isIterating = false;
    }
  }
}
