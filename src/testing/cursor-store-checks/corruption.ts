import { compareAndSet, format, outcomeOf } from './expectations.ts';
import { firstText, newKey, secondText, thirdText } from './samples.ts';
import type { CursorStoreCheck, CursorStoreUnderTest, OpenStore } from './store-under-test.ts';

export const corruptionChecks = (
  open: OpenStore,
  hasCompareAndSet: boolean,
  corrupt: NonNullable<CursorStoreUnderTest['corrupt']>,
): CursorStoreCheck[] => [
  {
    name: 'get throws or returns a saved value, never nothing, if the stored value is corrupt',
    async run() {
      const [store, key] = [await open(), newKey()];
      await store.set(key, firstText);
      await store.set(key, secondText);
      await corrupt(key);
      for (const handle of [store, await open()]) {
        const outcome = await outcomeOf(() => handle.get(key));
        if ('error' in outcome || outcome.value === firstText || outcome.value === secondText) continue;
        throw new Error(
          `The store returned ${format(outcome.value)} for get after the stored value was corrupted. get must throw or return a saved value, because a poller that finds nothing starts a first run.`,
        );
      }
      if (!hasCompareAndSet) return;
      const outcome = await outcomeOf(() => compareAndSet({ store, key, expected: null, next: thirdText }));
      if ('error' in outcome || !outcome.value) return;
      throw new Error(
        'The store saved a value by compareAndSet with the expected value null after the stored value was corrupted. compareAndSet must throw or return false.',
      );
    },
  },
];
