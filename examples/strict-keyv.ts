// Makes a cursor store of Keyv, which answers a failed read with undefined. To a poller, undefined means that nothing was ever saved.
// This store throws instead. Keyv 6 sends an 'error' event, and the store throws its error. Keyv 5 sends none for a read, but has
// the option throwOnErrors, which this store sets.
import type { CursorStore } from 'planetscale-audit';

/** The part of a Keyv that a cursor store needs. */
export interface KeyvLike {
  get(key: string): Promise<unknown>;
  set(key: string, value: string): Promise<unknown>;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  off(event: 'error', listener: (error: unknown) => void): unknown;
  /** An option of Keyv 5. */
  throwOnErrors?: boolean;
}

export function strictKeyv(keyv: KeyvLike): CursorStore {
  if ('throwOnErrors' in keyv) keyv.throwOnErrors = true;
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
