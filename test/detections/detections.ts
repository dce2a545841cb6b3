import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { root } from '../support/programs.ts';

export const folder = join(root, 'examples/detections');

const texts = z.array(z.string().min(1)).min(1);

/** The fields of a detection of RunReveal. Source: https://docs.runreveal.com/detections/detection-as-code */
const detectionSchema = z.strictObject({
  name: z.string(),
  displayName: z.string(),
  description: z.string(),
  file: z.string(),
  categories: texts,
  mitreAttacks: texts.optional(),
  mitreTechniques: texts.optional(),
  severity: z.enum(['Low', 'Medium', 'High', 'Critical']),
  riskScore: z.int().min(0).max(100),
  schedule: z.string(),
  parameters: z
    .record(z.string(), z.string())
    .refine((parameters) => Object.keys(parameters).length > 0)
    .optional(),
  falsepositives: texts,
  notes: z.string(),
  sourceTypes: z.tuple([z.literal('planetscale')]),
});

/** A field of the raw log, without a modifier of Sigma. */
const fieldSchema = z.string().regex(/^[a-z_]+$/);
/** A text without the wildcards of Sigma. */
const textSchema = z.string().regex(/^[^*?\\]+$/);

/**
 * The fields of a Sigma rule, with the four that RunReveal adds.
 *
 * Source: https://github.com/SigmaHQ/sigma-specification/blob/ba9251a/json-schema/sigma-detection-rule-schema.json
 */
const sigmaSchema = z.strictObject({
  title: z.string().max(256),
  id: z.uuidv4(),
  status: z.enum(['stable', 'test', 'experimental', 'deprecated', 'unsupported']),
  description: z.string().max(65_535),
  references: z.array(z.url()).min(1),
  author: z.string(),
  date: z.iso.date(),
  tags: z
    .array(z.string().regex(/^[a-z0-9_-]+\.[a-z0-9._-]+$/))
    .min(1)
    .optional(),
  logsource: z.strictObject({ product: z.literal('planetscale'), service: z.literal('audit') }),
  detection: z.strictObject({
    selection: z.record(fieldSchema, z.union([textSchema, z.array(textSchema).min(2)])),
    condition: z.literal('selection'),
  }),
  falsepositives: z.array(z.string().min(2)).min(1),
  level: z.enum(['informational', 'low', 'medium', 'high', 'critical']),
  sourcetypes: z.tuple([z.literal('planetscale')]),
  riskscore: z.int(),
  mitreAttacks: texts.optional(),
  mitreTechniques: texts.optional(),
});

export type Detection = z.infer<typeof detectionSchema> & { readonly sql: string };
export type SigmaRule = z.infer<typeof sigmaSchema>;

const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
const namesIn = (path: string, ending: string): string[] =>
  readdirSync(join(folder, path))
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length))
    .sort();

export const sqlNames = namesIn('', '.sql');
export const yamlNames = namesIn('', '.yaml');
export const sigmaNames = namesIn('sigma', '.yml');

export const detections: readonly Detection[] = yamlNames.map((name) => ({
  ...detectionSchema.parse(parse(read(`${name}.yaml`))),
  sql: read(`${name}.sql`),
}));

export const sigmaRules: ReadonlyMap<string, SigmaRule> = new Map(
  sigmaNames.map((name) => [name, sigmaSchema.parse(parse(read(`sigma/${name}.yml`)))]),
);

/** The detections that look at one event alone return the whole row of each event that they find. */
export const looksAtOneEvent = ({ sql }: Detection): boolean => sql.startsWith('SELECT *\n');
