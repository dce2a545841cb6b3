import type * as z from 'zod';
import { AuditConfigError } from '../errors.ts';

/**
 * A value checked by its schema, with the schema's defaults.
 *
 * @throws AuditConfigError that names each wrong option. No value is in the message: it may be a credential.
 */
export function parseOptions<Schema extends z.ZodType>(schema: Schema, value: unknown, of: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
  throw new AuditConfigError(`${of}: ${problems.join('; ')}.`);
}
