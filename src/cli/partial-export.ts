import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as z from 'zod/mini';
import type { AuditEvent } from '../audit-log/event.ts';
import { ignoreNotFound, syncDirectory } from '../stores/file/durable-file.ts';
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

const progressSchema = z.object({
  /** The request as JSON. */
  request: z.string(),
  since: z.optional(z.iso.datetime()),
  until: z.optional(z.iso.datetime()),
  /** Where the next page begins; undefined before the first page. */
  cursor: z.optional(z.string()),
  isWhole: z.boolean(),
  /** The lengths of the two files after the last page. What follows is of a page that was not finished. */
  bytes: z.int(),
  idBytes: z.int(),
});

type Progress = z.output<typeof progressSchema>;

/**
 * A file that is written page by page, and gets its name at the end. Beside it are two files while it is written: one with the ids of
 * the events in it, and one that says how far the two are valid. A process that is killed at any moment leaves an export that the next
 * one continues, without a missing or a doubled event.
 */
export class PartialExport {
  readonly path: string;
  readonly actions: readonly string[] | undefined;
  readonly #events: FileHandle;
  readonly #ids: FileHandle;
  readonly #written: Set<string>;
  #progress: Progress;

  private constructor(
    path: string,
    actions: readonly string[] | undefined,
    files: { readonly events: FileHandle; readonly ids: FileHandle; readonly written: Set<string> },
    progress: Progress,
  ) {
    this.path = path;
    this.actions = actions;
    this.#events = files.events;
    this.#ids = files.ids;
    this.#written = files.written;
    this.#progress = progress;
  }

  /**
   * Begins an export, or opens the one that an earlier call with the same request has begun.
   *
   * @param range the times of a new export. One that has begun keeps its own
   * @throws UsageError if the file exists already, or an export with another request has begun
   */
  static async open(path: string, request: ExportRequest, range: Range): Promise<PartialExport> {
    if ((await lengthOf(path)) !== undefined)
      throw new UsageError(`--out: ${path} exists. Choose another name, or remove the file.`);
    const earlier = await readProgress(path, JSON.stringify(request));
    const progress: Progress = earlier ?? {
      request: JSON.stringify(request),
      since: range.since?.toISOString(),
      until: range.until?.toISOString(),
      isWhole: false,
      bytes: 0,
      idBytes: 0,
    };
    if (!earlier) await saveProgress(path, progress);
    const events = await openAt(partOf(path), progress.bytes);
    const ids = await openAt(idsOf(path), progress.idBytes);
    const written = new Set((await readFile(idsOf(path), 'utf8')).split('\n').filter(Boolean));
    return new PartialExport(path, request.actions, { events, ids, written }, progress);
  }

  get since(): Date | undefined {
    return dateOf(this.#progress.since);
  }

  get until(): Date | undefined {
    return dateOf(this.#progress.until);
  }

  /** Where the next page begins; undefined for the newest one. */
  get cursor(): string | undefined {
    return this.#progress.cursor;
  }

  /** Whether all pages are written. */
  get isWhole(): boolean {
    return this.#progress.isWhole;
  }

  /** The number of events in the file. */
  get count(): number {
    return this.#written.size;
  }

  holds(id: string): boolean {
    return this.#written.has(id);
  }

  /** Writes the events of one page. Once this resolves, an export that ends continues behind them. */
  async append(text: string, events: readonly AuditEvent[], nextCursor: string | null): Promise<void> {
    const ids = Buffer.from(events.map(({ id }) => `${id}\n`).join(''));
    const bytes = text === '' ? Buffer.alloc(0) : this.#encode(text);
    await writeAt(this.#events, bytes, this.#progress.bytes);
    await writeAt(this.#ids, ids, this.#progress.idBytes);
    this.#progress = {
      ...this.#progress,
      cursor: nextCursor ?? this.#progress.cursor,
      isWhole: nextCursor === null,
      bytes: this.#progress.bytes + bytes.length,
      idBytes: this.#progress.idBytes + ids.length,
    };
    await saveProgress(this.path, this.#progress);
    for (const { id } of events) this.#written.add(id);
  }

  /** Gives the file its name, and removes the other two. */
  async finish(): Promise<void> {
    await rename(partOf(this.path), this.path);
    await rm(progressOf(this.path), { force: true });
    await rm(idsOf(this.path), { force: true });
    await syncDirectory(dirname(this.path));
  }

  async close(): Promise<void> {
    await this.#events.close();
    await this.#ids.close();
  }

  /** Each page is a member of its own in a compressed file, so that the file can be cut between two pages. */
  #encode(text: string): Buffer {
    return this.path.endsWith('.gz') ? gzipSync(text) : Buffer.from(text);
  }
}

const partOf = (path: string): string => `${path}.part`;
const idsOf = (path: string): string => `${path}.part.ids`;
const progressOf = (path: string): string => `${path}.part.json`;

const dateOf = (text: string | undefined): Date | undefined => (text === undefined ? undefined : new Date(text));

/** Resolves with undefined if the file does not exist. */
const lengthOf = async (path: string): Promise<number | undefined> => (await ignoreNotFound(() => stat(path)))?.size;

/**
 * Returns how far an earlier call came, or undefined if this is the first.
 *
 * @throws UsageError if the files beside `path` are of another export, or of none
 */
const readProgress = async (path: string, request: string): Promise<Progress | undefined> => {
  const text = await ignoreNotFound(() => readFile(progressOf(path), 'utf8'));
  const eventsLength = await lengthOf(partOf(path));
  if (text === undefined) {
    if (eventsLength === undefined) return undefined;
    throw new UsageError(`--out: ${partOf(path)} is of no export. Choose another name, or remove the file.`);
  }
  const progress = parseProgress(text);
  const isIntact =
    progress && progress.bytes <= (eventsLength ?? 0) && progress.idBytes <= ((await lengthOf(idsOf(path))) ?? 0);
  if (!isIntact) {
    throw new UsageError(`--out: ${path}.part* is damaged. Remove these files, and begin the export again.`);
  }
  if (progress.request === request) return progress;
  throw new UsageError(
    `--out: another export to ${path} has begun (${progress.request}). Repeat its flags to continue, or remove ${path}.part* to begin a new one.`,
  );
};

const parseProgress = (text: string): Progress | undefined => {
  try {
    return progressSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

/** The whole text or none of it is there after a crash. */
const saveProgress = async (path: string, progress: Progress): Promise<void> => {
  const draft = `${progressOf(path)}.new`;
  await writeFile(draft, JSON.stringify(progress), { flush: true });
  await rename(draft, progressOf(path));
};

/** Opens a file, which may be missing, and cuts off what follows the length. */
const openAt = async (path: string, length: number): Promise<FileHandle> => {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT);
  await file.truncate(length);
  return file;
};

/** Writes at a position, and resolves once the bytes are on the disk. */
const writeAt = async (file: FileHandle, bytes: Buffer, position: number): Promise<void> => {
  for (let offset = 0; offset < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, offset, bytes.length - offset, position + offset);
    if (bytesWritten === 0) throw new Error(`The disk took ${offset} of ${bytes.length} bytes and then no more.`);
    offset += bytesWritten;
  }
  await file.datasync();
};
