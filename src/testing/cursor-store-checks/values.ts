import { expectNothing, expectText } from './expectations.ts';
import { firstText, newKey, sampleTexts, secondText, thirdText } from './samples.ts';
import type { CursorStoreCheck, OpenStore } from './store-under-test.ts';

export const valueChecks = (open: OpenStore): CursorStoreCheck[] => [
  {
    name: 'get returns undefined or null for a key that was never saved',
    async run() {
      await expectNothing(await open(), newKey());
    },
  },
  ...sampleTexts().map(([kind, text]) => ({
    name: `get returns the saved text unchanged: ${kind}`,
    async run() {
      const [store, key] = [await open(), newKey()];
      await store.set(key, text);
      await expectText(store, key, text);
    },
  })),
  {
    name: 'set replaces the previous value with a longer or shorter one',
    async run() {
      const [store, key] = [await open(), newKey()];
      for (const text of [firstText, `${secondText}${' '.repeat(10_000)}`, thirdText]) {
        await store.set(key, text);
        await expectText(store, key, text);
      }
    },
  },
  {
    name: 'get returns the value that another handle saved',
    async run() {
      const [store, other, key] = [await open(), await open(), newKey()];
      await store.set(key, firstText);
      await expectText(other, key, firstText);
      await other.set(key, secondText);
      await expectText(store, key, secondText);
      await expectText(await open(), key, secondText);
    },
  },
];
