import { AuditConfigError, type AuditIssue } from '../errors.ts';
import { excerpt } from './excerpt.ts';
import { formatIssues } from './issues.ts';
import { nearest } from './nearest.ts';

/** An object that was never meant as options, such as an event, may have many keys. */
const maxNamedKeys = 5;
const maxKeyLength = 60;

/**
 * Refuses an object with a key that its owner would ignore. A key that is undefined counts as left out.
 *
 * A number passes: `events.map(toRunRevealRow)` gives the function an index in place of its second argument.
 *
 * @param owner the function or object of the keys, for the message
 * @throws AuditConfigError that names the unknown keys and the nearest known ones, and holds no value
 */
export function checkKeys(owner: string, known: ReadonlySet<string>, value: unknown): void {
  if (typeof value === 'number') return;
  if (typeof value !== 'object' || value === null) {
    throw new AuditConfigError(`${owner}: the options must be an object.`);
  }
  // Read anew at each call: remembering checked objects in a WeakSet costs ten times as much if each call has its own object.
  for (const key in value) {
    if (!known.has(key) && Reflect.get(value, key) !== undefined) throw unknownKeysError(owner, known, value);
  }
}

const unknownKeysError = (owner: string, known: ReadonlySet<string>, value: object): AuditConfigError => {
  const unknown: string[] = [];
  for (const key in value) if (!known.has(key) && Reflect.get(value, key) !== undefined) unknown.push(key);
  const issues = unknownKeyIssues(unknown, [...known]);
  return new AuditConfigError(`${owner}: ${formatIssues(issues)}`.replace(/[^.?]$/, '$&.'));
};

/** Returns an issue for each unknown key, which names the key that was probably meant. */
export function unknownKeyIssues(unknown: readonly string[], known: readonly string[]): readonly AuditIssue[] {
  const named = unknown.slice(0, maxNamedKeys).map((key) => {
    const suggestion = nearest(key, known);
    return {
      path: excerpt(key, maxKeyLength),
      message: suggestion ? `did you mean ${suggestion}?` : `is no option (the options are ${known.join(', ')})`,
    };
  });
  const left = unknown.length - named.length;
  return left === 0 ? named : [...named, { path: '', message: `${left} more unknown options` }];
}
