import type { AtomicCursorStore } from './cursor-store.ts';

/**
 * Returns a store that keeps cursors in memory until the process ends, for tests and for jobs that always start from the same
 * point.
 *
 * @example
 * ```ts
 * import { memoryCursorStore, PlanetScaleAuditClient, poller } from 'planetscale-audit';
 *
 * const options = { store: memoryCursorStore(), startFrom: 'oldest', drain: true } as const;
 * for await (const event of poller(PlanetScaleAuditClient.fromEnv(), options)) console.log(event.audit_action);
 * ```
 */
export function memoryCursorStore(): AtomicCursorStore {
  const values = new Map<string, string>();
  return {
    get: (key) => values.get(key),
    set: (key, value) => values.set(key, value),
    compareAndSet: (key, expected, next) => {
      if ((values.get(key) ?? null) !== expected) return false;
      values.set(key, next);
      return true;
    },
  };
}
