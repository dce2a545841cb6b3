import { AuditConfigError, CursorConflictError, CursorStoreError, PlanetScaleAuditError } from '../errors.ts';
import { excerpt } from '../internal/excerpt.ts';
import type { Promisable } from '../internal/types.ts';
import type { AtomicCursorStore, CursorStore } from '../stores/cursor-store.ts';
import { type CursorScope, decodeState, encodeState, isOfAnotherVersion, type PollState } from './state.ts';

/** Runs an operation until it succeeds, or fails with an error that a retry cannot cure. */
export type Retry = <Result>(operation: () => Promise<Result>) => Promise<Result>;

export interface StoredCursorOptions {
  readonly store: CursorStore;
  readonly key: string;
  readonly scope: CursorScope;
  readonly retry: Retry;
}

/** A save that the consumer makes. All attempts write the same text, so that a late success of any of them counts. */
export interface OfferedSave {
  readonly state: PollState;
  readonly text: string;
  /** The text that the store holds before the save; null if it holds nothing. */
  readonly expected: string | null;
}

/** An idle poller saves this often, so that its state shows how long the poller was away. */
const heartbeatMs = 60 * 60_000;

/** The poller's hold on its key in the store. Each save replaces the text that the poller loaded or wrote last, and no other. */
export class StoredCursor {
  readonly #options: StoredCursorOptions;
  /** Why the store gave an earlier state than the one saved last; undefined if it did not. */
  readonly rollbackReason: string | undefined;
  /** The text in the store, as far as this poller knows; null if the store holds nothing. */
  #stored: string | null;
  /** A text whose write had an unknown outcome: the store failed, or said that it holds another value. */
  #pendingWrite: string | undefined;
  #savedState: PollState | undefined;
  #state: PollState | undefined;
  /** Whether `#state` has to be written. */
  #isDirty = false;
  /** Whether nothing may be written any more, after a conflict, a loss or the last save. */
  #isClosed = false;

  private constructor(
    options: StoredCursorOptions,
    loaded: { readonly text: string | null; readonly state?: PollState; readonly rollbackReason?: string | undefined },
  ) {
    this.#options = options;
    this.#stored = loaded.text;
    this.#state = loaded.state;
    this.#savedState = loaded.state;
    this.rollbackReason = loaded.rollbackReason;
  }

  /**
   * Loads the state under the key. A store that fails is asked again, and never taken for an empty one.
   *
   * @throws CursorStoreError if the store holds something other than a poller's state
   * @throws AuditConfigError if the state belongs to other events
   */
  static async open(options: StoredCursorOptions): Promise<StoredCursor> {
    const { store, key, scope, retry } = options;
    const text = await retry(() => read(store, key));
    if (text === null) return new StoredCursor(options, { text });
    const state = decodeState(text);
    if (!state) throw invalidStateError(key, text);
    if (JSON.stringify(state.scope) !== JSON.stringify(scope)) {
      throw new AuditConfigError(
        `The poller found the state of other events under "${excerpt(key)}" (saved: ${describe(state.scope)}; requested: ${describe(scope)}). Give this poller another key.`,
      );
    }
    const rollbackReason = await retry(() => wrapStoreErrors(key, 'read', () => store.rollbackReason?.(key)));
    return new StoredCursor(options, { text, state, rollbackReason });
  }

  get key(): string {
    return this.#options.key;
  }

  /** Undefined before the first run. */
  get state(): PollState | undefined {
    return this.#state;
  }

  /** Replaces the state. The next save, or the end of the iteration, writes it. */
  stage(state: PollState): void {
    this.#state = state;
    this.#isDirty = true;
  }

