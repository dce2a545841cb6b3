import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import * as z from 'zod/mini';
import { ignoreNotFound } from '../stores/file/durable-file.ts';
import { UsageError } from './flags.ts';
import type { FormatName } from './formats.ts';
import type { Range } from './times.ts';

/** What the user asked for. A second call must ask for the same. */
export interface ExportRequest {
  readonly organization: string;
  readonly format: FormatName;
  readonly actions: readonly string[] | undefined;
  readonly since: string | undefined;
  readonly until: string | undefined;
}

const requestSchema = z.object({
  organization: z.string(),
  format: z.string(),
  actions: z.optional(z.array(z.string())),
  since: z.optional(z.string()),
  until: z.optional(z.string()),
});

const progressSchema = z.object({
  request: requestSchema,
  since: z.optional(z.iso.datetime()),
  until: z.optional(z.iso.datetime()),
  /** The last event of the last page, after which the next page begins; undefined before the first page. */
  cursor: z.optional(z.string()),
  /** The lengths of the two files after the last page. What follows is of a page that was not finished. */
  bytes: z.int(),
  idBytes: z.int(),
});

/** How far an export has come. */
export type ExportProgress = z.output<typeof progressSchema>;

/** The files of an unfinished export. */
export interface PartialFiles {
  readonly events: string;
  readonly ids: string;
  readonly progress: string;
  readonly lock: string;
}

export const partialFilesOf = (path: string): PartialFiles => ({
  events: `${path}.part`,
  ids: `${path}.part.ids`,
  progress: `${path}.part.json`,
  lock: `${path}.part.lock`,
});

export const newProgress = (request: ExportRequest, range: Range): ExportProgress => ({
  request: { ...request, actions: request.actions && [...request.actions] },
  since: range.since?.toISOString(),
  until: range.until?.toISOString(),
  bytes: 0,
  idBytes: 0,
});

/**
 * Returns how far an earlier call came, or undefined if this is the first.
 *
 * @throws UsageError if the files beside `path` are of another export, or of none
 */
export async function readProgress(path: string, request: ExportRequest): Promise<ExportProgress | undefined> {
  const files = partialFilesOf(path);
  const text = await ignoreNotFound(() => readFile(files.progress, 'utf8'));
  const length = await lengthOf(files.events);
  if (text === undefined) {
    if (length === undefined) return undefined;
    throw new UsageError(
      `--out: ${files.events} exists, and no export has written it. Choose another name, or remove the file.`,
    );
  }
  const progress = parseProgress(text);
  if (!progress || progress.bytes > (length ?? 0) || progress.idBytes > ((await lengthOf(files.ids)) ?? 0)) {
    throw new UsageError(`--out: ${files.events}* is damaged. Remove these files, and begin the export again.`);
  }
  if (JSON.stringify(progress.request) === JSON.stringify(requestSchema.parse(request))) return progress;
  throw new UsageError(
    `--out: another export to ${path} has begun (${describe(progress.request)}). Repeat its flags to continue it, or remove ${files.events}* to begin a new one.`,
  );
}

/** Saves how far an export has come. The whole text or none of it is there after a crash. */
export async function saveProgress({ progress: file }: PartialFiles, progress: ExportProgress): Promise<void> {
  const draft = `${file}.new`;
  await writeFile(draft, JSON.stringify(progress), { flush: true });
  await rename(draft, file);
}

/** Resolves with undefined if the file does not exist. */
export const lengthOf = async (path: string): Promise<number | undefined> =>
  (await ignoreNotFound(() => stat(path)))?.size;

const parseProgress = (text: string): ExportProgress | undefined => {
  try {
    return progressSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

/** Returns a request as the user wrote it. */
const describe = ({ organization, format, actions = [], since, until }: ExportProgress['request']): string =>
  [
    `organization ${organization}`,
    `--format ${format}`,
    ...actions.map((action) => `--action ${action}`),
    ...(since === undefined ? [] : [`--since ${since}`]),
    ...(until === undefined ? [] : [`--until ${until}`]),
  ].join(', ');
