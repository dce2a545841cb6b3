import type { AuditEvent } from '../audit-log/event.ts';
import type { HealthRecord } from './health.ts';
import type { RetryOptions } from './retry.ts';
import type { PollState } from './state.ts';
import type { StoredCursor } from './stored-cursor.ts';

/** The events of a batch, and the states that follow from them. */
export interface DeliverableBatch {
  readonly events: readonly AuditEvent[];
  /** Returns the state after the first `count` events. Each call has the count of the call before it, or a higher one. */
  commit(count: number): PollState;
  /** Reports an overflow of the look-back. Comes before the save of a state. */
  reportOverflow(): Promise<void>;
}

/** Hands batches to the consumer, and brings the states after them into the store. */
export interface Committer<Handed> {
  /** Hands out one batch. Ends once the store holds the state after the whole batch. */
  deliver(batch: DeliverableBatch): AsyncGenerator<Handed, void, undefined>;
  /** Saves what is left when the iteration ends, however it ends. */
  close?(): Promise<void>;
}

/** The parts of an iteration that a committer uses. */
export interface CommitContext {
  readonly cursor: StoredCursor;
  readonly health: HealthRecord;
  readonly retryOptions: RetryOptions;
}

/** Makes the committer of an iteration. */
export type CreateCommitter<Handed> = (context: CommitContext) => Committer<Handed>;

/** Gives something to the consumer. The time that the consumer takes does not make the poller stale. */
export async function* handOut<Handed>(handed: Handed, health: HealthRecord): AsyncGenerator<Handed, void, undefined> {
  health.consumerStarted();
  try {
    yield handed;
  } finally {
    health.consumerFinished();
  }
}
