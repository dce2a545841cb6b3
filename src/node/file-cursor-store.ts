import { createHash, randomUUID } from 'node:crypto';
import { link, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { AuditConfigError, CursorStoreError } from '../errors.ts';
import type { CursorStore } from '../poller/store.ts';
import { makeDirectory, syncDirectory, writeNewFile } from './durable-file.ts';

/**
 * Keeps each key in a small file of its own in `directory`, which is made if missing. Only the owner can read them (0600, the
 * directory 0700). A save is on the disk when it resolves; a crash at any moment leaves the old value or the new one.
 *
 * Several processes on one machine may share the directory: `compareAndSet` is atomic between them, and no lock is left behind
 * by one that is killed. It needs a file system with hard links, and is not meant for one that is shared over a network.
 *
 * @throws `AuditConfigError` where `directory` is empty
 * @example
 * ```ts
 * import { PlanetScaleAuditClient, poller } from 'planetscale-audit';
 * import { fileCursorStore } from 'planetscale-audit/node';
 *
 * const store = fileCursorStore('/var/lib/planetscale-audit');
 * for await (const event of poller(PlanetScaleAuditClient.fromEnv(), { store })) console.log(event.audit_action);
 * ```
 */
export function fileCursorStore(
  directory: string,
): CursorStore & { compareAndSet: NonNullable<CursorStore['compareAndSet']> } {
  if (!directory) throw new AuditConfigError('fileCursorStore: give it a directory for its files.');
  const path = resolve(directory); // Now: the process may go elsewhere.
  const entry = (key: string) => new Entry(path, key);
  return {
    get: async (key) => (await entry(key).load())?.value,
    set: async (key, value) => {
      const saved = entry(key);
      while (!(await saved.append(await saved.load(), value)));
    },
    compareAndSet: async (key, expected, next) => {
      const saved = entry(key);
      const current = await saved.load();
      if ((current?.value ?? null) !== expected) return false;
      return saved.append(current, next);
    },
  };
}

/** How many generations of a value are kept: the current one and the one before. */
const generationsKept = 2;

/** No save takes so long: a draft of that age was left by a process that was killed. */
const abandonedAfterMs = 60 * 60_000;

const contentSchema = z.object({
  key: z.string(),
  generation: z.int(),
  /** The ids of the last saves, this one first. */
  saves: z.array(z.string()),
  value: z.string(),
});
type Content = z.infer<typeof contentSchema>;

const savesKept = 64;

/**
 * One key's files, `<name>.<generation>`: the highest generation is the value. A save makes the next generation with a hard link,
 * which fails where that name is taken: of several who saw the same value one wins, and there is no lock that could be left. A name
 * becomes free again once its generation is old, so who was held up between the two finds it free and has saved nothing: each
 * generation therefore tells by which saves it came about.
 */
class Entry {
  readonly #directory: string;
  readonly #key: string;
  readonly #name: string;

  constructor(directory: string, key: string) {
    this.#directory = directory;
    this.#key = key;
    this.#name = fileName(key);
  }

  /** @throws CursorStoreError where a file does not hold what was saved */
  async load(): Promise<Content | undefined> {
    await makeDirectory(this.#directory);
    for (;;) {
      const generation = Math.max(0, ...this.#generationsAmong(await readdir(this.#directory)));
      if (generation === 0) return undefined;
      const text = await readIfThere(this.#path(generation));
      if (text !== undefined) return this.#decode(text, generation);
      // Two newer generations were saved between the two looks.
    }
  }

  /** Saves the generation after the one that was loaded; false where somebody else has. */
  async append(loaded: Content | undefined, value: string): Promise<boolean> {
    const save = randomUUID();
    const generation = (loaded?.generation ?? 0) + 1;
    const saves = [save, ...(loaded?.saves ?? [])].slice(0, savesKept);
    const draft = `${this.#path(generation)}.${save}.draft`;
    try {
      await writeNewFile(draft, this.#encode({ key: this.#key, generation, saves, value }));
      if (!(await linkIfFree(draft, this.#path(generation)))) return false;
    } finally {
      await rm(draft, { force: true });
    }
    await syncDirectory(this.#directory);
    const current = await this.load();
    await this.#removeOld(current?.generation ?? generation);
    return current?.saves.includes(save) ?? false;
  }

  async #removeOld(newest: number): Promise<void> {
    const names = await readdir(this.#directory);
    const old = this.#generationsAmong(names).filter((generation) => generation <= newest - generationsKept);
    for (const generation of old) await rm(this.#path(generation), { force: true });
    for (const name of names.filter((name) => name.startsWith(`${this.#name}.`) && name.endsWith('.draft'))) {
      await removeIfAbandoned(join(this.#directory, name));
    }
  }

  #generationsAmong(names: readonly string[]): number[] {
    const prefix = `${this.#name}.`;
    return names
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length))
      .filter((suffix) => /^\d+$/.test(suffix))
      .map(Number);
  }

  #path(generation: number): string {
    return join(this.#directory, `${this.#name}.${generation}`);
  }

  #encode(content: Content): string {
    const json = JSON.stringify(content);
    return `${sha256(json)}\n${json}\n`;
  }

  #decode(text: string, generation: number): Content {
    const [checksum, json = ''] = text.split('\n');
    if (checksum === sha256(json)) {
      const content = contentSchema.safeParse(JSON.parse(json)).data;
      if (content?.key === this.#key && content.generation === generation) return content;
    }
    throw new CursorStoreError(
      `${this.#path(generation)} does not hold what was saved under "${this.#key}": it was changed or cut short. Restore the directory from a backup, or remove this file and the poller goes on from the save before.`,
      { key: this.#key },
    );
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Any key makes a name of its own that every file system takes, and that a person can still tell. */
const fileName = (key: string): string =>
  `${key.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 48)}-${sha256(JSON.stringify(key)).slice(0, 24)}`;

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

const readIfThere = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
};

const removeIfAbandoned = async (draft: string): Promise<void> => {
  try {
    const { mtimeMs } = await stat(draft);
    if (Date.now() - mtimeMs > abandonedAfterMs) await rm(draft, { force: true });
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error; // Its owner has removed it.
  }
};

const linkIfFree = async (from: string, to: string): Promise<boolean> => {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
};
