import { AuditConfigError } from '../errors.ts';
import { hasMethod } from '../internal/has-method.ts';

/** The message never shows the value, which can be a connection string with a password. */
export const unknownClientError = (owner: string, client: unknown, expected: string): AuditConfigError =>
  new AuditConfigError(`${owner} does not know the client that it received (${kindOf(client)}). Pass ${expected}.`);

/** The client has the methods, and answers them in another form, as do wrappers of the expected clients. */
export const unknownAnswerError = (owner: string, expected: string): AuditConfigError =>
  new AuditConfigError(`${owner} does not know the form in which its client answers. Pass ${expected}.`);

const kindOf = (value: unknown): string => {
  if (hasMethod(value, 'then')) return 'a promise, which has to be awaited';
  if (typeof value === 'object' && value !== null) return 'an object without the methods that the store calls';
  return `a value of type ${value === null ? 'null' : typeof value}`;
};
