import { CursorStoreError, PlanetScaleAuditError } from '../errors.ts';
import { excerpt } from '../internal/excerpt.ts';
import { errorCode, errorMessage, errorName } from '../internal/foreign-error.ts';
import type { Promisable } from '../internal/types.ts';
import { unknownAnswerError } from './client-shape.ts';
import type { AtomicCursorStore } from './cursor-store.ts';

/** The statements of one database. Each may throw whatever the user's client throws. */
export interface DatabaseCommands {
  /** Resolves with what the database has under the key, or with undefined if it has nothing. */
  load(key: string): Promisable<{ readonly value: unknown } | undefined>;
  save(key: string, value: string): Promisable<unknown>;
  /** Saves the first value of a key. Resolves with false if the key has one. */
  insert(key: string, value: string): Promisable<boolean>;
  /** Resolves with false if the key does not hold `expected`. */
  replace(key: string, expected: string, next: string): Promisable<boolean>;
}

/** What an operator can do about one kind of error. */
export interface FailureHint {
  /** Matches the code of the error, a space, and its message. */
  readonly pattern: RegExp;
  readonly advice: string;
  /** Whether the same call may succeed later although nobody has changed anything. */
  readonly retryable: boolean;
}

export interface FailureHints {
  /** The function that made the store. */
  readonly owner: string;
  /** The clients that the store knows, as a message names them. */
  readonly clients: string;
  /** The advice if the database has something other than a text under the key. */
  readonly unreadable: string;
  /** The first that matches counts. */
  readonly hints: readonly FailureHint[];
  /** The advice for all other errors. They may pass. */
  readonly otherwise: string;
}

/** Returns a store that runs these commands, and turns every error of the user's client into one that says what to do. */
export function databaseCursorStore(commands: DatabaseCommands, failures: FailureHints): AtomicCursorStore {
  const attempt = async <Result>(
    action: 'read' | 'save',
    key: string,
    operation: () => Promisable<Result>,
  ): Promise<Result> => {
    try {
      return await operation();
    } catch (error) {
      if (error instanceof PlanetScaleAuditError) throw error;
      throw storeError(action, key, error, failures);
    }
  };
  return {
    get: (key) => attempt('read', key, async () => textOf(await commands.load(key), key, failures)),
    set: (key, value) => attempt('save', key, () => commands.save(key, value)),
    compareAndSet: (key, expected, next) =>
      attempt('save', key, () =>
        expected === null ? commands.insert(key, next) : commands.replace(key, expected, next),
      ),
  };
}

const textOf = (
  found: { readonly value: unknown } | undefined,
  key: string,
  { owner, unreadable }: FailureHints,
): string | null => {
  if (!found) return null;
  const { value } = found;
  if (typeof value === 'string') return value;
  throw new CursorStoreError(
    `${owner} received no text under "${excerpt(key)}" (a value of type ${value === null ? 'null' : typeof value}). ${unreadable}`,
    { key },
  );
};

/** The advice of the stores in tables for a value that is no text. */
export const unreadableColumn =
  'Configure the client to return rows as objects, and give the table the columns of cursorTableDdl().';

/** Returns the column `value` of the first row. A row without it is no missing row: the client may rename columns. */
export const valueIn = (row: unknown): { readonly value: unknown } | undefined =>
  row === undefined ? undefined : { value: Reflect.get(Object(row), 'value') };

const storeError = (
  action: 'read' | 'save',
  key: string,
  error: unknown,
  { owner, clients, hints, otherwise }: FailureHints,
): PlanetScaleAuditError => {
  const code = errorCode(error) ?? '';
  const message = errorMessage(error) || code; // The error of a connection to several addresses has no message.
  const hint = hints.find(({ pattern }) => pattern.test(`${code} ${message}`));
  if (!hint && errorName(error) === 'TypeError') return unknownAnswerError(owner, clients); // The client lacks a method.
  return new CursorStoreError(
    `${owner} could not ${action} "${excerpt(key)}" (${excerpt(message)}). ${hint?.advice ?? otherwise}`,
    { key, retryable: hint?.retryable ?? true, cause: error },
  );
};
