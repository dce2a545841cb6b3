import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { AuditEvent } from '../audit-log/event.ts';
import { errorCode } from '../internal/foreign-error.ts';
import { syncDirectory } from '../stores/file/durable-file.ts';
import {
  type ExportProgress,
  type ExportRequest,
  lengthOf,
  newProgress,
  type PartialFiles,
  partialFilesOf,
  readProgress,
  saveProgress,
} from './export-progress.ts';
import { UsageError } from './flags.ts';
import type { Range } from './times.ts';
import { WriteLock } from './write-lock.ts';

/**
 * A file that is written page by page, and gets its name at the end. Beside it are two files while it is written: one with the ids of
 * the events in it, and one that says how far the two are valid. A process that is killed at any moment leaves an export that the next
 * one continues, without a missing or a doubled event.
 */
export class PartialExport {
  readonly path: string;
  readonly actions: readonly string[] | undefined;
  readonly #files: PartialFiles;
  readonly #lock: WriteLock;
  readonly #events: FileHandle;
  readonly #ids: FileHandle;
  readonly #written: Set<string>;
  #progress: ExportProgress;

  private constructor(
    path: string,
    actions: readonly string[] | undefined,
    lock: WriteLock,
    opened: { readonly events: FileHandle; readonly ids: FileHandle; readonly written: Set<string> },
    progress: ExportProgress,
  ) {
    this.path = path;
    this.actions = actions;
    this.#files = partialFilesOf(path);
    this.#lock = lock;
    this.#events = opened.events;
    this.#ids = opened.ids;
    this.#written = opened.written;
    this.#progress = progress;
  }

  /**
   * Begins an export, or opens the one that an earlier call with the same request has begun.
   *
   * @param range the times of a new export. One that has begun keeps its own
   * @throws UsageError if the file exists already, another process writes it, or an export with another request has begun
   */
  static async open(path: string, request: ExportRequest, range: Range): Promise<PartialExport> {
    const files = partialFilesOf(path);
    const lock = await takeLock(files);
    try {
      await rejectExisting(path);
      const earlier = await readProgress(path, request);
      const progress = earlier ?? newProgress(request, range);
      await lock.check();
      if (!earlier) await saveProgress(files, progress);
      const events = await openAt(files.events, progress.bytes);
      const ids = await openAt(files.ids, progress.idBytes);
      const written = new Set((await readFile(files.ids, 'utf8')).split('\n').filter(Boolean));
      return new PartialExport(path, request.actions, lock, { events, ids, written }, progress);
    } catch (error) {
      await lock.release();
      throw error;
    }
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

  /** The number of events in the file. */
  get count(): number {
    return this.#written.size;
  }

  holds(id: string): boolean {
    return this.#written.has(id);
  }

  /**
   * Writes the events of one page. Once this resolves, an export that ends continues behind them.
   *
   * @param cursor where the next page begins; null if the list has no events
   */
  async append(text: string, events: readonly AuditEvent[], cursor: string | null): Promise<void> {
    const ids = Buffer.from(events.map(({ id }) => `${id}\n`).join(''));
    const bytes = text === '' ? Buffer.alloc(0) : this.#encode(text);
    await this.#lock.check();
    await writeAt(this.#events, bytes, this.#progress.bytes);
    await writeAt(this.#ids, ids, this.#progress.idBytes);
    this.#progress = {
      ...this.#progress,
      cursor: cursor ?? this.#progress.cursor,
      bytes: this.#progress.bytes + bytes.length,
      idBytes: this.#progress.idBytes + ids.length,
    };
    await saveProgress(this.#files, this.#progress);
    for (const { id } of events) this.#written.add(id);
  }

  /**
   * Gives the file its name, and removes the others.
   *
   * @throws UsageError if somebody has made a file of this name meanwhile
   */
  async finish(): Promise<void> {
    if (this.#progress.bytes === 0) await writeAt(this.#events, this.#encode(''), 0); // An empty gzip file has a header.
    await this.#lock.check();
    await rejectExisting(this.path);
    await rename(this.#files.events, this.path);
    await rm(this.#files.progress, { force: true });
    await rm(this.#files.ids, { force: true });
    await syncDirectory(dirname(this.path));
  }

  async close(): Promise<void> {
    await this.#events.close();
    await this.#ids.close();
    await this.#lock.release();
  }

  /** Each page is a member of its own in a compressed file, so that the file can be cut between two pages. */
  #encode(text: string): Buffer {
    return this.path.endsWith('.gz') ? gzipSync(text) : Buffer.from(text);
  }
}

const rejectExisting = async (path: string): Promise<void> => {
  if ((await lengthOf(path)) === undefined) return;
  throw new UsageError(`--out: ${path} exists. Choose another name, or remove the file.`);
};

const dateOf = (text: string | undefined): Date | undefined => (text === undefined ? undefined : new Date(text));

const takeLock = async ({ lock }: PartialFiles): Promise<WriteLock> => {
  try {
    return await WriteLock.take(lock);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw error;
    throw new UsageError(`--out: there is no directory ${dirname(lock)}. Create it first.`);
  }
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
