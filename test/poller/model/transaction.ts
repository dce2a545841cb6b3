import { type AtomicCursorStore, type AuditEvent, CursorStoreError } from 'planetscale-audit';
import { decodeState } from '../../../src/poller/state.ts';
import type { RunRecord } from './observation.ts';
import type { TakeTurn } from './turn.ts';
import { key, type World } from './world.ts';

/** A transaction of the simulated consumer: rows for some events, and the cursor behind them. */
export class Transaction {
  /** Over this transaction. Nobody else sees what it saves before the commit. */
  readonly store: AtomicCursorStore;
  /** Whether the transaction is committed, whatever its consumer knows of that. */
  isCommitted = false;
  readonly #world: World;
  readonly #run: RunRecord;
  readonly #takeTurn: TakeTurn;
  readonly #events: readonly AuditEvent[];
  #save: { readonly expected: string | null; readonly text: string } | undefined;

  constructor(world: World, run: RunRecord, takeTurn: TakeTurn, events: readonly AuditEvent[]) {
    this.#world = world;
    this.#run = run;
    this.#takeTurn = takeTurn;
    this.#events = events;
    const failure = () => new Error('the connection of the transaction ended');
    this.store = {
      get: () => takeTurn({ effect: () => world.stored.get(key), failure }),
      set: () => {
        throw new CursorStoreError('a transaction must not overwrite the cursor', { key });
      },
      compareAndSet: (_, expected, text) =>
        takeTurn({
          effect: () => {
            world.finishLateCommit();
            if ((world.stored.get(key) ?? null) !== expected) return false;
            this.#save = { expected, text };
            return true;
          },
          failure,
        }),
    };
  }

  /** Commits rows and cursor, and takes a turn for that. */
  commit(): Promise<void> {
    return this.#takeTurn({ effect: () => this.#commitNow(), failure: () => new Error('the commit failed') });
  }

  /** Loses the connection during the commit: the server commits before the next write of the cursor, and no reader knows. */
  commitLate(): void {
    const commitIfPossible = () => {
      if (this.#canCommit()) this.#commitNow();
    };
    if (this.#world.schedule.comparesAndSets) this.#world.commitLate(commitIfPossible);
    else commitIfPossible();
  }

  /** The lock of the row keeps two transactions apart. Here the second commit fails. */
  #canCommit(): boolean {
    return this.#save !== undefined && (this.#world.stored.get(key) ?? null) === this.#save.expected;
  }

  #commitNow(): void {
    const { stored, oracle } = this.#world;
    const save = this.#save;
    if (!save || !this.#canCommit()) throw new Error('could not serialize access');
    this.isCommitted = true;
    oracle.observe({ type: 'acknowledgement', run: this.#run, events: this.#events });
    oracle.observe({ type: 'transaction', events: this.#events });
    oracle.observe({ type: 'save', run: this.#run, text: save.text, state: decodeState(save.text) });
    stored.set(key, save.text);
  }
}
