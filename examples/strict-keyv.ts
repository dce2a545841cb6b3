// Makes a cursor store of Keyv 6, which answers a failed read with undefined and an 'error' event. To a poller, undefined means that
// nothing was ever saved. This store throws the error of the event instead. Keyv 5 needs no wrapper: set its option throwOnErrors.
import type { CursorStore } from 'planetscale-audit';

/** The part of a Keyv that a cursor store needs. */
export interface KeyvLike {
  get(key: string): Promise<unknown>;
  set(key: string, value: string): Promise<unknown>;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  off(event: 'error', listener: (error: unknown) => void): unknown;
}

export function strictKeyv(keyv: KeyvLike): CursorStore {
  const strictly = async <Result>(operation: () => Promise<Result>): Promise<Result> => {
    const errors: unknown[] = [];
    const onError = (error: unknown) => void errors.push(error);
    keyv.on('error', onError);
    try {
      const result = await operation();
      if (errors.length > 0) throw errors[0];
      return result;
    } finally {
      keyv.off('error', onError);
    }
  };
  return {
    get: async (key) => {
      const value = await strictly(() => keyv.get(key));
      if (value === undefined || value === null || typeof value === 'string') return value;
      throw new Error(`Keyv returned a value of type ${typeof value} for ${key}.`);
    },
    set: (key, value) => strictly(() => keyv.set(key, value)),
  };
}