  /**
   * Writes the staged state, and tries again until the store is known to hold it.
   *
   * @throws CursorConflictError if another poller has moved the cursor
   * @throws CursorStoreError if the saved state is gone or corrupt
   */
  async save(): Promise<void> {
    const state = this.#state;
    if (!state || !this.#isDirty) return;
    const text = encodeState(state);
    await this.#options.retry(() => this.#write(text));
    this.#savedState = state;
    this.#isDirty = false;
  }

  /**
   * Takes over the state after a completed scan, and saves it in four cases:
   * - A state is staged.
   * - Nothing was saved under the key yet.
   * - The scan started at least an hour after the `lastScanStartedAt` in the store.
   * - The scan read several pages and moved the first anchor. Without this save, the next run would read those pages again.
   *
   * @throws as {@link StoredCursor.save}
   */
  async completeScan(state: PollState, pageCount: number): Promise<void> {
    const saved = this.#savedState;
    const sinceSaveMs = saved && Date.parse(state.lastScanStartedAt) - Date.parse(saved.lastScanStartedAt);
    const isDue = sinceSaveMs === undefined || Math.abs(sinceSaveMs) >= heartbeatMs; // The clock can have been set back.
    const savesPages = pageCount > 1 && state.anchors[0]?.[0] !== saved?.anchors[0]?.[0];
    this.#state = state;
    if (!isDue && !savesPages && !this.#isDirty) return;
    this.stage(state);
    await this.save();
  }

  /**
   * Writes the staged state at the end of the iteration, in one attempt.
   *
   * @throws as {@link StoredCursor.save}
   */
  async flush(): Promise<void> {
    const state = this.#state;
    if (this.#isClosed || !state || !this.#isDirty) return;
    this.#isClosed = true;
    await this.#write(encodeState(state));
  }

  /** Prepares a save for the consumer. The poller's own state changes once {@link StoredCursor.adopt} has found it in the store. */
  offer(state: PollState): OfferedSave {
    return { state, text: encodeState(state), expected: this.#stored };
  }

  /**
   * Makes an offered save over the consumer's store, in one attempt.
   *
   * @throws CursorConflictError if another poller has moved the cursor
   * @throws CursorStoreError if the store fails, refuses the save, or does not hold what this poller's own store holds
   */
  async saveOffered({ text, expected }: OfferedSave, store: AtomicCursorStore): Promise<void> {
    const { key } = this.#options;
    if (await write(store, key, expected, text)) return;
    const found = await read(store, key);
    if (found === text) throw committedBeforeError(key);
    if (found === expected) throw unseenMoveError(key);
    if (found !== null && !decodeState(found)) throw invalidStateError(key, found);
    throw found === null ? emptyStoreError(key) : otherStateError(key);
  }

  /**
   * Reads the poller's own store, and takes the offered state over if the store holds it. Returns whether it does.
   *
   * @throws CursorConflictError if another poller has moved the cursor
   * @throws CursorStoreError if the saved state is gone or corrupt
   */
  async adopt({ state, text }: OfferedSave): Promise<boolean> {
    await this.#options.retry(() => this.#reconcile(text));
    if (this.#stored !== text) return false;
    this.#state = state;
    this.#savedState = state;
    return true;
  }

  /** One attempt. If the outcome of the attempt before is unknown, the store is asked first whether it holds that text. */
  async #write(text: string): Promise<void> {
    const { store, key } = this.#options;
    if (this.#pendingWrite !== undefined) await this.#reconcile(this.#pendingWrite);
    if (this.#stored === text) return;

    this.#pendingWrite = text;
    const isConfirmed = await write(store, key, this.#stored, text);
    const isFirstWrite = this.#stored === null;
    if (isConfirmed && !isFirstWrite) {
      this.#pendingWrite = undefined;
      this.#stored = text;
      return;
    }
    // A store that hides the errors of a backend that is down looks empty. It must not cause a first run every time.
    await this.#reconcile(text);
    if (this.#stored === text) return;
    if (!isConfirmed) throw refusedWriteError(key);
    this.#pendingWrite = text; // The store may still show the text later, or the work of another poller.
    throw lostWriteError(key);
  }

  /**
   * Reads the store after a write with an unknown outcome. The attempted text means that the write succeeded, and the text before
   * it that the write had no effect. Any other text, or none, ends this hold on the key.
   */
  async #reconcile(attempted: string): Promise<void> {
    const { store, key } = this.#options;
    const found = await read(store, key);
    if (found !== attempted && found !== this.#stored) {
      this.#isClosed = true;
      throw replacedError(key, found);
    }
    this.#stored = found;
    this.#pendingWrite = undefined;
  }
}

const refusedWriteError = (key: string): CursorStoreError =>
  new CursorStoreError(
    `The cursor store refused a save of "${excerpt(key)}" (it still holds the expected value). Save again, or check its compareAndSet.`,
    { key, retryable: true },
  );

const lostWriteError = (key: string): CursorStoreError =>
  new CursorStoreError(
    `The cursor store did not return the text that was just saved under "${excerpt(key)}" (it may lose writes, or hide the errors of its backend). Use a store that throws if a call fails. With Keyv 5, set throwOnErrors.`,
    { key },
  );

const committedBeforeError = (key: string): CursorStoreError =>
  new CursorStoreError(
    `An earlier transaction for this checkpoint of "${excerpt(key)}" was committed after all (its commit had seemed to fail). Roll this transaction back, and let the loop ask for the next checkpoint.`,
    { key, retryable: true },
  );

/** In an isolation such as REPEATABLE READ, a transaction goes on reading what was there when it began. */
const unseenMoveError = (key: string): CursorStoreError =>
  new CursorStoreError(
    `The store given to commitTo refused the save of "${excerpt(key)}" (another transaction moved the cursor, and this one still reads the value before; or its compareAndSet refuses every save). Roll this transaction back, and let the loop ask for the next checkpoint.`,
    { key, retryable: true },
  );

const emptyStoreError = (key: string): CursorStoreError =>
  new CursorStoreError(
    `The store given to commitTo holds nothing under "${excerpt(key)}" (it is over another database or table than the poller's own, or someone deleted the cursor). Roll this transaction back, and give commitTo a store over the poller's table.`,
    { key },
  );

const otherStateError = (key: string): CursorConflictError =>
  new CursorConflictError(
    `The store given to commitTo holds another state under "${excerpt(key)}" than the poller has read (another poller moved the cursor, or the store is over another database or table). Roll this transaction back. Run one poller for each key, and give commitTo a store over the poller's table.`,
    { key },
  );

/** The consumer asked for the next checkpoint, and the store still holds the state before this one. */
export const notCommittedError = (key: string): CursorStoreError =>
  new CursorStoreError(
    `The consumer did not commit a checkpoint of "${excerpt(key)}" four times in a row or more (the transaction was rolled back, or commitTo was not called). Check what your loop does with errors of the transaction. The events come again.`,
    { key, retryable: true },
  );

/** @param found what the store holds in place of the text that the poller saved */
const replacedError = (key: string, found: string | null): CursorConflictError | CursorStoreError => {
  if (found === null) {
    return new CursorStoreError(
      `The cursor store has lost the state under "${excerpt(key)}", or someone deleted it. Restore the state, or start again and choose a start with startFrom.`,
      { key },
    );
  }
  if (!decodeState(found)) return invalidStateError(key, found);
  return new CursorConflictError(
    `Another poller moved the cursor under "${excerpt(key)}". This poller stops and the other one continues, so nothing is lost. Run one poller for each key.`,
    { key },
  );
};

const invalidStateError = (key: string, text: string): CursorStoreError => {
  const message = isOfAnotherVersion(text)
    ? `A newer version of planetscale-audit wrote the state under "${excerpt(key)}". Install that version, or give this poller a key of its own.`
    : `The cursor store holds something under "${excerpt(key)}" that is not the state of a poller. Restore the state, or delete it and choose a start with startFrom.`;
  return new CursorStoreError(message, { key });
};

const read = async (store: CursorStore, key: string): Promise<string | null> => {
  const value = await wrapStoreErrors(key, 'read', () => store.get(key));
  if (value === undefined || value === null || typeof value === 'string') return value ?? null;
  throw new CursorStoreError(
    `The cursor store returned a value of type ${typeof value} under "${excerpt(key)}". Change the store to return the text that was saved.`,
    { key },
  );
};

/** False if a store with compareAndSet holds another value than expected. */
const write = (store: CursorStore, key: string, expected: string | null, text: string): Promise<boolean> =>
  wrapStoreErrors(key, 'write', async () => {
    if (store.compareAndSet) return store.compareAndSet(key, expected, text);
    await store.set(key, text);
    return true;
  });

/** An error that the store throws is retryable, because a backend that is down may come back. */
const wrapStoreErrors = async <Result>(
  key: string,
  action: 'read' | 'write',
  operation: () => Promisable<Result>,
): Promise<Result> => {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof PlanetScaleAuditError) throw error;
    throw new CursorStoreError(
      `The cursor store failed to ${action} "${excerpt(key)}" (the store's own error is the cause of this error). Check the store and its backend.`,
      {
        key,
        retryable: true,
        cause: error,
      },
    );
  }
};

const describe = ({ organization, actions }: CursorScope): string =>
  `${actions ? excerpt(actions.join(', ')) : 'all actions'} of ${excerpt(organization)}`;
