import * as z from 'zod/mini';
import { unknownKeyIssues } from './known-keys.ts';

/** Turns an issue of a strict schema into one issue for each unknown key, which names the option that was probably meant. */
export const explainUnknownKeys = (
  issue: z.core.$ZodIssue,
  schema: z.ZodMiniType,
): readonly { readonly path: readonly PropertyKey[]; readonly message: string }[] => {
  if (issue.code !== 'unrecognized_keys') return [issue];
  return unknownKeyIssues(issue.keys, knownKeys(schema, issue.path)).map(({ path, message }) => ({
    path: path === '' ? issue.path : [...issue.path, path],
    message,
  }));
};

/** The keys of the object at a path of the schema. */
const knownKeys = (schema: unknown, path: readonly PropertyKey[]): readonly string[] => {
  if (
    schema instanceof z.ZodMiniOptional ||
    schema instanceof z.ZodMiniDefault ||
    schema instanceof z.ZodMiniReadonly
  ) {
    return knownKeys(schema.def.innerType, path);
  }
  if (!(schema instanceof z.ZodMiniObject)) return [];
  const [key, ...rest] = path;
  return key === undefined ? Object.keys(schema.shape) : knownKeys(schema.shape[String(key)], rest);
};
