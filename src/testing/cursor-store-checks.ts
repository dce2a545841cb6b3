import type { Promisable } from 'type-fest';
import { type EventRef, encodeState, maxSeen } from '../poller/state.ts';
import type { CursorStore } from '../stores/cursor-store.ts';

/** A store to check, and what can be done to it. */
export interface CursorStoreUnderTest {
  /** Gives a handle: each on the same backend, as so many processes would have. */
  open(): Promisable<CursorStore>;
  /**
   * The store has `compareAndSet`.
   *
   * @default false
   */
  readonly compareAndSet?: boolean;
  /** Spoils what is stored under the key, as a broken disk would. Left out, nothing is checked about it. */
  corrupt?(key: string): Promisable<void>;
  /** Makes the backend fail; the answer repairs it. Left out, nothing is checked about it. */
  breakBackend?(): Promisable<() => Promisable<void>>;
}

/** One promise of a store. `run` rejects with an `Error` that says what the store did instead. */
export interface CursorStoreCheck {
  readonly name: string;
  run(): Promise<void>;
}

/**
 * What a poller needs of its {@link CursorStore}, each need a check for the test runner at hand. Needs no runner of its own.
 * Checks of what the store does not claim are not listed.
 *
 * The keys are new ones at each run, so that the backend may hold other things; what was saved stays there. However the checks
 * are started, they run one after another, since some break the backend that all share.
 *
 * They ask for no more than pollers do. Every text begins with `v1:`, as all that a poller saves: a store may parse or refuse
 * others. None holds NUL or half of a surrogate pair, which a poller only writes escaped. Keys are up to 210 characters long, and a
 * store may take `/`, `\` and `:` for the same character. That a backend keeps what it has confirmed over a power cut, and that
 * `compareAndSet` is one step between machines, no check can show.
 *
 * @example
 * ```ts
 * import { memoryCursorStore } from 'planetscale-audit';
 * import { cursorStoreChecks } from 'planetscale-audit/testing';
 * import { test } from 'vitest';
 *
 * const store = memoryCursorStore();
 * for (const check of cursorStoreChecks({ open: () => store, compareAndSet: true })) test(check.name, check.run);
 * ```
 */
export function cursorStoreChecks(store: CursorStoreUnderTest): readonly CursorStoreCheck[] {
  const open = store.open.bind(store);
  const corrupt = store.corrupt?.bind(store);
  const breakBackend = store.breakBackend?.bind(store);
  const { compareAndSet = false } = store;
  return inTurn([
    ...valueChecks(open),
    ...keyChecks(open),
    ...(compareAndSet ? compareAndSetChecks(open) : []),
    ...(corrupt ? corruptionChecks(open, compareAndSet, corrupt) : []),
    ...(breakBackend ? failureChecks(open, compareAndSet, breakBackend) : []),
  ]);
}

type Open = () => Promisable<CursorStore>;

const inTurn = (checks: readonly CursorStoreCheck[]): CursorStoreCheck[] => {
  let last: Promise<unknown> = Promise.resolve();
  return checks.map(({ name, run }) => ({
    name,
    run() {
      const done = last.then(run);
      last = done.catch(() => {}); // The runner gets it.
      return done;
    },
  }));
};

const newKey = (): string => `cursor-store-checks:${crypto.randomUUID()}`;

const one = 'v1:{"saved":"first"}';
const two = 'v1:{"saved":"second"}';
const three = 'v1:{"saved":"third"}';

const longestState = (): string => {
  const mark = (index: number): EventRef => [`event${String(index).padStart(7, '0')}`, '2026-11-01T00:00:00.000Z'];
  const marks = Array.from({ length: maxSeen }, (_, index) => mark(index));
  return encodeState({
    scope: { organization: 'acme', actions: ['branch.created', 'database.deleted'] },
    anchors: marks.slice(0, 10),
    seen: marks,
    start: '2026-11-01T00:00:00.000Z',
    pendingSince: '2026-10-31T23:50:00.000Z',
    lastScanStartedAt: '2026-11-01T00:00:00.000Z',
  });
};

const texts = (): (readonly [kind: string, text: string])[] => [
  ["a poller's longest state", longestState()],
  ['JSON, to the byte', 'v1:{"b":1.0,"a":[1e3,null,true, ""],"b":12345678901234567890}'],
  ['digits', 'v1:007'],
  ['nothing but the version', 'v1:'],
  ['quotes, backslashes and what databases and templates read', 'v1:"\'`\\ \\n \\u0000 %s %00 $1 #{a} {{a}} <a> & ;--'],
  ['white space within and at the end', 'v1: two  words,\t\r\n\n two lines \n'],
  ['every script, not normalized', 'v1:é e\u0301 ǆ ﬁ Ω Ω 漢字 עברית \u2028\u2029\ufeff\u200d💥👩‍👩‍👧'],
  ['a megabyte', `v1:${'0123456789abcdef'.repeat(2 ** 16)}`],
];

