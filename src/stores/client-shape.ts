import { AuditConfigError } from '../errors.ts';

/** The message never shows the value, which can be a connection string with a password. */
export const unknownClientError = (owner: string, client: unknown, expected: string): AuditConfigError =>
  new AuditConfigError(`${owner} does not know the client that it received (${kindOf(client)}). Pass ${expected}.`);

const kindOf = (value: unknown): string => {
  if (typeof value === 'object' && value !== null) return 'an object without the methods that the store calls';
  return `a value of type ${value === null ? 'null' : typeof value}`;
};
