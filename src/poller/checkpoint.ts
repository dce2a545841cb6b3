import type { Promisable } from 'type-fest';
import { AuditConfigError, CursorConflictError, CursorStoreError, PlanetScaleAuditError } from '../errors.ts';
import type { CursorStore } from '../stores/cursor-store.ts';
import { type CursorScope, decodeState, encodeState, isOfAnotherVersion, type PollState } from './state.ts';

/** Runs an operation until it succeeds or fails for good. */
export type Retry = <Result>(operation: () => Promise<Result>) => Promise<Result>;

const hourMs = 60 * 60_000;

/**
 * A poller's hold on its place in the store, from the moment it was loaded: every save replaces what this session stored last,
 * and no other value.
 */
export class Checkpoint {
  readonly #store: CursorStore;
  readonly #key: string;
  readonly #retry: Retry;
  /** Why the store gave an earlier state than the last saved, where it did. */
  readonly rollbackReason: string | undefined;
  /** The text in the store, as far as this session knows. */
  #stored: string | null;
  /** A text that was written with an outcome unknown: the store failed, or answered that another value stood there. */
  #pendingWrite: string | null = null;
  #saved: PollState | undefined;
  #state: PollState | undefined;
  #isDirty = false;
  /** Nothing more may be written. */
  #isClosed = false;

  private constructor(
    store: CursorStore,
    key: string,
    retry: Retry,
    stored: string | null,
    state: PollState | undefined,
    recovery: string | undefined,
  ) {
    this.#store = store;
    this.#key = key;
    this.#retry = retry;
    this.rollbackReason = recovery;
    this.#stored = stored;
    this.#saved = state;
    this.#state = state;
  }

  /**
   * Loads what the store has for the key. A store that fails is asked again: it is never taken for an empty one.
   *
   * @throws CursorStoreError where it holds something else than a poller's state
   * @throws AuditConfigError where that state is about other events
   */
  static async open(store: CursorStore, key: string, subject: CursorScope, retry: Retry): Promise<Checkpoint> {
    const stored = await retry(() => read(store, key));
    if (stored === null) return new Checkpoint(store, key, retry, null, undefined, undefined);
    const state = decodeState(stored);
    if (!state) throw invalidStateError(key, stored);
    if (JSON.stringify(state.scope) !== JSON.stringify(subject)) {
      throw new AuditConfigError(
        `poller: the state under "${key}" is about ${describe(state.scope)}, and this poller about ${describe(subject)}. Give it another key.`,
      );
    }
    const recovery = await retry(() => wrapStoreErrors(key, 'read', () => store.rollbackReason?.(key)));
    return new Checkpoint(store, key, retry, stored, state, recovery);
  }

  /** Where the poller stands; undefined before its first run. */
  get state(): PollState | undefined {
    return this.#state;
  }

  /** Takes note of a state: it is written by the next save, or at the end. */
  stage(state: PollState): void {
    this.#state = state;
    this.#isDirty = true;
  }

