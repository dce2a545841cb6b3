import { resolve } from 'node:path';
import { AuditConfigError, CursorStoreError, PlanetScaleAuditError } from '../../errors.ts';
import type { AtomicCursorStore } from '../cursor-store.ts';
import { FileGenerations } from './file-generations.ts';
import { describeFsError } from './fs-errors.ts';

/**
 * Keeps each key in small files of its own in `directory`, which is made if missing. Only the owner can read them (0600, the
 * directory 0700). A save is on the disk when it resolves; a crash at any moment leaves the old value or the new one.
 *
 * Where the file of the last save was spoilt, `get` gives the save before it, and the poller a `cursor-rolled-back` notice. Where
 * nothing is left that can be trusted, every method throws.
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
export function fileCursorStore(directory: string): AtomicCursorStore {
  if (!directory) throw new AuditConfigError('fileCursorStore: give it a directory for its files.');
  const path = resolve(directory); // Now: the process may go elsewhere.

  /** What the file system refuses may pass: the disk may be full for a while. */
  const withFiles = async <Result>(
    what: 'read' | 'save',
    key: string,
    operation: (files: FileGenerations) => Promise<Result>,
  ): Promise<Result> => {
    try {
      return await operation(new FileGenerations(path, key));
    } catch (error) {
      if (error instanceof PlanetScaleAuditError) throw error;
      throw new CursorStoreError(`fileCursorStore could not ${what} "${key}" in ${path}: ${describeFsError(error)}`, {
        key,
        retryable: true,
        cause: error,
      });
    }
  };

  return {
    get: (key) => withFiles('read', key, async (files) => (await files.load())?.value),
    set: (key, value) =>
      withFiles('save', key, async (files) => {
        while (!(await files.append(await files.load(), value)));
      }),
    compareAndSet: (key, expected, next) =>
      withFiles('save', key, async (files) => {
        const current = await files.load();
        if ((current?.value ?? null) === expected) return files.append(current, next);
        const recovery = current && files.rollbackReasonOf(current);
        if (recovery === undefined) return false;
        // What is expected may be what was lost.
        throw new CursorStoreError(`${recovery} Start the poller again: it goes on from there.`, { key });
      }),
    rollbackReason: (key) =>
      withFiles('read', key, async (files) => {
        const current = await files.load();
        return current && files.rollbackReasonOf(current);
      }),
  };
}
