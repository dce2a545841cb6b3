import { createHash, randomUUID } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { AuditConfigError, CursorStoreError } from '../../errors.ts';
import { excerpt } from '../../internal/excerpt.ts';
import { printable } from '../../internal/printable.ts';
import {
  createFile,
  fingerprintOf,
  ignoreNotFound,
  makeDirectory,
  readFileIfExists,
  removeFile,
  syncDirectory,
} from './durable-file.ts';

const contentSchema = z.object({
  key: z.string(),
  generation: z.int(),
  /** The ids of this save and of those that led to it, newest first. */
  saves: z.array(z.string()),
  value: z.string(),
});
type Content = z.infer<typeof contentSchema>;

/** What a directory listing found. */
interface Listing {
  /** The highest first. */
  readonly generations: readonly number[];
  readonly drafts: readonly string[];
}

/** The newest intact value of a key. */
export interface LoadedValue extends Content {
  readonly listing: Listing;
  /** The highest generation on disk. It exceeds `generation` if the newest file is corrupt. */
  readonly highestGeneration: number;
  /** The text of the file of the highest generation, intact or not. */
  readonly highestText: string;
  /** The fingerprint of that file, if this process wrote it. */
  readonly fingerprint?: string;
}

/** A process that was suspended after the link recognizes its save if fewer than 64 saves followed. */
const maxSaveHistory = 64;

/** No save takes an hour. An older draft belongs to a process that was killed. */
const staleDraftMs = 60 * 60_000;

/**
 * The files of one key, in a directory of their own and named `<generation>`. The highest generation holds the value. The
 * generation before it stays as a fallback in case the newest file becomes corrupt.
 *
 * A save writes a draft and links it to the name of the next generation. The hard link fails if that name is taken, so exactly one
 * of several concurrent saves wins and no lock can be left behind. A rename would replace the save of another process.
 *
 * The name of an old generation becomes free again when its file is removed. A process that was suspended before the link could
 * then link an outdated save. Files are therefore removed oldest first: if the file below the linked one is still there, no other
 * save ever had that name. If it is gone, the save counts only if a newer generation lists it among the saves that led to it.
 */
export class FileGenerations {
  readonly #directory: string;
  readonly #key: string;
  readonly #mode: number;

  /**
   * @param parent of the directory of the key
   * @param mode of each file
   */
  constructor(parent: string, key: string, mode: number) {
    this.#directory = join(parent, directoryName(key));
    this.#key = key;
    this.#mode = mode;
  }

  /**
   * Resolves with the newest intact value, or undefined if nothing was ever saved.
   *
   * @throws `CursorStoreError` if there are files and none of them is intact.
   */
  async load(): Promise<LoadedValue | undefined> {
    let lastHighest: number | undefined;
    for (;;) {
      const listing = await this.#list();
      const [highest] = listing.generations;
      if (highest === undefined) return undefined;
      const loaded = await this.#readNewestIntact(listing);
      if (loaded) return loaded;
      if (highest === lastHighest) throw this.#corruptedError(listing.generations);
      // Another process may have saved newer generations and removed the listed ones in the meantime.
      lastHighest = highest;
    }
  }

