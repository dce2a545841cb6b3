/** Saves in a file store on command: for trials of what can happen in the middle of a save. */
import { stat } from 'node:fs/promises';
import { fileCursorStore } from '../../src/stores/file/file-cursor-store.ts';

export interface SaveCommand {
  readonly directory: string;
  readonly expected: string | null;
  readonly next: string;
}
export type SaveAnswer = { readonly isSaved: boolean } | { readonly error: { name: string; message: string } };

const save = async ({ directory, expected, next }: SaveCommand): Promise<SaveAnswer> => {
  try {
    return { isSaved: await fileCursorStore(directory).compareAndSet('key', expected, next) };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { error: { name, message } };
  }
};

process.on('message', async (command: SaveCommand) => process.send?.(await save(command)));

await stat('.'); // The thread that makes the calls is there from now on.
process.send?.('ready');
