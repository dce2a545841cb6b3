import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Keyv from 'keyv';
import { type CursorStore, memoryCursorStore } from 'planetscale-audit';
import { type CursorStoreUnderTest, cursorStoreChecks } from 'planetscale-audit/testing';
import { createStorage } from 'unstorage';
import fsDriver from 'unstorage/drivers/fs';
import { afterAll, describe, expect, test } from 'vitest';
import { BreakableMap } from '../support/breakable-map.ts';

/** Registers each check as a test, as a user's suite does. */
const expectToPass = (name: string, store: CursorStoreUnderTest): void => {
  describe(`the checks of ${name}`, () => {
    for (const check of cursorStoreChecks(store)) test(check.name, check.run);
  });
};

const memory = memoryCursorStore();
expectToPass('memoryCursorStore()', { open: () => memory, compareAndSet: true });

const map = new BreakableMap();
expectToPass('new Map()', { open: () => map, breakBackend: () => map.break() });

const keyvBackend = new BreakableMap();
expectToPass('Keyv 5 with throwOnErrors', {
  open: () => new Keyv({ store: keyvBackend, throwOnErrors: true }),
  breakBackend: () => keyvBackend.break(),
});

const storage = createStorage<string>();
expectToPass('unstorage in memory', { open: () => storage });

const base = await mkdtemp(join(tmpdir(), 'unstorage-'));
afterAll(() => rm(base, { recursive: true }));
expectToPass('unstorage in files', { open: () => createStorage<string>({ driver: fsDriver({ base }) }) });

test('cursorStoreChecks runs its checks one after another, even if all are started at once', async () => {
  const backend = new BreakableMap();
  const checks = cursorStoreChecks({ open: () => backend, breakBackend: () => backend.break() });
  await Promise.all(checks.map((check) => check.run()));
  await Promise.all(checks.map((check) => check.run()));
});

test('cursorStoreChecks lists no check of a feature that the store does not claim', () => {
  const names = (store: Partial<CursorStoreUnderTest>) =>
    cursorStoreChecks({ open: memoryCursorStore, ...store }).map(({ name }) => name);
  expect(names({}).filter((name) => /compareAndSet|corrupt|fails/.test(name))).toEqual([]);
  expect(names({ compareAndSet: true }).filter((name) => name.includes('compareAndSet'))).toHaveLength(14);
  expect(names({ corrupt: () => {} }).filter((name) => name.includes('corrupt'))).toHaveLength(1);
  expect(names({ breakBackend: () => () => {} }).filter((name) => name.includes('fails'))).toHaveLength(3);
});