const valueChecks = (open: Open): CursorStoreCheck[] => [
  {
    name: 'get gives undefined or null for a key that was never saved',
    async run() {
      const store = await open();
      await expectNothing(store, newKey());
    },
  },
  ...texts().map(([kind, text]) => ({
    name: `get gives back what was saved: ${kind}`,
    async run() {
      const [store, key] = [await open(), newKey()];
      await store.set(key, text);
      await expectText(store, key, text);
    },
  })),
  {
    name: 'a save replaces the one before, longer or shorter',
    async run() {
      const [store, key] = [await open(), newKey()];
      for (const text of [one, `${two}${' '.repeat(10_000)}`, three]) {
        await store.set(key, text);
        await expectText(store, key, text);
      }
    },
  },
  {
    name: 'a handle sees what was saved through another',
    async run() {
      const [store, other, key] = [await open(), await open(), newKey()];
      await store.set(key, one);
      await expectText(other, key, one);
      await other.set(key, two);
      await expectText(store, key, two);
      await expectText(await open(), key, two);
    },
  },
];

/** Keys that a careless store takes for one another. */
const neighbours = (): string[] => {
  const prefix = newKey();
  const long = 'x'.repeat(150);
  const names = ['acme', 'Acme', 'ACME', 'acmé', 'acme2', 'acme-2', 'acme_2', 'acme.2', 'acme 2', 'acme%202', 'acme*'];
  return [...names, 'a/b', 'a/c', 'c\\d', '💥', '💦', `${long}y`, `${long}z`].map((name) => `${prefix}:${name}`);
};

const keptApart = async (
  store: CursorStore,
  save: (key: string, text: string) => Promisable<unknown>,
): Promise<void> => {
  const keys = neighbours();
  const textOf = (key: string) => `v1:${JSON.stringify({ key })}`;
  for (const key of keys) {
    await expectNothing(store, key);
    await save(key, textOf(key));
  }
  for (const key of keys) await expectText(store, key, textOf(key));
};

const keyChecks = (open: Open): CursorStoreCheck[] => [
  {
    name: 'keys that differ in case, accents, punctuation or their last character are kept apart',
    async run() {
      const store = await open();
      await keptApart(store, (key, text) => store.set(key, text));
    },
  },
  {
    name: 'the key __proto__ is one like any other',
    async run() {
      const store = await open();
      await store.set('__proto__', one);
      await expectText(store, '__proto__', one);
    },
  },
];

const racers = 50;
const rounds = 5;

const compareAndSetChecks = (open: Open): CursorStoreCheck[] => [
  {
    name: 'compareAndSet that expects nothing saves only while nothing is stored',
    async run() {
      const [store, key] = [await open(), newKey()];
      await expectSaved(store, key, null, one);
      await expectRefused(store, key, null, two);
      await expectText(store, key, one);
    },
  },
  {
    name: 'compareAndSet saves while the expected value is stored, whoever has saved it',
    async run() {
      const [store, other, key] = [await open(), await open(), newKey()];
      await store.set(key, one);
      await expectSaved(other, key, one, two);
      await expectText(store, key, two);
      await expectSaved(store, key, two, three);
      await expectText(other, key, three);
    },
  },
  {
    name: 'compareAndSet leaves another value than the expected one as it is',
    async run() {
      const [store, key] = [await open(), newKey()];
      await store.set(key, one);
      await expectRefused(store, key, two, three);
      await expectText(store, key, one);
    },
  },
  {
    name: 'compareAndSet that expects a value saves nothing where nothing is stored',
    async run() {
      const [store, key] = [await open(), newKey()];
      await expectRefused(store, key, one, two);
      await expectNothing(store, key);
    },
  },
  ...texts().map(([kind, text]) => ({
    name: `compareAndSet saves, and compares to the last character: ${kind}`,
    async run() {
      const [store, key] = [await open(), newKey()];
      await expectSaved(store, key, null, text);
      await expectText(store, key, text);
      await expectRefused(store, key, `${text}.`, two);
      await expectSaved(store, key, text, two);
      await expectText(store, key, two);
    },
  })),
  {
    name: 'compareAndSet keeps the same keys apart as set does',
    async run() {
      const store = await open();
      await keptApart(store, (key, text) => expectSaved(store, key, null, text));
    },
  },
  {
    name: `of ${racers} racers on compareAndSet exactly one wins, round after round`,
    async run() {
      const key = newKey();
      const handles = await Promise.all(Array.from({ length: racers }, () => open()));
      let current: string | null = null;
      for (let round = 0; round < rounds; round++) {
        current = await race(handles, key, current);
        await expectText(await open(), key, current);
      }
    },
  },
];

/** Gives what the winner has saved. */
const race = async (handles: readonly CursorStore[], key: string, expected: string | null): Promise<string> => {
  const attempts = await Promise.all(
    handles.map(async (store) => {
      const next = `v1:${JSON.stringify({ racer: crypto.randomUUID() })}`;
      return { next, hasWon: await compareAndSet(store, key, expected, next) };
    }),
  );
  const [winner, ...others] = attempts.filter(({ hasWon }) => hasWon);
  if (!winner || others.length > 0) {
    throw new Error(
      `Of ${handles.length} calls of compareAndSet that expected ${shown(expected)} at the same time, ${winner ? others.length + 1 : 0} gave true: it must be exactly one.`,
    );
  }
  return winner.next;
};

