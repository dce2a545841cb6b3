/** Saves to a file store on command. The fault trials trace and disturb this process in the middle of a save. */
import { stat } from 'node:fs/promises';
import type { AtomicCursorStore } from '../../src/stores/cursor-store.ts';
import { fileCursorStore } from '../../src/stores/file/file-cursor-store.ts';

export interface SaveCommand {
  readonly directory: string;
  readonly expected: string | null;
  readonly next: string;
}
export type SaveAnswer = { readonly isSaved: boolean } | { readonly error: { name: string; message: string } };

const stores = new Map<string, AtomicCursorStore>();

/** Keeps its stores, as a poller does. */
const storeIn = (directory: string): AtomicCursorStore => {
  const store = stores.get(directory) ?? fileCursorStore(directory);
  stores.set(directory, store);
  return store;
};

const save = async ({ directory, expected, next }: SaveCommand): Promise<SaveAnswer> => {
  try {
    return { isSaved: await storeIn(directory).compareAndSet('key', expected, next) };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { error: { name, message } };
  }
};

process.on('message', async (command: SaveCommand) => process.send?.(await save(command)));

await stat('.'); // Starts the thread that makes the file system calls, so that strace can attach to it.
process.send?.('ready');
