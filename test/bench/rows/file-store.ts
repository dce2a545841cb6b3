import { rmSync } from 'node:fs';
import { mkdtemp, open, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Contender, costOf, type Row, type Setup } from '../row.ts';

const saves = 100;
/** As long as the state of a poller that knows some recent events. */
const stateOf = (save: number): string => JSON.stringify({ save, state: 'x'.repeat(3000) });

const saving = (
  kind: Contender['kind'],
  saverOf: (directory: string, setup: Setup) => Promise<(value: string) => Promise<unknown>>,
): Contender => ({
  kind,
  async prepare(setup) {
    const directory = await mkdtemp(join(tmpdir(), 'planetscale-audit-bench-'));
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
    const save = await saverOf(directory, setup);
    let count = 0;
    return () =>
      costOf(saves, async () => {
        for (let saved = 0; saved < saves; saved++) await save(stateOf(count++));
      });
  },
});

/** The least that survives a power cut: write a draft, sync it, rename it, and sync the directory. */
const replaceFile = async (directory: string, value: string): Promise<void> => {
  const draft = join(directory, 'cursor.tmp');
  const file = await open(draft, 'w', 0o600);
  await file.writeFile(value);
  await file.sync();
  await file.close();
  await rename(draft, join(directory, 'cursor'));
  const parent = await open(directory);
  await parent.sync();
  await parent.close();
};

export const fileStore: Row = {
  name: 'file-store',
  rounds: 11,
  contenders: {
    'draft, fsync, rename, fsync': saving('floor', async (directory) => (value) => replaceFile(directory, value)),
    fileCursorStore: saving('library', async (directory, { libraryForNode }) => {
      const { fileCursorStore } = await libraryForNode();
      const store = fileCursorStore(directory);
      let saved: string | null = null;
      return async (value) => {
        if (!(await store.compareAndSet('key', saved, value))) throw new Error('The store refused a save.');
        saved = value;
      };
    }),
  },
  figures: [
    {
      work: 'Save in the file store',
      measure: 'cpuUs',
      of: 'fileCursorStore',
      to: 'draft, fsync, rename, fsync',
      target: 1.4,
    },
    { work: 'Wait for this save', measure: 'wallMs', of: 'fileCursorStore', to: 'draft, fsync, rename, fsync' },
  ],
};
