// docs/internals/polling.md explains the algorithm and the words of this folder: anchor, final, seen, pending, watermark.
import type { AuditEvent } from '../audit-log/event.ts';
import type { AuditSource } from '../audit-log/page.ts';
import { AuditConfigError } from '../errors.ts';
import { parseOptions } from '../internal/option-schemas.ts';
import { HealthRecord, type PollerHealth } from './health.ts';
import type { InFlightBatch } from './in-flight-batch.ts';
import { type ParsedPollerOptions, type PollerOptions, pollerOptionsSchema, sourceSchema } from './options.ts';
import { PollerRun } from './poller-run.ts';

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
    this.#isIterating = true;
    try {
      yield* new PollerRun(this.#source, this.#options, this.#health).batches();
    } finally {
      this.#isIterating = false;
    }
  }
}
