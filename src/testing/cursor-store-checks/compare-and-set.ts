import type { CursorStore } from '../../stores/cursor-store.ts';
import { compareAndSet, expectNothing, expectRefused, expectSaved, expectText, format } from './expectations.ts';
import { expectKeysApart } from './keys.ts';
import { firstText, newKey, sampleTexts, secondText, thirdText } from './samples.ts';
import type { CursorStoreCheck, OpenStore } from './store-under-test.ts';

const racerCount = 50;
const roundCount = 5;

export const compareAndSetChecks = (open: OpenStore): CursorStoreCheck[] => [
  {
    name: 'compareAndSet that expects null saves only if nothing is stored',
    async run() {
      const [store, key] = [await open(), newKey()];
      await expectSaved({ store, key, expected: null, next: firstText });
      await expectRefused({ store, key, expected: null, next: secondText });
      await expectText(store, key, firstText);
    },
  },
  {
    name: 'compareAndSet saves if the expected value is stored, whichever handle saved that value',
    async run() {
      const [store, other, key] = [await open(), await open(), newKey()];
      await store.set(key, firstText);
      await expectSaved({ store: other, key, expected: firstText, next: secondText });
      await expectText(store, key, secondText);
      await expectSaved({ store, key, expected: secondText, next: thirdText });
      await expectText(other, key, thirdText);
    },
  },
  {
    name: 'compareAndSet leaves a stored value unchanged that differs from the expected one',
    async run() {
      const [store, key] = [await open(), newKey()];
      await store.set(key, firstText);
      await expectRefused({ store, key, expected: secondText, next: thirdText });
      await expectText(store, key, firstText);
    },
  },
  {
    name: 'compareAndSet that expects a value saves nothing if nothing is stored',
    async run() {
      const [store, key] = [await open(), newKey()];
      await expectRefused({ store, key, expected: firstText, next: secondText });
      await expectNothing(store, key);
    },
  },
  ...sampleTexts().map(([kind, text]) => ({
    name: `compareAndSet saves and compares every character: ${kind}`,
    async run() {
      const [store, key] = [await open(), newKey()];
      await expectSaved({ store, key, expected: null, next: text });
      await expectText(store, key, text);
      await expectRefused({ store, key, expected: `${text}.`, next: secondText });
      await expectSaved({ store, key, expected: text, next: secondText });
      await expectText(store, key, secondText);
    },
  })),
  {
    name: 'compareAndSet keeps keys apart that differ in case, accents, punctuation or their last character',
    async run() {
      const store = await open();
      await expectKeysApart(store, (key, text) => expectSaved({ store, key, expected: null, next: text }));
    },
  },
  {
    name: `compareAndSet lets exactly one of ${racerCount} concurrent callers win, in each of ${roundCount} rounds`,
    async run() {
      const key = newKey();
      const handles = await Promise.all(Array.from({ length: racerCount }, () => open()));
      let current: string | null = null;
      for (let round = 0; round < roundCount; round++) {
        current = await race(handles, key, current);
        await expectText(await open(), key, current);
      }
    },
  },
];

/** Resolves with the value that the only winner saved. */
const race = async (handles: readonly CursorStore[], key: string, expected: string | null): Promise<string> => {
  const attempts = await Promise.all(
    handles.map(async (store) => {
      const next = `v1:${JSON.stringify({ racer: crypto.randomUUID() })}`;
      return { next, hasWon: await compareAndSet({ store, key, expected, next }) };
    }),
  );
  const winners = attempts.filter(({ hasWon }) => hasWon);
  const [winner] = winners;
  if (!winner || winners.length > 1) {
    throw new Error(
      `The store returned true for ${winners.length} of ${handles.length} concurrent compareAndSet calls with the expected value ${format(expected)}. compareAndSet must return true for exactly one of them.`,
    );
  }
  return winner.next;
};
