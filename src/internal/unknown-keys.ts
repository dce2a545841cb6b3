import * as z from 'zod';
import { nearest } from './nearest.ts';
import { printable } from './printable.ts';

/** An object that was never meant as options may have hundreds of keys. */
const maxNamedKeys = 5;
const maxKeyLength = 60;

/** Turns an issue of a strict schema into one issue for each unknown key, which names the option that was probably meant. */
export const explainUnknownKeys = (
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
): readonly { readonly path: readonly PropertyKey[]; readonly message: string }[] => {
  if (issue.code !== 'unrecognized_keys') return [issue];
  const known = knownKeys(schema, issue.path);
  const unknown = issue.keys.slice(0, maxNamedKeys).map((key) => {
    const suggestion = nearest(key, known);
    const message =
      suggestion === undefined ? `is no option (the options are ${known.join(', ')})` : `did you mean ${suggestion}?`;
    return { path: [...issue.path, printable(key.slice(0, maxKeyLength))], message };
  });
  const left = issue.keys.length - unknown.length;
  return left === 0 ? unknown : [...unknown, { path: issue.path, message: `${left} more unknown options` }];
};

/** The keys of the object at a path of the schema. */
const knownKeys = (schema: unknown, path: readonly PropertyKey[]): readonly string[] => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodReadonly) {
    return knownKeys(schema.unwrap(), path);
  }
  if (!(schema instanceof z.ZodObject)) return [];
  const [key, ...rest] = path;
  return key === undefined ? Object.keys(schema.shape) : knownKeys(schema.shape[String(key)], rest);
};
