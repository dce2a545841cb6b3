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

/** Each check is a test, as in a user's suite. */
const isPassedBy = (name: string, store: CursorStoreUnderTest): void => {
  describe(`${name} passes`, () => {
    for (const check of cursorStoreChecks(store)) test(check.name, check.run);
  });
};

const memory = memoryCursorStore();
isPassedBy('memoryCursorStore()', { open: () => memory, compareAndSet: true });

const map = new BreakableMap();
isPassedBy('new Map()', { open: () => map, breakBackend: () => map.break() });

const keyvBackend = new BreakableMap();
isPassedBy('Keyv with throwOnErrors', {
  open: () => new Keyv({ store: keyvBackend, throwOnErrors: true }),
  breakBackend: () => keyvBackend.break(),
});

const storage = createStorage<string>();
isPassedBy('unstorage in memory', { open: () => storage });

const base = await mkdtemp(join(tmpdir(), 'unstorage-'));
afterAll(() => rm(base, { recursive: true }));
isPassedBy('unstorage in files', { open: () => createStorage<string>({ driver: fsDriver({ base }) }) });

test('checks that are started all at once run one after another', async () => {
  const backend = new BreakableMap();
  const checks = cursorStoreChecks({ open: () => backend, breakBackend: () => backend.break() });
  await Promise.all(checks.map((check) => check.run()));
  await Promise.all(checks.map((check) => check.run()));
});

test('what a store does not claim is not listed', () => {
  const names = (store: Partial<CursorStoreUnderTest>) =>
    cursorStoreChecks({ open: memoryCursorStore, ...store }).map(({ name }) => name);
  expect(names({}).filter((name) => /compareAndSet|spoilt|fails/.test(name))).toEqual([]);
  expect(names({ compareAndSet: true }).filter((name) => name.includes('compareAndSet'))).toHaveLength(14);
  expect(names({ corrupt: () => {} }).filter((name) => name.includes('spoilt'))).toHaveLength(1);
  expect(names({ breakBackend: () => () => {} }).filter((name) => name.includes('fails'))).toHaveLength(3);
});

