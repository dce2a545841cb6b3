import type { Promisable } from '../internal/types.ts';

/**
 * Keeps the cursor of a poller between runs, as one text under each key. A text has up to 440 kB, because it lists the recent
 * events that the poller knows. `new Map()`, unstorage, Upstash Redis and Keyv 5 with `throwOnErrors` fit as they are. Keyv 6 does
 * not.
 *
 * A poller that finds nothing begins a first run. A store must therefore throw when in doubt, and never return nothing. Keyv
 * without `throwOnErrors` returns nothing when its backend fails. `cursorStoreChecks` in planetscale-audit/testing checks a store
 * of your own.
 *
 * @example
 * ```ts
 * import { PlanetScaleAuditClient, poller } from 'planetscale-audit';
 *
 * const store = new Map<string, string>(); // Lost when the process ends. fileCursorStore in planetscale-audit/node keeps it.
 * for await (const event of poller(PlanetScaleAuditClient.fromEnv(), { store, drain: true })) {
 *   console.log(event.id);
 * }
 * ```
 */
export interface CursorStore {
  /**
   * Returns the last saved value unchanged. Returns undefined or null only if nothing was ever saved under `key`. Throws if the
   * store cannot tell.
   */
  get(key: string): Promisable<string | null | undefined>;
  /** Replaces the value. Resolves once the value is durable, with any result, and throws if the save failed. */
  set(key: string, value: string): Promisable<unknown>;
  /**
   * Saves `next` in one atomic step if the store still holds `expected`, and returns whether it saved. `null` stands for a key
   * without a value. With `compareAndSet` several pollers may share a key. One of them wins, and the others stop with a
   * `CursorConflictError`.
   */
  compareAndSet?(key: string, expected: string | null, next: string): Promisable<boolean>;
  /**
   * Explains to an operator why `get` returns an earlier value than the last saved. Returns undefined if `get` does not. Only a
   * store that keeps earlier values needs this method. A poller calls it once, when it starts, and reports the reason in a
   * `cursor-rolled-back` notice.
   */
  rollbackReason?(key: string): Promisable<string | undefined>;
}

/** A {@link CursorStore} with `compareAndSet`, in which several pollers can share a key. */
export interface AtomicCursorStore extends CursorStore {
  /** Saves `next` in one atomic step if the store still holds `expected`, as {@link CursorStore.compareAndSet} does. */
  compareAndSet(key: string, expected: string | null, next: string): Promisable<boolean>;
}
