import { createHash, randomUUID } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { AuditConfigError, CursorStoreError } from '../../errors.ts';
import {
  ignoreNotFound,
  linkIfAbsent,
  makeDirectory,
  readFileIfExists,
  removeFile,
  syncDirectory,
  writeNewFile,
} from './durable-file.ts';

const contentSchema = z.object({
  key: z.string(),
  generation: z.int(),
  /** The ids of this save and of those that led to it, newest first. */
  saves: z.array(z.string()),
  value: z.string(),
});
type Content = z.infer<typeof contentSchema>;

/** The newest intact value of a key. */
export interface LoadedValue extends Content {
  /** The highest generation on disk. It exceeds `generation` if the newest file is corrupt. */
  readonly highestGeneration: number;
}

/** A process that was suspended after the link recognizes its save if fewer than 64 saves followed. */
const maxSaveHistory = 64;

/** No save takes an hour. An older draft belongs to a process that was killed. */
const staleDraftMs = 60 * 60_000;

/**
 * The files of one key, named `<name>.<generation>`. The highest generation holds the value. The generation before it stays as a
 * fallback in case the newest file becomes corrupt.
 *
 * A save writes a draft and links it to the name of the next generation. The hard link fails if that name is taken, so exactly one
 * of several concurrent saves wins and no lock can be left behind. A rename would replace the save of another process.
 *
 * The name of an old generation becomes free again when its file is removed. A process that was suspended before the link could
 * then link an outdated save. Every generation therefore lists the saves that led to it, and a save counts only if the newest
 * generation lists the save.
 */
export class FileGenerations {
  readonly #directory: string;
  readonly #key: string;
  readonly #name: string;

  readonly #mode: number;

  /** @param mode of each file */
  constructor(directory: string, key: string, mode: number) {
    this.#directory = directory;
    this.#mode = mode;
    this.#key = key;
    this.#name = fileName(key);
  }

  /**
   * Resolves with the newest intact value, or undefined if nothing was ever saved.
   *
   * @throws `CursorStoreError` if there are files and none of them is intact.
   */
  async load(): Promise<LoadedValue | undefined> {
    for (;;) {
      const generations = await this.#list();
      const [highestGeneration] = generations;
      if (highestGeneration === undefined) return undefined;
      const content = await this.#readNewestIntact(generations);
      if (content) return { ...content, highestGeneration };
      const [highestNow] = await this.#list();
      if (highestNow === highestGeneration) throw this.#corruptedError(generations);
      // Another process saved newer generations and removed the listed ones in the meantime.
    }
  }

  /** Saves `value` as the generation after those of `loaded`. Resolves with false if another process has saved since. */
  async append(loaded: LoadedValue | undefined, value: string): Promise<boolean> {
    if (typeof value !== 'string') {
      throw new AuditConfigError(
        `fileCursorStore received a value for "${this.#key}" that is not a string (${typeof value}). Pass text.`,
      );
    }
    if (!loaded) await makeDirectory(this.#directory, directoryMode(this.#mode));
    const saveId = randomUUID();
    const generation = (loaded?.highestGeneration ?? 0) + 1;
    const saves = [saveId, ...(loaded?.saves ?? [])].slice(0, maxSaveHistory);
    const hasLinked = await this.#linkDraft(saveId, { key: this.#key, generation, saves, value });
    if (!hasLinked) return false;
    await syncDirectory(this.#directory);

    if (!(await this.#isPartOfNewest(saveId, generation))) {
      await removeFile(this.#path(generation));
      return false;
    }
    await this.#removeBefore(loaded?.generation ?? generation);
    return true;
  }

  /** Explains why `loaded` is an earlier value than the last saved, or returns undefined if `loaded` is the last saved. */
  rollbackReasonOf(loaded: LoadedValue): string | undefined {
    if (loaded.generation === loaded.highestGeneration) return undefined;
    return `fileCursorStore found the last save under "${this.#key}" corrupt (${this.#path(loaded.highestGeneration)} was changed or truncated) and returned the save before it (${this.#path(loaded.generation)}). The poller delivers the events since that save again and loses none. Check the disk, and every other program that writes to the directory.`;
  }

  /** Writes the draft of a generation and links it to its name. Resolves with false if another process has taken that name. */
  async #linkDraft(saveId: string, content: Content): Promise<boolean> {
    const path = this.#path(content.generation);
    const draft = `${path}.${saveId}.draft`;
    try {
      await writeNewFile(draft, encode(content), this.#mode);
      return await linkIfAbsent(draft, path);
    } finally {
      await removeFile(draft);
    }
  }

  /** Resolves with whether the newest value includes the save that this process has just linked as `generation`. */
  async #isPartOfNewest(saveId: string, generation: number): Promise<boolean> {
    const current = await this.load();
    if (!current || current.generation < generation) {
      throw new Error(`${this.#path(generation)} does not return the text that was just written to it`);
    }
    return current.saves.includes(saveId);
  }

  /**
   * Resolves with undefined if no generation is intact, or if a listed file is gone. Only a save of newer generations removes
   * files, so the list is outdated in the second case.
   */
  async #readNewestIntact(generations: readonly number[]): Promise<Content | undefined> {
    for (const generation of generations) {
      const text = await readFileIfExists(this.#path(generation));
      if (text === undefined) return undefined;
      const content = decode(text);
      if (content?.key === this.#key && content.generation === generation) return content;
    }
    return undefined;
  }

  async #removeBefore(oldest: number): Promise<void> {
    const names = await this.#names();
    for (const generation of this.#generationsAmong(names)) {
      if (generation < oldest) await removeFile(this.#path(generation));
    }
    for (const name of names) if (name.endsWith('.draft')) await removeIfStale(join(this.#directory, name));
  }

  /** Lists the generations on disk, newest first. */
  async #list(): Promise<number[]> {
    return this.#generationsAmong(await this.#names());
  }

  async #names(): Promise<string[]> {
    const names = (await ignoreNotFound(() => readdir(this.#directory))) ?? [];
    return names.filter((name) => name.startsWith(`${this.#name}.`));
  }

  #generationsAmong(names: readonly string[]): number[] {
    const suffixes = names.map((name) => name.slice(this.#name.length + 1));
    const generations = suffixes.filter((suffix) => /^[1-9]\d{0,14}$/.test(suffix)).map(Number);
    return generations.sort((a, b) => b - a);
  }

  #path(generation: number): string {
    return join(this.#directory, `${this.#name}.${generation}`);
  }

  #corruptedError(generations: readonly number[]): CursorStoreError {
    const paths = generations.map((generation) => this.#path(generation)).join(', ');
    return new CursorStoreError(
      `fileCursorStore found every save under "${this.#key}" corrupt (changed or truncated: ${paths}). Restore the directory from a backup, or delete these files and choose with startFrom where to begin.`,
      { key: this.#key },
    );
  }
}

/** Whoever may read a file may enter the directory. */
const directoryMode = (mode: number): number => mode | ((mode & 0o444) >> 2);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Returns a unique name for any key. Every file system accepts the name, and a person recognizes the key in it. */
const fileName = (key: string): string =>
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
