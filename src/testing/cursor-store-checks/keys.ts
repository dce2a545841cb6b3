import type { Promisable } from '../../internal/types.ts';
import type { CursorStore } from '../../stores/cursor-store.ts';
import { expectNothing, expectText } from './expectations.ts';
import { confusableKeys, firstText } from './samples.ts';
import type { CursorStoreCheck, OpenStore } from './store-under-test.ts';

export const keyChecks = (open: OpenStore): CursorStoreCheck[] => [
  {
    name: 'set keeps keys apart that differ in case, accents, punctuation or their last character',
    async run() {
      const store = await open();
      await expectKeysApart(store, (key, text) => store.set(key, text));
    },
  },
  {
    name: 'set treats __proto__ like any other key',
    async run() {
      const store = await open();
      await store.set('__proto__', firstText);
      await expectText(store, '__proto__', firstText);
    },
  },
];

/** Expects that each of {@link confusableKeys} holds its own value once `save` has saved all of them. */
export const expectKeysApart = async (
  store: CursorStore,
  save: (key: string, text: string) => Promisable<unknown>,
): Promise<void> => {
  const keys = confusableKeys();
  const textOf = (key: string) => `v1:${JSON.stringify({ key })}`;
  for (const key of keys) {
    await expectNothing(store, key);
    await save(key, textOf(key));
  }
  for (const key of keys) await expectText(store, key, textOf(key));
};
