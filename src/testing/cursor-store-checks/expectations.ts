import type { Promisable } from '../../internal/types.ts';
import type { CursorStore } from '../../stores/cursor-store.ts';

export const expectText = async (store: CursorStore, key: string, text: string): Promise<void> => {
  const found: unknown = await store.get(key);
  if (found === text) return;
  throw new Error(
    `The store returned ${format(found)} for get(${format(key)}) after ${format(text)} was saved. get must return the saved text unchanged.`,
  );
};

export const expectNothing = async (store: CursorStore, key: string): Promise<void> => {
  const found: unknown = await store.get(key);
  if (found === undefined || found === null) return;
  throw new Error(
    `The store returned ${format(found)} for get(${format(key)}), although nothing was saved. get must return undefined or null.`,
  );
};

interface CompareAndSetCall {
  readonly store: CursorStore;
  readonly key: string;
  readonly expected: string | null;
  readonly next: string;
}

export const expectSaved = (call: CompareAndSetCall): Promise<void> => expectAnswer(call, true);

export const expectRefused = (call: CompareAndSetCall): Promise<void> => expectAnswer(call, false);

const expectAnswer = async (call: CompareAndSetCall, wanted: boolean): Promise<void> => {
  const answer: unknown = await compareAndSet(call);
  if (answer === wanted) return;
  const stored = await call.store.get(call.key);
  throw new Error(
    `The store returned ${format(answer)} for compareAndSet with the expected value ${format(call.expected)} (stored now: ${format(stored)}). compareAndSet must return ${wanted} here.`,
  );
};

export const compareAndSet = ({ store, key, expected, next }: CompareAndSetCall): Promisable<boolean> => {
  if (!store.compareAndSet) {
    throw new Error(
      'open() returned a store without compareAndSet, although cursorStoreChecks received compareAndSet: true. Add the method, or leave the option out.',
    );
  }
  return store.compareAndSet(key, expected, next);
};

export const outcomeOf = async <Value>(
  operation: () => Promisable<Value>,
): Promise<{ readonly value: Value } | { readonly error: unknown }> => {
  try {
    return { value: await operation() };
  } catch (error) {
    return { error };
  }
};

const maxFormattedLength = 80;

/** Returns a value as an error message shows it. Long texts are cut. */
export const format = (value: unknown): string => {
  if (typeof value !== 'string') return value instanceof Error ? `an error as its value (${value})` : String(value);
  if (value.length <= maxFormattedLength) return JSON.stringify(value);
  return `${JSON.stringify(value.slice(0, maxFormattedLength))}… (${value.length} characters)`;
};
