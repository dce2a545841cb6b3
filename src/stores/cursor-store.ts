import type { Promisable, SetRequired } from 'type-fest';

/**
 * Where a poller keeps its place: one short text under each key. `new Map()`, Keyv, unstorage and Upstash Redis satisfy it as
 * they are.
 *
 * `get` gives undefined or null only where nothing was ever saved. Any doubt must throw: a poller that finds nothing starts anew.
 * Keyv does so with `throwOnErrors` alone. `cursorStoreChecks` in planetscale-audit/testing tries a store of your own.
 *
 * @example
 * ```ts
 * import { PlanetScaleAuditClient, poller } from 'planetscale-audit';
 *
 * const store = new Map<string, string>(); // Gone with the process: see fileCursorStore in planetscale-audit/node.
 * for await (const event of poller(PlanetScaleAuditClient.fromEnv(), { store, drain: true })) {
 *   console.log(event.id);
 * }
 * ```
 */
export interface CursorStore {
  get(key: string): Promisable<string | null | undefined>;
  set(key: string, value: string): Promisable<unknown>;
  /**
   * Saves `next` only while the stored value is still `expected` (null: nothing stored yet), in one step, and tells whether it
   * did. With it several pollers may share a key: one of them wins, the others stop with a `CursorConflictError`.
   */
  compareAndSet?(key: string, expected: string | null, next: string): Promisable<boolean>;
  /**
   * For a store that keeps earlier values: why `get` gives an earlier value than the last saved, in words for an operator;
   * undefined where it does not. A poller asks once, when it begins, and passes it on as a `cursor-rolled-back` notice.
   */
  rollbackReason?(key: string): Promisable<string | undefined>;
}

/** A {@link CursorStore} that has `compareAndSet`: several pollers can share a key in it. */
export type AtomicCursorStore = SetRequired<CursorStore, 'compareAndSet'>;