const corruptionChecks = (
  open: Open,
  compares: boolean,
  corrupt: NonNullable<CursorStoreUnderTest['corrupt']>,
): CursorStoreCheck[] => [
  {
    name: 'what was spoilt is an error or an earlier value, and never nothing',
    async run() {
      const [store, key] = [await open(), newKey()];
      await store.set(key, one);
      await store.set(key, two);
      await corrupt(key);
      for (const handle of [store, await open()]) {
        const outcome = await outcomeOf(() => handle.get(key));
        if ('error' in outcome || outcome.value === one || outcome.value === two) continue;
        throw new Error(
          `After what is stored was spoilt, get gave ${shown(outcome.value)}: it must throw, or give a value that was saved. A poller that finds nothing starts anew.`,
        );
      }
      if (!compares) return;
      const outcome = await outcomeOf(() => compareAndSet(store, key, null, three));
      if ('error' in outcome || !outcome.value) return;
      throw new Error('After what is stored was spoilt, compareAndSet saved as though nothing had been stored.');
    },
  },
];

const failureChecks = (
  open: Open,
  compares: boolean,
  breakBackend: NonNullable<CursorStoreUnderTest['breakBackend']>,
): CursorStoreCheck[] => {
  const check = (
    call: string,
    operation: (store: CursorStore, saved: string, missing: string) => Promisable<unknown>,
  ): CursorStoreCheck => ({
    name: `${call} throws while the backend fails, and nothing has changed afterwards`,
    async run() {
      const [store, saved, missing] = [await open(), newKey(), newKey()];
      await store.set(saved, one);
      const repair = await breakBackend();
      try {
        const outcome = await outcomeOf(() => operation(store, saved, missing));
        if ('value' in outcome) {
          throw new Error(
            `While the backend failed, ${call} gave ${shown(outcome.value)}: it must throw. A poller would take it for an answer.`,
          );
        }
      } finally {
        await repair();
      }
      for (const repaired of [store, await open()]) {
        await expectText(repaired, saved, one);
        await expectNothing(repaired, missing);
      }
    },
  });
  return [
    check('get of a saved key', (store, saved) => store.get(saved)),
    check('get of a missing key', (store, _, missing) => store.get(missing)),
    check('set', (store, saved) => store.set(saved, two)),
    ...(compares
      ? [
          check('compareAndSet of a saved key', (store, saved) => compareAndSet(store, saved, one, two)),
          check('compareAndSet of a missing key', (store, _, missing) => compareAndSet(store, missing, null, two)),
        ]
      : []),
  ];
};

const compareAndSet = (store: CursorStore, key: string, expected: string | null, next: string): Promisable<boolean> => {
  if (!store.compareAndSet) throw new Error('open() gave a store without compareAndSet, which it was said to have.');
  return store.compareAndSet(key, expected, next);
};

const outcomeOf = async <Value>(
  operation: () => Promisable<Value>,
): Promise<{ readonly value: Value } | { readonly error: unknown }> => {
  try {
    return { value: await operation() };
  } catch (error) {
    return { error };
  }
};

const expectText = async (store: CursorStore, key: string, text: string): Promise<void> => {
  const found: unknown = await store.get(key);
  if (found === text) return;
  throw new Error(
    `get(${shown(key)}) gave ${shown(found)}, and ${shown(text)} was saved: it must be given back as it was.`,
  );
};

const expectNothing = async (store: CursorStore, key: string): Promise<void> => {
  const found: unknown = await store.get(key);
  if (found === undefined || found === null) return;
  throw new Error(`get(${shown(key)}) gave ${shown(found)}, and nothing was saved: it must give undefined or null.`);
};

const expectSaved = (store: CursorStore, key: string, expected: string | null, next: string): Promise<void> =>
  expectAnswer(true, store, key, expected, next);

const expectRefused = (store: CursorStore, key: string, expected: string | null, next: string): Promise<void> =>
  expectAnswer(false, store, key, expected, next);

const expectAnswer = async (
  wanted: boolean,
  store: CursorStore,
  key: string,
  expected: string | null,
  next: string,
): Promise<void> => {
  const answer: unknown = await compareAndSet(store, key, expected, next);
  if (answer === wanted) return;
  throw new Error(
    `compareAndSet that expected ${shown(expected)} gave ${shown(answer)}, and ${shown(await store.get(key))} is stored now: it must have given ${wanted}.`,
  );
};

const shownAtMost = 80;

const shown = (value: unknown): string => {
  if (typeof value !== 'string') return value instanceof Error ? `an error as its value (${value})` : String(value);
  if (value.length <= shownAtMost) return JSON.stringify(value);
  return `${JSON.stringify(value.slice(0, shownAtMost))}… (${value.length} characters)`;
};
