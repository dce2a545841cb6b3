import { setTimeout as sleep } from 'node:timers/promises';
import { excerpt } from '../../internal/excerpt.ts';
import { errorCode, errorMessage, errorName } from '../../internal/foreign-error.ts';

/**
 * Windows fails with these codes while a virus scanner or an indexer holds a file, which takes moments
 * (https://github.com/npm/write-file-atomic/issues/28). Other systems fail with them for good, so the error arrives 2 s late there.
 */
const lockedCodes: ReadonlySet<string | undefined> = new Set(['EPERM', 'EACCES', 'EBUSY']);

const lockTimeoutMs = 2000;
const lockPollMs = 50;

/** Repeats a file operation for up to 2 s while another program may hold the file. */
export async function retryWhileLocked<Result>(operation: () => Promise<Result>): Promise<Result> {
  const giveUpAtMs = performance.now() + lockTimeoutMs;
  for (;;) {
    try {
      return await operation();
    } catch (error) {
      if (!lockedCodes.has(errorCode(error)) || performance.now() >= giveUpAtMs) throw error;
    }
    await sleep(lockPollMs);
  }
}

const diskFull = 'Free space on the disk, or raise the quota or file size limit of this process.';
const accessDenied =
  'Allow this process to read, write and remove files there, and close other programs that hold the files.';
const noHardLinks = 'If the file system has no hard links, which the store needs, choose a directory on another one.';
// To create the directory, the store would need permissions for the one above it.
const createFirst = 'If the directory is missing, create it first.';
const permission = `Node's permission model refused it. Start Node with --allow-fs-read and --allow-fs-write for the directory. ${createFirst}`;
const denoPermission = `Start Deno with --allow-read and --allow-write for the directory. ${createFirst}`;
const removedMeanwhile = 'Make sure that no other program removes files there.';
const otherDirectory = 'Choose another directory.';
const notDirectory = 'Remove the file that is in the place of a directory, or choose another directory.';

const hints: ReadonlyMap<string | undefined, string> = new Map([
  ['ENOSPC', diskFull],
  ['EDQUOT', diskFull],
  ['EFBIG', diskFull],
  ['EACCES', accessDenied],
  ['EROFS', accessDenied],
  ['EBUSY', accessDenied],
  ['EPERM', `${accessDenied} ${noHardLinks}`],
  ['ENOTSUP', noHardLinks],
  ['EOPNOTSUPP', noHardLinks],
  ['ENOSYS', noHardLinks],
  ['ENOENT', removedMeanwhile],
  ['ENOTDIR', notDirectory],
  ['EEXIST', notDirectory],
  ['ELOOP', otherDirectory],
  ['ENAMETOOLONG', otherDirectory],
  ['ERR_INVALID_ARG_VALUE', otherDirectory],
  ['ERR_ACCESS_DENIED', permission],
  ['NotCapable', denoPermission],
]);

/** Returns the end of an error message: the cause in parentheses, then the advice. */
export const describeFsError = (error: unknown): string => {
  const cause = excerpt(errorMessage(error));
  return `(${cause}). ${hints.get(errorCode(error) ?? errorName(error)) ?? 'Check the disk, which may be full or broken.'}`;
};