  /**
   * Saves `value` as the generation after those of `loaded`. Resolves with what {@link load} would find then, or with undefined if
   * another process has saved since.
   */
  async append(loaded: LoadedValue | undefined, value: string): Promise<LoadedValue | undefined> {
    if (typeof value !== 'string') {
      throw new AuditConfigError(
        `fileCursorStore received a value for "${excerpt(this.#key)}" that is not a string (${typeof value}). Pass text.`,
      );
    }
    if (!loaded) await makeDirectory(this.#directory, directoryMode(this.#mode));
    const saveId = randomUUID();
    const generation = (loaded?.highestGeneration ?? 0) + 1;
    const saves = [saveId, ...(loaded?.saves ?? [])].slice(0, maxSaveHistory);
    const path = this.#path(generation);
    const content = { key: this.#key, generation, saves, value };
    const text = encode(content);
    const fingerprint = await createFile({ path, draft: `${path}.${saveId}.draft`, text, mode: this.#mode });
    if (fingerprint === undefined) return undefined;
    await syncDirectory(this.#directory);

    const isCurrent = loaded ? await this.#follows(loaded, saveId) : await this.#isFirst(saveId);
    if (!isCurrent) {
      await removeFile(path);
      return undefined;
    }
    const kept = loaded ? await this.#cleanUp(loaded) : [];
    const listing = { generations: [generation, ...kept], drafts: [] };
    return { ...content, listing, highestGeneration: generation, highestText: text, fingerprint };
  }

  /** Explains why `loaded` is an earlier value than the last saved, or returns undefined if `loaded` is the last saved. */
  rollbackReasonOf(loaded: LoadedValue): string | undefined {
    if (loaded.generation === loaded.highestGeneration) return undefined;
    return printable(
      `fileCursorStore found the last save under "${excerpt(this.#key)}" corrupt (${this.#path(loaded.highestGeneration)} was changed or truncated) and returned the save before it (${this.#path(loaded.generation)}). The poller delivers the events since that save again and loses none. Check the disk, and every other program that writes to the directory.`,
    );
  }

  /** Resolves with whether the save that this process has just linked comes right after `loaded`, or led to the newest value. */
  async #follows({ highestGeneration, highestText, fingerprint }: LoadedValue, saveId: string): Promise<boolean> {
    const path = this.#path(highestGeneration);
    // A file system may give a fingerprint another form once the file is closed, so a different one proves nothing.
    if (fingerprint !== undefined && fingerprint === (await fingerprintOf(path))) return true;
    if ((await readFileIfExists(path)) === highestText) return true;
    const newest = await this.load();
    // If the linked file is the newest now, someone else has emptied or replaced the directory.
    const isSucceeded = newest !== undefined && newest.highestGeneration > highestGeneration + 1;
    return isSucceeded && newest.saves.includes(saveId);
  }

  /** Resolves with whether the first save, which this process has just linked, is the newest value or led to it. */
  async #isFirst(saveId: string): Promise<boolean> {
    return (await this.load())?.saves.includes(saveId) ?? false;
  }

  /**
   * Resolves with undefined if no generation is intact, or if a listed file is gone. Only a save of newer generations removes
   * files, so the list is outdated in the second case.
   */
  async #readNewestIntact(listing: Listing): Promise<LoadedValue | undefined> {
    const [highestGeneration = 0] = listing.generations;
    let highestText: string | undefined;
    for (const generation of listing.generations) {
      const text = await readFileIfExists(this.#path(generation));
      if (text === undefined) return undefined;
      highestText ??= text;
      const content = decode(text);
      if (content?.key === this.#key && content.generation === generation) {
        return { ...content, listing, highestGeneration, highestText };
      }
    }
    return undefined;
  }

  /**
   * Removes the generations before the loaded one, the oldest first, and the drafts of killed processes. Resolves with the other
   * generations.
   */
  async #cleanUp({ generation: fallback, listing }: LoadedValue): Promise<readonly number[]> {
    const outdated = listing.generations.filter((generation) => generation < fallback);
    for (const generation of outdated.reverse()) await removeFile(this.#path(generation));
    for (const draft of listing.drafts) await removeIfStale(join(this.#directory, draft));
    return listing.generations.filter((generation) => generation >= fallback);
  }

  async #list(): Promise<Listing> {
    const entries = (await ignoreNotFound(() => readdir(this.#directory, { withFileTypes: true }))) ?? [];
    const generations = entries.filter(({ name }) => /^[1-9]\d{0,14}$/.test(name));
    const intruder = generations.find((entry) => !entry.isFile());
    // A read of a named pipe would wait for ever.
    if (intruder) throw this.#notFileError(intruder.name);
    return {
      generations: generations.map(({ name }) => Number(name)).sort((a, b) => b - a),
      drafts: entries.filter((entry) => entry.isFile() && entry.name.endsWith('.draft')).map(({ name }) => name),
    };
  }

  #path(generation: number): string {
    return join(this.#directory, String(generation));
  }

  #notFileError(name: string): CursorStoreError {
    return new CursorStoreError(
      printable(
        `fileCursorStore found something other than a file in the place of a save under "${excerpt(this.#key)}" (a directory, link, pipe, socket or device: ${join(this.#directory, name)}). Remove it.`,
      ),
      { key: this.#key },
    );
  }

  #corruptedError(generations: readonly number[]): CursorStoreError {
    const paths = generations.map((generation) => this.#path(generation)).join(', ');
    return new CursorStoreError(
      printable(
        `fileCursorStore found every save under "${excerpt(this.#key)}" corrupt (changed or truncated: ${paths}). Restore the directory from a backup, or delete these files and choose with startFrom where to begin.`,
      ),
      { key: this.#key },
    );
  }
}

/** Whoever may read a file may enter the directory. */
const directoryMode = (mode: number): number => mode | ((mode & 0o444) >> 2);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Returns a unique name for any key. Every file system accepts the name, and a person recognizes the key in it. */
const directoryName = (key: string): string =>
  `${key.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 48)}-${sha256(JSON.stringify(key)).slice(0, 24)}`;

const encode = (content: Content): string => {
  const json = JSON.stringify(content);
  return `${sha256(json)}\n${json}\n`;
};

/** Returns undefined if the checksum does not match the text. */
const decode = (text: string): Content | undefined => {
  const [checksum, json = ''] = text.split('\n');
  return checksum === sha256(json) ? contentSchema.safeParse(JSON.parse(json)).data : undefined;
};

const removeIfStale = async (draft: string): Promise<void> => {
  const stats = await ignoreNotFound(() => stat(draft));
  if (stats && Date.now() - stats.mtimeMs > staleDraftMs) await removeFile(draft);
};