describe('cursorStoreChecks', () => {
  const pause = () => new Promise<void>((resolve) => setImmediate(resolve));

  const isIntact = (value: string | undefined): boolean => value === undefined || value.startsWith('v1:');

  /** A correct store, with the methods that `override` returns put in place of its own. */
  const faulty = (override: (backend: BreakableMap) => Partial<CursorStore>): CursorStoreUnderTest => {
    const backend = new BreakableMap();
    const correct = {
      get(key: string) {
        const value = backend.get(key);
        if (!isIntact(value)) throw new Error(`${key} is corrupt`);
        return value;
      },
      set: (key: string, value: string) => backend.set(key, value),
      compareAndSet(key: string, expected: string | null, next: string) {
        if ((correct.get(key) ?? null) !== expected) return false;
        backend.set(key, next);
        return true;
      },
    };
    return {
      open: () => ({ ...correct, ...override(backend) }),
      compareAndSet: true,
      corrupt: (key) => void backend.set(key, '\0\0\0\0'),
      breakBackend: () => backend.break(),
    };
  };
  const alteringValues = (change: (value: string) => string) =>
    faulty((backend) => ({ set: (key, value) => backend.set(key, change(value)) }));
  const alteringCompareAndSet = (compared: (text: string) => unknown, saved = (text: string) => text) =>
    faulty((backend) => ({
      compareAndSet: (key, expected, next) => {
        const value = backend.get(key);
        if (value === undefined ? expected !== null : compared(value) !== compared(expected ?? '')) return false;
        backend.set(key, saved(next));
        return true;
      },
    }));
  const alteringKeys = (change: (key: string) => string) =>
    faulty((backend) => ({
      get: (key) => backend.get(change(key)),
      set: (key, value) => backend.set(change(key), value),
    }));

  const namesOfFailedChecks = async (store: CursorStoreUnderTest): Promise<string[]> => {
    const names: string[] = [];
    for (const { name, run } of cursorStoreChecks(store)) {
      await run().catch((error: unknown) => {
        expect(error).toBeInstanceOf(Error);
        names.push(name);
      });
    }
    return names;
  };

  test('passes a correct store', async () => {
    expect(await namesOfFailedChecks(faulty(() => ({})))).toEqual([]);
  });

  test.each<readonly [fault: string, store: CursorStoreUnderTest, check: string]>([
    [
      'swallows errors of get and returns undefined',
      faulty((backend) => ({
        get: (key) => {
          try {
            return backend.get(key);
          } catch {
            return undefined;
          }
        },
      })),
      'get of a missing key throws while the backend fails',
    ],
    [
      'swallows errors of set',
      faulty((backend) => ({
        set: async (key, value) => {
          await Promise.resolve()
            .then(() => backend.set(key, value))
            .catch(() => {});
        },
      })),
      'set throws while the backend fails',
    ],
    [
      'reports an outage as a conflict',
      faulty((backend) => ({
        compareAndSet: (key, expected, next) => {
          try {
            if ((backend.get(key) ?? null) !== expected) return false;
            backend.set(key, next);
            return true;
          } catch {
            return false;
          }
        },
      })),
      'compareAndSet of a saved key throws while the backend fails',
    ],
    [
      'applies a failed save later',
      faulty((backend) => {
        const queue: [key: string, value: string][] = [];
        return {
          get: (key) => {
            for (const [queued, value] of queue.splice(0)) backend.set(queued, value);
            return backend.get(key);
          },
          set: (key, value) => {
            queue.push([key, value]);
            backend.set(key, value);
            queue.pop();
          },
        };
      }),
      'set throws while the backend fails, and changes nothing',
    ],
    [
      'returns a corrupt value',
      faulty((backend) => ({ get: (key) => backend.get(key) })),
      'get throws or returns a saved value, never nothing, if the stored value is corrupt',
    ],
    [
      'treats a corrupt value as missing',
      faulty((backend) => ({
        get: (key) => {
          const value = backend.get(key);
          return isIntact(value) ? value : undefined;
        },
      })),
      'get throws or returns a saved value, never nothing, if the stored value is corrupt',
    ],
    [
      'overwrites a corrupt value as if nothing had been stored',
      faulty((backend) => ({
        compareAndSet: (key, expected, next) => {
          const value = backend.get(key);
          if ((isIntact(value) ? (value ?? null) : null) !== expected) return false;
          backend.set(key, next);
          return true;
        },
      })),
      'get throws or returns a saved value, never nothing, if the stored value is corrupt',
    ],
    [
      'saves without comparing',
      faulty((backend) => ({
        compareAndSet: (key, _, next) => {
          backend.set(key, next);
          return true;
        },
      })),
      'compareAndSet that expects null saves only if nothing is stored',
    ],
    [
      'reports a save that it did not make',
      faulty((backend) => ({
        compareAndSet: (key, expected, next) => {
          if ((backend.get(key) ?? null) === expected) backend.set(key, next);
          return true;
        },
      })),
      'compareAndSet leaves a stored value unchanged that differs from the expected one',
    ],
    [
      'compares nothing if null is expected',
      faulty((backend) => ({
        compareAndSet: (key, expected, next) => {
          if (expected !== null && backend.get(key) !== expected) return false;
          backend.set(key, next);
          return true;
        },
      })),
      'compareAndSet that expects null saves only if nothing is stored',
    ],
    [
      'saves no first value, like an UPDATE without a row',
      faulty((backend) => ({
        compareAndSet: (key, expected, next) => {
          if (expected === null || backend.get(key) !== expected) return false;
          backend.set(key, next);
          return true;
        },
      })),
      'compareAndSet that expects null saves only if nothing is stored',
    ],
    [
      'compares and saves in two steps',
      faulty((backend) => ({
        compareAndSet: async (key, expected, next) => {
          const value = backend.get(key) ?? null;
          await pause();
          if (value !== expected) return false;
          backend.set(key, next);
          return true;
        },
      })),
      'compareAndSet lets exactly one of 50 concurrent callers win',
    ],
    [
      'lacks the compareAndSet that it claims',
      { open: () => new Map<string, string>(), compareAndSet: true },
      'compareAndSet that expects null saves only if nothing is stored',
    ],
    [
      'truncates the values of compareAndSet',
      alteringCompareAndSet(
        (text) => text,
        (text) => text.slice(0, 255),
      ),
      "compareAndSet saves and compares every character: a poller's largest state",
    ],
    [
      'trims the values of compareAndSet',
      alteringCompareAndSet(
        (text) => text,
        (text) => text.trimEnd(),
      ),
      'compareAndSet saves and compares every character: inner and trailing white space',
    ],
    [
      'compares only the beginning of a value',
      alteringCompareAndSet((text) => text.slice(0, 60)),
      "compareAndSet saves and compares every character: a poller's largest state",
    ],
    [
      'never finds long values equal',
      alteringCompareAndSet((text) => (text.length > 8192 ? Number.NaN : text)),
      "compareAndSet saves and compares every character: a poller's largest state",
    ],
    [
      'ignores the case of keys in compareAndSet',
      faulty((backend) => ({
        compareAndSet: (key, expected, next) => {
          const others = [...backend.keys()].filter((other) => other.toLowerCase() === key.toLowerCase());
          if ((backend.get(others[0] ?? key) ?? null) !== expected) return false;
          backend.set(key, next);
          return true;
        },
      })),
      'compareAndSet keeps keys apart that differ in case',
    ],
    [
      'trims values',
      alteringValues((value) => value.trim()),
      'get returns the saved text unchanged: inner and trailing white space',
    ],
    [
      'normalizes Unicode',
      alteringValues((value) => value.normalize()),
      'get returns the saved text unchanged: Unicode without normalization',
    ],
    [
      'stores at most three bytes for a character',
      alteringValues((value) => value.replace(/[\u{10000}-\u{10ffff}]/gu, '?')),
      'get returns the saved text unchanged: Unicode without normalization',
    ],
    [
      'truncates values after 64 kB',
      alteringValues((value) => value.slice(0, 65_535)),
      'get returns the saved text unchanged: a megabyte',
    ],
    [
      'stores parsed JSON instead of its text',
      alteringValues((value) =>
        value.startsWith('v1:{') ? `v1:${JSON.stringify(JSON.parse(value.slice(3)))}` : value,
      ),
      'get returns the saved text unchanged: JSON with its exact bytes',
    ],
    [
      'stores numbers instead of their text',
      alteringValues((value) => (/^v1:\d+$/.test(value) ? `v1:${Number(value.slice(3))}` : value)),
      'get returns the saved text unchanged: digits',
    ],
    [
      'overwrites values in place',
      faulty((backend) => ({
        set: (key, value) => backend.set(key, value + (backend.get(key) ?? '').slice(value.length)),
      })),
      'set replaces the previous value with a longer or shorter one',
    ],
    [
      'keeps the first value for ever',
      faulty((backend) => ({ set: (key, value) => backend.get(key) ?? backend.set(key, value) })),
      'set replaces the previous value',
    ],
    ['discards values', faulty(() => ({ set: () => {} })), 'get returns the saved text unchanged: digits'],
    [
      'caches values in each handle',
      faulty((backend) => {
        const cache = new Map<string, string>();
        return {
          get: (key) => cache.get(key) ?? backend.get(key),
          set: (key, value) => {
            cache.set(key, value);
            backend.set(key, value);
          },
        };
      }),
      'get returns the value that another handle saved',
    ],
    [
      'returns empty text for a missing key',
      faulty((backend) => ({ get: (key) => backend.get(key) ?? '' })),
      'get returns undefined or null for a key that was never saved',
    ],
    ['ignores the case of keys', alteringKeys((key) => key.toLowerCase()), 'set keeps keys apart that differ in case'],
    [
      'ignores accents in keys',
      alteringKeys((key) => key.normalize('NFD').replace(/\p{Mn}/gu, '')),
      'set keeps keys apart that differ in case',
    ],
    [
      'maps different keys to one file name',
      alteringKeys((key) => key.replace(/[^\w]/g, '_')),
      'set keeps keys apart that differ in case',
    ],
    ['truncates long keys', alteringKeys((key) => key.slice(0, 128)), 'set keeps keys apart that differ in case'],
    [
      'keeps its keys in a plain object',
      (() => {
        const values: Record<string, string> = {};
        return {
          open: () => ({ get: (key) => values[key], set: (key, value) => Object.assign(values, { [key]: value }) }),
        };
      })(),
      'set treats __proto__ like any other key',
    ],
  ])('fails a store that %s', async (_, store, check) => {
    const names = await namesOfFailedChecks(store);
    expect(names.filter((name) => name.startsWith(check))).toHaveLength(1);
  });
});
