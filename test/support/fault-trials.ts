import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const succeeds = (command: string, ...args: readonly string[]): boolean => {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** With FAULT_TRIALS=required, as in CI, the trials fail instead of being skipped if the machine lacks what they need. */
const isRequired = process.env.FAULT_TRIALS === 'required';
const isRoot = process.getuid?.() === 0;
const mountAndUnmount = 'place=$(mktemp -d) && mount -t tmpfs tmpfs "$place" && umount "$place" && rmdir "$place"';

export const canMount = isRequired || (isRoot && succeeds('sh', '-c', mountAndUnmount));
const hasTracers = () => succeeds('strace', '-o', '/dev/null', 'true') && succeeds('prlimit', '--version');
export const canTrace = isRequired || (isRoot && hasTracers());

/** The command that runs another one as process 1 and as a user without rights. */
export const asFirstProcess = (userId: number): readonly [program: string, ...args: string[]] => [
  'unshare',
  ...['--pid', '--fork', '--mount-proc'],
  ...['setpriv', `--reuid=${userId}`, `--regid=${userId}`, '--clear-groups', '--no-new-privs'],
];
const [unshare, ...unshareArgs] = asFirstProcess(1000);
export const canStartFirstProcess = isRequired || (isRoot && succeeds(unshare, ...unshareArgs, 'true'));

/** Mounts a file system with these options, such as a maximum size, until the test finishes. */
export async function mountedDirectory(options: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'mounted-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]);
  onTestFinished(async () => {
    execFileSync('umount', [directory]);
    await rm(directory, { recursive: true });
  });
  return directory;
}

/** File modes do not stop root: root needs a read-only mount. */
export const canMakeReadOnly = canMount || !isRoot;

/** Creates a directory that refuses writes while it is closed. */
export async function closableDirectory(): Promise<{ readonly directory: string; close(): void; open(): void }> {
  if (canMount) {
    const directory = await mountedDirectory('size=1m');
    const remount = (how: 'ro' | 'rw') => void execFileSync('mount', ['-o', `remount,${how}`, directory]);
    return { directory, close: () => remount('ro'), open: () => remount('rw') };
  }
  const directory = await mkdtemp(join(tmpdir(), 'closable-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return { directory, close: () => chmodSync(directory, 0o500), open: () => chmodSync(directory, 0o700) };
}

/** Runs at most `width` items at a time. */
export async function inParallel<Item>(
  width: number,
  items: readonly Item[],
  run: (item: Item) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const work = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: width }, work));
}
