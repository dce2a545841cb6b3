import { AuditConfigError } from '../errors.ts';
import { checkKeys } from '../internal/known-keys.ts';
import { compareAndSetChecks } from './cursor-store-checks/compare-and-set.ts';
import { corruptionChecks } from './cursor-store-checks/corruption.ts';
import { keyChecks } from './cursor-store-checks/keys.ts';
import { outageChecks } from './cursor-store-checks/outages.ts';
import type { CursorStoreCheck, CursorStoreUnderTest } from './cursor-store-checks/store-under-test.ts';
import { valueChecks } from './cursor-store-checks/values.ts';

const optionKeys: ReadonlySet<string> = /* @__PURE__ */ new Set([
  'open',
  'compareAndSet',
  'corrupt',
  'breakBackend',
] satisfies (keyof CursorStoreUnderTest)[]);

/**
 * Returns one check for each promise that a poller relies on in a `CursorStore`. Register the checks with any test runner.
 * Checks of a feature that the store does not claim are left out.
 *
 * Each run uses new keys and leaves the saved values behind, so the backend may hold other data. The checks run one after another
 * however you start them, because some break the backend that all of them share.
 *
 * The checks demand no more than a poller does:
 * - Every text begins with `v1:`, as every value of a poller does. A store may parse or refuse other texts.
 * - No text contains NUL or a lone surrogate, which a poller writes escaped.
 * - Keys have at most 210 characters. A store may treat `/`, `\` and `:` in keys as the same character.
 *
 * Two promises cannot be checked: that confirmed saves survive a power cut, and that `compareAndSet` is atomic between machines.
 *
 * @example
 * ```ts
 * import { memoryCursorStore } from 'planetscale-audit';
 * import { cursorStoreChecks } from 'planetscale-audit/testing';
 * import { test } from 'vitest';
 *
 * const store = memoryCursorStore();
 * for (const check of cursorStoreChecks({ open: () => store, compareAndSet: true })) test(check.name, check.run);
 * ```
 */
export function cursorStoreChecks(store: CursorStoreUnderTest): readonly CursorStoreCheck[] {
  checkKeys('cursorStoreChecks', optionKeys, store);
  if (typeof store.open !== 'function') throw new AuditConfigError('cursorStoreChecks: open: must be a function.');
  const open = store.open.bind(store);
  const corrupt = store.corrupt?.bind(store);
  const breakBackend = store.breakBackend?.bind(store);
  const { compareAndSet = false } = store;
  return runOneByOne([
    ...valueChecks(open),
    ...keyChecks(open),
    ...(compareAndSet ? compareAndSetChecks(open) : []),
    ...(corrupt ? corruptionChecks(open, compareAndSet, corrupt) : []),
    ...(breakBackend ? outageChecks(open, compareAndSet, breakBackend) : []),
  ]);
}

const runOneByOne = (checks: readonly CursorStoreCheck[]): CursorStoreCheck[] => {
  let previous: Promise<unknown> = Promise.resolve();
  return checks.map(({ name, run }) => ({
    name,
    run() {
      const result = previous.then(run);
      // The test runner receives the rejection of `result`. The next check runs all the same.
      previous = result.catch(() => {});
      return result;
    },
  }));
};