describe('a store that is wrong fails a check:', () => {
  const pause = () => new Promise<void>((resolve) => setImmediate(resolve));

  const wasSaved = (value: string | undefined): boolean => value === undefined || value.startsWith('v1:');

  /** A right store over a backend, but for what is wrong with it. */
  const wrong = (make: (backend: BreakableMap) => Partial<CursorStore>): CursorStoreUnderTest => {
    const backend = new BreakableMap();
    const right = {
      get(key: string) {
        const value = backend.get(key);
        if (!wasSaved(value)) throw new Error(`${key} is spoilt`);
        return value;
      },
      set: (key: string, value: string) => backend.set(key, value),
      compareAndSet(key: string, expected: string | null, next: string) {
        if ((right.get(key) ?? null) !== expected) return false;
        backend.set(key, next);
        return true;
      },
    };
    return {
      open: () => ({ ...right, ...make(backend) }),
      compareAndSet: true,
      corrupt: (key) => void backend.set(key, '\0\0\0\0'),
      breakBackend: () => backend.break(),
    };
  };
  const changing = (change: (value: string) => string) =>
    wrong((backend) => ({ set: (key, value) => backend.set(key, change(value)) }));
  const changingWhatIsCompared = (compared: (text: string) => unknown, saved = (text: string) => text) =>
    wrong((backend) => ({
      compareAndSet: (key, expected, next) => {
        const value = backend.get(key);
        if (value === undefined ? expected !== null : compared(value) !== compared(expected ?? '')) return false;
        backend.set(key, saved(next));
        return true;
      },
    }));
  const withKeys = (change: (key: string) => string) =>
    wrong((backend) => ({
      get: (key) => backend.get(change(key)),
      set: (key, value) => backend.set(change(key), value),
    }));

  const failed = async (store: CursorStoreUnderTest): Promise<string[]> => {
    const names: string[] = [];
    for (const { name, run } of cursorStoreChecks(store)) {
      await run().catch((error: unknown) => {
        expect(error).toBeInstanceOf(Error);
        names.push(name);
      });
    }
    return names;
  };

  test('one that is right fails none', async () => {
    expect(await failed(wrong(() => ({})))).toEqual([]);
  });

  test.each<readonly [what: string, store: CursorStoreUnderTest, check: string]>([
    [
      'swallows errors and answers nothing',
      wrong((backend) => ({
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
      'swallows the errors of its saves',
      wrong((backend) => ({
        set: async (key, value) => {
          await Promise.resolve()
            .then(() => backend.set(key, value))
            .catch(() => {});
        },
      })),
      'set throws while the backend fails',
    ],
    [
      'gives a failure for a conflict',
      wrong((backend) => ({
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
      'does later what has failed',
      wrong((backend) => {
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
      'set throws while the backend fails, and nothing has changed afterwards',
    ],
    [
      'gives what is spoilt',
      wrong((backend) => ({ get: (key) => backend.get(key) })),
      'what was spoilt is an error or an earlier value',
    ],
    [
      'takes what is spoilt for missing',
      wrong((backend) => ({
        get: (key) => {
          const value = backend.get(key);
          return wasSaved(value) ? value : undefined;
        },
      })),
      'what was spoilt is an error or an earlier value',
    ],
    [
      'saves over what is spoilt as though nothing had been there',
      wrong((backend) => ({
        compareAndSet: (key, expected, next) => {
          const value = backend.get(key);
          if ((wasSaved(value) ? (value ?? null) : null) !== expected) return false;
          backend.set(key, next);
          return true;
        },
      })),
      'what was spoilt is an error or an earlier value',
    ],
    [
      'always says that it has saved',
      wrong((backend) => ({
        compareAndSet: (key, _, next) => {
          backend.set(key, next);
          return true;
        },
      })),
      'compareAndSet that expects nothing saves only while nothing is stored',
    ],
    [
      'says that it has saved where it has not',
      wrong((backend) => ({
        compareAndSet: (key, expected, next) => {
          if ((backend.get(key) ?? null) === expected) backend.set(key, next);
          return true;
        },
      })),
      'compareAndSet leaves another value than the expected one as it is',
    ],
    [
      'takes whatever is stored where nothing is expected',
      wrong((backend) => ({
        compareAndSet: (key, expected, next) => {
          if (expected !== null && backend.get(key) !== expected) return false;
          backend.set(key, next);
          return true;
        },
      })),
      'compareAndSet that expects nothing saves only while nothing is stored',
    ],
    [
      'saves nothing at first, as an UPDATE without a row',
      wrong((backend) => ({
        compareAndSet: (key, expected, next) => {
          if (expected === null || backend.get(key) !== expected) return false;
          backend.set(key, next);
          return true;
        },
      })),
      'compareAndSet that expects nothing saves only while nothing is stored',
    ],
    [
      'compares and saves in two steps',
      wrong((backend) => ({
        compareAndSet: async (key, expected, next) => {
          const value = backend.get(key) ?? null;
          await pause();
          if (value !== expected) return false;
          backend.set(key, next);
          return true;
        },
      })),
      'of 50 racers on compareAndSet exactly one wins',
    ],
    [
      'lacks the compareAndSet that it claims',
      { open: () => new Map<string, string>(), compareAndSet: true },
      'compareAndSet that expects nothing saves only while nothing is stored',
    ],
    [
      'cuts off what compareAndSet saves',
      changingWhatIsCompared(
        (text) => text,
        (text) => text.slice(0, 255),
      ),
      "compareAndSet saves, and compares to the last character: a poller's longest state",
    ],
    [
      'trims what compareAndSet saves',
      changingWhatIsCompared(
        (text) => text,
        (text) => text.trimEnd(),
      ),
      'compareAndSet saves, and compares to the last character: white space',
    ],
    [
      'compares the beginning alone',
      changingWhatIsCompared((text) => text.slice(0, 60)),
      "compareAndSet saves, and compares to the last character: a poller's longest state",
    ],
    [
      'never finds a long text equal',
      changingWhatIsCompared((text) => (text.length > 8192 ? Number.NaN : text)),
      "compareAndSet saves, and compares to the last character: a poller's longest state",
    ],
    [
      'ignores the case of keys in compareAndSet',
      wrong((backend) => ({
        compareAndSet: (key, expected, next) => {
          const others = [...backend.keys()].filter((other) => other.toLowerCase() === key.toLowerCase());
          if ((backend.get(others[0] ?? key) ?? null) !== expected) return false;
          backend.set(key, next);
          return true;
        },
      })),
      'compareAndSet keeps the same keys apart as set does',
    ],
    ['trims', changing((value) => value.trim()), 'get gives back what was saved: white space'],
    ['normalizes Unicode', changing((value) => value.normalize()), 'get gives back what was saved: every script'],
    [
      'has three bytes for a character',
      changing((value) => value.replace(/[\u{10000}-\u{10ffff}]/gu, '?')),
      'get gives back what was saved: every script',
    ],
    ['cuts off after 64 kB', changing((value) => value.slice(0, 65_535)), 'get gives back what was saved: a megabyte'],
    [
      'keeps the JSON and not its text',
      changing((value) => (value.startsWith('v1:{') ? `v1:${JSON.stringify(JSON.parse(value.slice(3)))}` : value)),
      'get gives back what was saved: JSON, to the byte',
    ],
    [
      'keeps numbers and not their text',
      changing((value) => (/^v1:\d+$/.test(value) ? `v1:${Number(value.slice(3))}` : value)),
      'get gives back what was saved: digits',
    ],
    [
      'overwrites in place',
      wrong((backend) => ({
        set: (key, value) => backend.set(key, value + (backend.get(key) ?? '').slice(value.length)),
      })),
      'a save replaces the one before, longer or shorter',
    ],
    [
      'keeps the first save',
      wrong((backend) => ({ set: (key, value) => backend.get(key) ?? backend.set(key, value) })),
      'a save replaces',
    ],
    ['loses what it is given', wrong(() => ({ set: () => {} })), 'get gives back what was saved: digits'],
    [
      'has a cache of its own in each handle',
      wrong((backend) => {
        const cache = new Map<string, string>();
        return {
          get: (key) => cache.get(key) ?? backend.get(key),
          set: (key, value) => {
            cache.set(key, value);
            backend.set(key, value);
          },
        };
      }),
      'a handle sees what was saved through another',
    ],
    [
      'gives empty text for what is missing',
      wrong((backend) => ({ get: (key) => backend.get(key) ?? '' })),
      'get gives undefined or null for a key that was never saved',
    ],
    ['ignores the case of keys', withKeys((key) => key.toLowerCase()), 'keys that differ in case'],
    [
      'ignores accents in keys',
      withKeys((key) => key.normalize('NFD').replace(/\p{Mn}/gu, '')),
      'keys that differ in case',
    ],
    ['makes file names of keys carelessly', withKeys((key) => key.replace(/[^\w]/g, '_')), 'keys that differ in case'],
    ['cuts off long keys', withKeys((key) => key.slice(0, 128)), 'keys that differ in case'],
    [
      'keeps its keys in a plain object',
      (() => {
        const values: Record<string, string> = {};
        return {
          open: () => ({ get: (key) => values[key], set: (key, value) => Object.assign(values, { [key]: value }) }),
        };
      })(),
      'the key __proto__ is one like any other',
    ],
  ])('%s', async (_, store, check) => {
    const names = await failed(store);
    expect(names.filter((name) => name.startsWith(check))).toHaveLength(1);
  });
});