  /**
   * Saves what was noted, again and again until it is known to be stored.
   *
   * @throws CursorConflictError where another poller has moved the cursor
   * @throws CursorStoreError where what was saved is gone, or spoilt
   */
  async save(): Promise<void> {
    const state = this.#state;
    if (!state || !this.#isDirty) return;
    const text = encodeState(state);
    await this.#retry(() => this.#write(text));
    this.#saved = state;
    this.#isDirty = false;
  }

  /** Takes note of a state in which nothing but the time has moved on: it is written once an hour, and not at the end. */
  async saveIfHeartbeatDue(state: PollState): Promise<void> {
    this.#state = state;
    if (this.#saved && Date.parse(state.lastScanStartedAt) - Date.parse(this.#saved.lastScanStartedAt) < hourMs) return;
    this.stage(state);
    await this.save();
  }

  /**
   * Saves what is not saved yet, in one attempt: the iteration is ending.
   *
   * @throws as save does
   */
  async flush(): Promise<void> {
    const state = this.#state;
    if (this.#isClosed || !state || !this.#isDirty) return;
    this.#isClosed = true;
    await this.#write(encodeState(state));
  }

  async #write(text: string): Promise<void> {
    if (this.#pendingWrite !== null) await this.#reconcile();
    if (this.#stored === text) return;

    this.#pendingWrite = text;
    if (!(await write(this.#store, this.#key, this.#stored, text))) {
      await this.#reconcile();
      if (this.#stored === text) return;
      throw new CursorStoreError(
        `The cursor store refused to save under "${this.#key}", though what it holds is what was expected there.`,
        { key: this.#key, retryable: true },
      );
    }
    if (this.#stored === null) await this.#checkFirstWrite(text);
    this.#pendingWrite = null;
    this.#stored = text;
  }

  /** What was attempted is stored now, or what stood there before still is: anything else is not of this poller's doing. */
  async #reconcile(): Promise<void> {
    const found = await read(this.#store, this.#key);
    if (found !== this.#pendingWrite && found !== this.#stored) throw this.#replaced(found);
    this.#stored = found;
    this.#pendingWrite = null;
  }

  /** A dead backend behind a store that swallows errors looks like an empty one: it must not become a first run each time. */
  async #checkFirstWrite(text: string): Promise<void> {
    const found = await read(this.#store, this.#key);
    if (found === text) return;
    if (found !== null) throw this.#replaced(found);
    throw new CursorStoreError(
      `The cursor store does not give back what was just saved under "${this.#key}": it may be losing writes, or hiding the errors of its backend (with Keyv set throwOnErrors).`,
      { key: this.#key },
    );
  }

  /** The end: the store holds something that this session did not write. */
  #replaced(found: string | null): CursorConflictError | CursorStoreError {
    const key = this.#key;
    this.#isClosed = true;
    if (found === null) {
      return new CursorStoreError(
        `The cursor store has lost what was saved under "${key}", or it was deleted. Restore it, or start again and choose with startFrom where to begin.`,
        { key },
      );
    }
    if (!decodeState(found)) return invalidStateError(key, found);
    return new CursorConflictError(
      `Another poller has moved the cursor under "${key}", and this one stops: nothing is lost, since the other goes on. Run one poller for a key, or give each its own.`,
      { key },
    );
  }
}

const invalidStateError = (key: string, text: string): CursorStoreError => {
  const message = isOfAnotherVersion(text)
    ? `The state under "${key}" was written by a newer version of planetscale-audit. Install that version, or give this poller a key of its own.`
    : `The cursor store holds something under "${key}" that is not the state of a poller. Restore it, or delete it and choose with startFrom where to begin.`;
  return new CursorStoreError(message, { key });
};

const read = async (store: CursorStore, key: string): Promise<string | null> => {
  const value = await wrapStoreErrors(key, 'read', () => store.get(key));
  if (value === undefined || value === null || typeof value === 'string') return value ?? null;
  throw new CursorStoreError(
    `The cursor store gave back a value of type ${typeof value} under "${key}": it must give text back as it was saved.`,
    { key },
  );
};

/** Whether the text was written: false where a store that compares holds another value than expected. */
const write = (store: CursorStore, key: string, expected: string | null, text: string): Promise<boolean> =>
  wrapStoreErrors(key, 'write', async () => {
    if (store.compareAndSet) return store.compareAndSet(key, expected, text);
    await store.set(key, text);
    return true;
  });

/** What a store throws becomes an error of ours: a backend that is down may come back. */
const wrapStoreErrors = async <Result>(
  key: string,
  what: string,
  operation: () => Promisable<Result>,
): Promise<Result> => {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof PlanetScaleAuditError) throw error;
    throw new CursorStoreError(`The cursor store failed to ${what} "${key}".`, { key, retryable: true, cause: error });
  }
};

const describe = ({ organization, actions }: CursorScope): string =>
  `${actions ? actions.join(', ') : 'all actions'} of ${organization}`;
