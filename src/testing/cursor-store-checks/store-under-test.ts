import type { Promisable } from '../../internal/types.ts';
import type { CursorStore } from '../../stores/cursor-store.ts';

/** The store that {@link cursorStoreChecks} checks, and the faults that its checks can inject. */
export interface CursorStoreUnderTest {
  /** Returns a handle on the store, as each process of a deployment would open it. All handles must share one backend. */
  open(): Promisable<CursorStore>;
  /**
   * Lists the checks of `compareAndSet`. Set this option if the store has that method.
   *
   * @default false
   */
  readonly compareAndSet?: boolean;
  /** Damages the value stored under `key`, as a broken disk would. Without this function no check covers corruption. */
  corrupt?(key: string): Promisable<void>;
  /** Breaks the backend until the returned function repairs the backend. Without `breakBackend` no check covers outages. */
  breakBackend?(): Promisable<() => Promisable<void>>;
}

/** One promise that a poller relies on, ready to be registered as a test. */
export interface CursorStoreCheck {
  /** The promise as a whole clause, as a title for your test. The name is unique among the checks. */
  readonly name: string;
  /** Resolves if the store passes, and rejects with an `Error` that describes the violation if the store fails. */
  run(): Promise<void>;
}

export type OpenStore = CursorStoreUnderTest['open'];
