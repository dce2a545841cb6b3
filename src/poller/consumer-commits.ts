import type { AuditEvent } from '../audit-log/event.ts';
import { AuditConfigError } from '../errors.ts';
import { parseOptions } from '../internal/option-schemas.ts';
import type { AtomicCursorStore } from '../stores/cursor-store.ts';
import { type CreateCommitter, handOut } from './committer.ts';
import { InFlightBatch } from './in-flight-batch.ts';
import { atomicStoreSchema } from './options.ts';
import { backOff } from './retry.ts';
import { notCommittedError } from './stored-cursor.ts';

/** Events, and the save of the cursor that belongs into the same transaction. */
export interface AuditCheckpoint {
  /** At most 100 events, oldest first. If the poller delivers them again, they are the same objects, with what your loop changed in them. */
  readonly events: readonly AuditEvent[];
  /**
   * Saves the cursor behind these events in your store. Call it at most once for each checkpoint, with a store over the transaction
   * that writes the events, and await it before you commit that transaction. If it throws, roll the transaction back.
   *
   * @param store saves under the poller's key, in the same table as the store of the poller's options
   * @throws {@link AuditConfigError} if it is called a second time, after the loop has asked for the next checkpoint, or with
   *   something that is no store with `compareAndSet`
   * @throws {@link CursorConflictError} if another poller moved the cursor
   * @throws {@link CursorStoreError} if the store fails, or holds something that no poller wrote
   */
  commitTo(this: void, store: AtomicCursorStore): Promise<void>;
}

/**
 * How often in a row the poller delivers rolled back events again without a wait, because deadlocks and ended connections are common.
 * The poller waits before each later delivery, so that a loop that never commits does not keep the database busy.
 */
const promptRedeliveries = 3;

/**
 * The consumer saves the cursor. The poller reads its own store to learn whether the consumer did, and delivers the same events
 * until then. The poller writes nothing at the end, because the events in flight may have been rolled back.
 */
export const consumerCommits: CreateCommitter<AuditCheckpoint> = ({ cursor, health, retryOptions }) => ({
  async *deliver({ events, commit, reportOverflow }) {
    const inFlight = new InFlightBatch(events);
    const offered = cursor.offer(commit(events.length));
    await reportOverflow();
    let failures = 0;
    for (;;) {
      const { checkpoint, close } = openCheckpoint(events, (store) => cursor.saveOffered(offered, store));
      try {
        yield* handOut(checkpoint, health);
      } finally {
        close();
      }
      if (await cursor.adopt(offered)) break;
      failures++;
      retryOptions.signal?.throwIfAborted();
      const waits = failures - promptRedeliveries;
      if (waits > 0) await backOff(notCommittedError(cursor.key), waits, retryOptions);
    }
    if (failures > promptRedeliveries) retryOptions.onRecovery();
    health.acknowledged(inFlight.acknowledge(events.length));
  },
});

const committedTwice =
  'Your loop called commitTo a second time for one checkpoint. Roll this transaction back, and let the loop ask for the next checkpoint: it has the same events if they were not committed.';

const isOver =
  'Your loop called commitTo after it had asked for the next checkpoint, or had ended. Roll this transaction back, and await commitTo and the commit before the loop goes on.';

/** Returns a checkpoint that can be committed once, and until it is closed. */
const openCheckpoint = (
  events: readonly AuditEvent[],
  save: (store: AtomicCursorStore) => Promise<void>,
): { readonly checkpoint: AuditCheckpoint; close(): void } => {
  let refusal: string | undefined;
  const checkpoint: AuditCheckpoint = {
    events: [...events], // A copy, since the consumer may empty or sort it.
    commitTo: async (store) => {
      if (refusal !== undefined) throw new AuditConfigError(refusal);
      const atomicStore = parseOptions(atomicStoreSchema, store, 'commitTo');
      refusal = committedTwice;
      await save(atomicStore);
    },
  };
  const close = (): void => {
    refusal = isOver;
  };
  return { checkpoint, close };
};
