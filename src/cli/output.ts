import { errorCode } from '../internal/foreign-error.ts';
import { printable } from '../internal/printable.ts';
import { inFlagNames } from './flag-names.ts';

/** Writes to standard output. Resolves once the system has taken the text, and rejects if the reader has closed the pipe. */
export const writeOutput = (text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });

/** Tells the user something on standard error, which never holds data. */
export const say = (message: string): void => void process.stderr.write(`${printable(message)}\n`);

/** Passes on a message of the library, which knows nothing of flags. */
export const sayFromLibrary = (message: string): void => say(inFlagNames(message));

/** The reader of standard output has closed it, as `head` does. That is no failure. */
export const isClosedPipe = (error: unknown): boolean => errorCode(error) === 'EPIPE';

/** Keeps a closed standard output or standard error from ending the process. The callbacks of writes report the same errors. */
export function ignoreStreamErrors(): void {
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
}
