import { AuditConfigError, CursorStoreError } from 'planetscale-audit';
import { expect } from 'vitest';
import { failure } from '../support/served.ts';

/** Resolves with the error of a call that a store makes. */
export const storeFailure = async (call: () => unknown): Promise<CursorStoreError> => {
  const error = await failure((async () => call())());
  if (!(error instanceof CursorStoreError)) throw error;
  return error;
};

export const configError = (call: () => unknown): AuditConfigError => {
  try {
    call();
  } catch (error) {
    if (error instanceof AuditConfigError) return error;
    throw error;
  }
  return expect.unreachable('the call should have thrown');
};

/** The type is that of a program in JavaScript, whose mistakes no compiler finds. */
export const untyped = (value: unknown): never => value as never;

/** What a user may pass in place of a client. */
export const unknownClients: readonly (readonly [kind: string, client: never])[] = [
  ['nothing', untyped(undefined)],
  ['null', untyped(null)],
  ['a connection string', untyped('postgres://user:secret@127.0.0.1')],
  ['the options of a client', untyped({ host: '127.0.0.1', password: 'secret' })],
  ['a class', untyped(class Client {})],
  ['a Map', untyped(new Map())],
];

/** What is no name of a table. */
export const badTables = [
  '',
  'a b',
  'a"b',
  'a`b',
  "a'; DROP TABLE b",
  '1a',
  'a.b.c',
  'a.',
  '.a',
  'ä',
  'a-b',
  'a'.repeat(64),
];
