import { AuditConfigError } from '../errors.ts';

/** Whether a value of any type has a method of this name. */
export const hasMethod = <Name extends string>(
  value: unknown,
  name: Name,
): value is { readonly [Key in Name]: (...args: never[]) => unknown } =>
  ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
  typeof Reflect.get(value, name) === 'function';

/** The message never shows the value, which can be a connection string with a password. */
export const unknownClientError = (owner: string, client: unknown, expected: string): AuditConfigError =>
  new AuditConfigError(`${owner} does not know the client that it received (${kindOf(client)}). Pass ${expected}.`);

const kindOf = (value: unknown): string => {
  if (typeof value === 'object' && value !== null) return 'an object without the methods that the store calls';
  return `a value of type ${value === null ? 'null' : typeof value}`;
};
