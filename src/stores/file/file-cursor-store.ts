import { resolve } from 'node:path';
import * as z from 'zod/mini';
import { AuditConfigError, CursorStoreError, PlanetScaleAuditError } from '../../errors.ts';
import { excerpt } from '../../internal/excerpt.ts';
import { parseOptions, wholeNumberSchema } from '../../internal/option-schemas.ts';
import { printable } from '../../internal/printable.ts';
import type { AtomicCursorStore } from '../cursor-store.ts';
import { ignoreNotFound, privateMode } from './durable-file.ts';
import { FileGenerations, type LoadedValue } from './file-generations.ts';
import { describeFsError } from './fs-errors.ts';

/** How the files are created. */
export interface FileCursorStoreOptions {
  /**
   * The permissions of the files, whatever the umask. A created directory gets the same, and may be entered by everybody who may
   * read the files. Set 0o660 if the process changes its user id from start to start and keeps its group, as pods may.
   *
   * @default 0o600
   */
  readonly mode?: number | undefined;
}

const modeMessage = 'must be an octal number from 0o600 to 0o777 that lets the owner read and write';

const optionsSchema = z.strictObject({
  mode: z._default(
    wholeNumberSchema(privateMode, 0o777, modeMessage).check(
      z.refine((mode) => (mode & privateMode) === privateMode, modeMessage),
    ),
    privateMode,
  ),
});

/**
 * Returns a store that keeps each key in small files in a directory of its own, inside `directory`. The first save creates the
 * directories that are missing. Only the owner can read the files (mode 0600) and enter the directories (0700), unless `mode` says
 * otherwise.
 *
 * A value is on the disk when its save resolves. A crash at any moment leaves either the previous value or the new one.
 *
 * If the file of the last save is corrupt, `get` returns the save before it and the poller reports a `cursor-rolled-back` notice.
 * If no intact save is left, every method throws.
 *
 * Several processes on one machine may share the directory: `compareAndSet` is atomic between them. A killed process leaves no
 * lock behind. The directory needs a file system with hard links. A network file system is not supported.
 *
 * @throws `AuditConfigError` if `directory` is empty, or `mode` does not let the owner read and write.
 * @example
 * ```ts
 * import { PlanetScaleAuditClient, poller } from 'planetscale-audit';
 * import { fileCursorStore } from 'planetscale-audit/node';
 *
 * const store = fileCursorStore('/var/lib/planetscale-audit');
 * for await (const event of poller(PlanetScaleAuditClient.fromEnv(), { store })) console.log(event.audit_action);
 * ```
 */
export function fileCursorStore(directory: string, options: FileCursorStoreOptions = {}): AtomicCursorStore {
  if (!directory) {
    throw new AuditConfigError('fileCursorStore received an empty path. Pass the directory to keep its files in.');
  }
  const { mode } = parseOptions(optionsSchema, options, 'fileCursorStore');
  // A later process.chdir() must not move the store.
  const path = resolve(directory);

  const withFiles = async <Result>(
    action: 'read' | 'save',
    key: string,
    operation: (files: FileGenerations) => Promise<Result>,
  ): Promise<Result> => {
    try {
      return await operation(new FileGenerations(path, key, mode));
    } catch (error) {
      if (error instanceof PlanetScaleAuditError) throw error;
      const failure = `fileCursorStore could not ${action} "${excerpt(key)}" in ${path} ${describeFsError(error)}`;
      throw new CursorStoreError(printable(failure), {
        key,
        retryable: true, // A fault of the file system may pass, for example when a full disk gets room again.
        cause: error,
      });
    }
  };

  // The last save of each key by this store. The next save needs no reading, and takes a third less CPU time.
  const lastSaves = new Map<string, LoadedValue>();

  /** Resolves with false if the last save is no longer the newest. A save by another process has the name that this save needs. */
  const appendToLastSave = async (files: FileGenerations, key: string, expected: string | null, next: string) => {
    const last = lastSaves.get(key);
    lastSaves.delete(key);
    if (last?.value !== expected) return false;
    // Someone may have removed the directory.
    const saved = await ignoreNotFound(() => files.append(last, next));
    if (saved) lastSaves.set(key, saved);
    return saved !== undefined;
  };

  return {
    get: (key) => withFiles('read', key, async (files) => (await files.load())?.value),
    set: (key, value) =>
      withFiles('save', key, async (files) => {
        let saved: LoadedValue | undefined;
        while (!saved) saved = await files.append(await files.load(), value);
      }),
    compareAndSet: (key, expected, next) =>
      withFiles('save', key, async (files) => {
        if (await appendToLastSave(files, key, expected, next)) return true;
        const current = await files.load();
        if ((current?.value ?? null) === expected) {
          const saved = await files.append(current, next);
          if (saved) lastSaves.set(key, saved);
          return saved !== undefined;
        }
        const reason = current && files.rollbackReasonOf(current);
        if (reason === undefined) return false;
        // The caller may expect the lost value, which is no conflict with another poller.
        throw new CursorStoreError(`${reason} Start the poller again to resume from the earlier save.`, { key });
      }),
    rollbackReason: (key) =>
      withFiles('read', key, async (files) => {
        const current = await files.load();
        return current && files.rollbackReasonOf(current);
      }),
  };
}
