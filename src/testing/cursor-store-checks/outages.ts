import type { Promisable } from '../../internal/types.ts';
import type { CursorStore } from '../../stores/cursor-store.ts';
import { compareAndSet, expectNothing, expectText, format, outcomeOf } from './expectations.ts';
import { firstText, newKey, secondText } from './samples.ts';
import type { CursorStoreCheck, CursorStoreUnderTest, OpenStore } from './store-under-test.ts';

interface CallDuringOutage {
  readonly store: CursorStore;
  /** A key that holds a value. */
  readonly savedKey: string;
  /** A key that holds nothing. */
  readonly missingKey: string;
}

export const outageChecks = (
  open: OpenStore,
  hasCompareAndSet: boolean,
  breakBackend: NonNullable<CursorStoreUnderTest['breakBackend']>,
): CursorStoreCheck[] => {
  const check = (call: string, operation: (during: CallDuringOutage) => Promisable<unknown>): CursorStoreCheck => ({
    name: `${call} throws while the backend fails, and changes nothing`,
    async run() {
      const [store, savedKey, missingKey] = [await open(), newKey(), newKey()];
      await store.set(savedKey, firstText);
      const repair = await breakBackend();
      try {
        const outcome = await outcomeOf(() => operation({ store, savedKey, missingKey }));
        if ('value' in outcome) {
          throw new Error(
            `The store returned ${format(outcome.value)} for ${call} while the backend failed. The store must throw, because a poller would trust the result.`,
          );
        }
      } finally {
        await repair();
      }
      for (const handle of [store, await open()]) {
        await expectText(handle, savedKey, firstText);
        await expectNothing(handle, missingKey);
      }
    },
  });
  const checks = [
    check('get of a saved key', ({ store, savedKey }) => store.get(savedKey)),
    check('get of a missing key', ({ store, missingKey }) => store.get(missingKey)),
    check('set', ({ store, savedKey }) => store.set(savedKey, secondText)),
  ];
  if (!hasCompareAndSet) return checks;
  return [
    ...checks,
    check('compareAndSet of a saved key', ({ store, savedKey }) =>
      compareAndSet({ store, key: savedKey, expected: firstText, next: secondText }),
    ),
    check('compareAndSet of a missing key', ({ store, missingKey }) =>
      compareAndSet({ store, key: missingKey, expected: null, next: secondText }),
    ),
  ];
};
