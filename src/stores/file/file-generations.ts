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
  /** The ids of the last saves, this one first. */
  saves: z.array(z.string()),
  value: z.string(),
});
type Content = z.infer<typeof contentSchema>;

/** A value, and where it stands among the generations of its key. */
export interface Saved extends Content {
  /** The highest generation that there is: above that of the value where a file is spoilt. */
  readonly newest: number;
}

const maxSaveHistory = 64;

/** No save takes so long: a draft of that age was left by a process that was killed. */
const staleDraftMs = 60 * 60_000;

/**
 * One key's files, `<name>.<generation>`: the highest generation is the value, and the one before is kept for when that file is
 * spoilt. A save gives a finished draft the name of the next generation by a hard link, which fails where that name is taken: of
 * several who saw the same value one wins, and there is no lock that could be left. A rename would replace what another has saved.
 *
 * A name becomes free again once its generation is old, so who was held up between the two finds it free and has saved nothing:
 * each generation therefore tells by which saves it came about.
 */
export class FileGenerations {
  readonly #directory: string;
  readonly #key: string;
  readonly #name: string;

  constructor(directory: string, key: string) {
    this.#directory = directory;
    this.#key = key;
    this.#name = fileName(key);
  }

  /**
   * The newest value that is intact; undefined where nothing was ever saved.
   *
   * @throws CursorStoreError where there are files, and none of them holds what was saved
   */
  async load(): Promise<Saved | undefined> {
    for (;;) {
      const generations = await this.#list();
      const [newest] = generations;
      if (newest === undefined) return undefined;
      const content = await this.#newestIntact(generations);
      if (content) return { ...content, newest };
      if (newest === (await this.#list())[0]) throw this.#corruptedError(generations);
      // Newer ones were saved between the two looks, and these removed.
    }
  }

  /** Saves the generation after those that were there when `loaded` was; false where somebody else has. */
  async append(loaded: Saved | undefined, value: string): Promise<boolean> {
    if (typeof value !== 'string')
      throw new AuditConfigError(`fileCursorStore: the value for "${this.#key}" must be text.`);
    const save = randomUUID();
    const generation = (loaded?.newest ?? 0) + 1;
    const path = this.#path(generation);
    const saves = [save, ...(loaded?.saves ?? [])].slice(0, maxSaveHistory);
    const draft = `${path}.${save}.draft`;
    if (!loaded) await makeDirectory(this.#directory);
    try {
      await writeNewFile(draft, encode({ key: this.#key, generation, saves, value }));
      if (!(await linkIfAbsent(draft, path))) return false;
    } finally {
      await removeFile(draft);
    }
    await syncDirectory(this.#directory);

    const current = await this.load();
    if (!current || current.generation < generation) {
      throw new Error(`${path} does not give back what was written to it a moment ago.`);
    }
    const isSaved = current.saves.includes(save);
    if (isSaved) await this.#removeBefore(loaded?.generation ?? generation);
    else await removeFile(path);
    return isSaved;
  }

  /** Why `loaded` is an earlier value than the last saved; undefined where it is not. */
  rollbackReasonOf(loaded: Saved): string | undefined {
    if (loaded.generation === loaded.newest) return undefined;
    return `${this.#path(loaded.newest)} does not hold what was saved under "${this.#key}": it was changed or cut short. The save before it, ${this.#path(loaded.generation)}, is used instead: events delivered since then are delivered again, and none is lost. Check the disk, and what else writes to the directory.`;
  }

  /** Undefined also where one is gone, since only what newer ones have replaced is ever removed. */
  async #newestIntact(generations: readonly number[]): Promise<Content | undefined> {
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
    for (const generation of this.#among(names)) if (generation < oldest) await removeFile(this.#path(generation));
    for (const name of names) if (name.endsWith('.draft')) await removeIfStale(join(this.#directory, name));
  }

  /** The newest first. */
  async #list(): Promise<number[]> {
    return this.#among(await this.#names());
  }

  async #names(): Promise<string[]> {
    const names = (await ignoreNotFound(() => readdir(this.#directory))) ?? [];
    return names.filter((name) => name.startsWith(`${this.#name}.`));
  }

  #among(names: readonly string[]): number[] {
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
      `Nothing that was saved under "${this.#key}" can be read any more: ${paths} were changed or cut short. Restore the directory from a backup; or delete these files, and choose with startFrom where to begin.`,
      { key: this.#key },
    );
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Any key makes a name of its own that every file system takes, and that a person can still tell. */
const fileName = (key: string): string =>
  `${key.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 48)}-${sha256(JSON.stringify(key)).slice(0, 24)}`;

const encode = (content: Content): string => {
  const json = JSON.stringify(content);
  return `${sha256(json)}\n${json}\n`;
};

const decode = (text: string): Content | undefined => {
  const [checksum, json = ''] = text.split('\n');
  return checksum === sha256(json) ? contentSchema.safeParse(JSON.parse(json)).data : undefined;
};

const removeIfStale = async (draft: string): Promise<void> => {
  const stats = await ignoreNotFound(() => stat(draft));
  if (stats && Date.now() - stats.mtimeMs > staleDraftMs) await removeFile(draft);
};
