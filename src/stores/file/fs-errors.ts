import { setTimeout as sleep } from 'node:timers/promises';

/** Node's code of an error, such as `ENOENT`. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error ? String(error.code) : undefined;

/**
 * What Windows answers while a virus scanner or an indexer has a file open. It lets go within moments
 * (https://github.com/npm/write-file-atomic/issues/28). On other systems they stand for a refusal, which is told 2 s later.
 */
const lockedCodes: ReadonlySet<string | undefined> = new Set(['EPERM', 'EACCES', 'EBUSY']);

const lockTimeoutMs = 2000;
const lockPollMs = 50;

/** Does something with a file, again and again for 2 s while another program may be holding it. */
export async function retryWhileLocked<Result>(operation: () => Promise<Result>): Promise<Result> {
  const giveUpAtMs = performance.now() + lockTimeoutMs;
  for (;;) {
    try {
      return await operation();
    } catch (error) {
      if (!lockedCodes.has(codeOf(error)) || performance.now() >= giveUpAtMs) throw error;
    }
    await sleep(lockPollMs);
  }
}

const full = 'Make room on the disk, or raise the limit that this process has.';
const closed = 'Let this process read, write and remove files there, and see that no other program holds them.';
const noLinks = 'Its file system may have no hard links, which are needed: choose a directory on another one.';
const notDirectory = 'A directory is needed there: remove what is in its place, or choose another.';

const hints: ReadonlyMap<string | undefined, string> = new Map([
  ['ENOSPC', full],
  ['EDQUOT', full],
  ['EFBIG', full],
  ['EACCES', closed],
  ['EROFS', closed],
  ['EBUSY', closed],
  ['EPERM', `${closed} ${noLinks}`],
  ['ENOTSUP', noLinks],
  ['EOPNOTSUPP', noLinks],
  ['ENOSYS', noLinks],
  ['ENOTDIR', notDirectory],
  ['EEXIST', notDirectory],
]);

/** What went wrong with a file, and what to do about it. */
export const describeFsError = (error: unknown): string => {
  const what = (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
  return `${what}. ${hints.get(codeOf(error)) ?? 'Check the disk.'}`;
};
