import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { CursorStoreError } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { bundled } from '../support/bundled.ts';
import {
  canMakeReadOnly,
  canMount,
  canTrace,
  closableDirectory,
  inParallel,
  mountedDirectory,
} from '../support/fault-trials.ts';
import type { SaveCommand } from '../support/save-on-command.ts';
import { type SystemCall, type TracedSave, TracedSaver } from '../support/traced-saver.ts';
import { filesIn, newestFile } from './support.ts';

const oldValue = 'v1:{"saved":"old"}';
const newValue = 'v1:{"saved":"new"}';

interface Place {
  /** Contains every path that a save touches. */
  readonly root: string;
  /** The directory of the store. */
  readonly directory: string;
  /** The stored value before the save. */
  readonly before: string | null;
  /** A save that the same store makes first. */
  readonly earlier?: SaveCommand;
}

const emptyPlace = async (): Promise<Place> => {
  const root = await mkdtemp(join(tmpdir(), 'faults-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  return { root, directory: join(root, 'made', 'if-missing'), before: null };
};

const usedPlace = async (): Promise<Place> => {
  const place = await emptyPlace();
  const store = fileCursorStore(place.directory);
  await store.set('key', 'v1:{"saved":"older"}');
  await store.set('key', oldValue);
  return { ...place, before: oldValue };
};

const placeOfSecondSave = async (): Promise<Place> => {
  const place = await usedPlace();
  const before = 'v1:{"saved":"first"}';
  return { ...place, before, earlier: commandFor(place, before) };
};

const startSaver = async (program: string): Promise<TracedSaver> => {
  const saver = await TracedSaver.start(program);
  onTestFinished(() => saver.stop());
  return saver;
};

const commandFor = ({ directory, before }: Place, next = newValue) => ({ directory, expected: before, next });

/** Saves under strace with the given expressions, after the earlier save of the place. */
const saveAt = async (saver: TracedSaver, place: Place, ...expressions: readonly string[]): Promise<TracedSave> => {
  if (place.earlier) await saver.save(place.earlier);
  return saver.save(commandFor(place), ...expressions);
};

/** Returns the promise that the store broke after a fault, or undefined if the store kept all of them. */
const violationAfter = async ({ directory, before }: Place, { answer }: TracedSave): Promise<string | undefined> => {
  const store = fileCursorStore(directory);
  const found = (await store.get('key')) ?? null;
  if (found !== before && found !== newValue) return `get returned neither the old value nor the new one: ${found}`;
  if (answer && 'isSaved' in answer && !answer.isSaved) return 'compareAndSet reported a failure as a conflict';
  if (answer && 'isSaved' in answer && found !== newValue) return 'compareAndSet reported a success without a save';
  if (answer && 'error' in answer) {
    const { name, message } = answer.error;
    const isHelpful = name === 'CursorStoreError' && message.includes(directory) && /\. [A-Z].*\.$/.test(message);
    if (!isHelpful) return `the error does not say what to do: ${name}: ${message}`;
  }
  if ((await store.rollbackReason?.('key')) !== undefined) return 'the save left a corrupt file';
  if (!(await store.compareAndSet?.('key', found, 'v1:next'))) return 'the next save failed';
  if ((await store.get('key')) !== 'v1:next') return 'get did not return the next save';
  return undefined;
};

const callsOn = (root: string, { calls }: TracedSave): SystemCall[] => calls.filter(({ text }) => text.includes(root));

describe.skipIf(!canTrace)(
  'fileCursorStore under a fault at any system call of a save (needs Linux, root, strace and prlimit)',
  { timeout: 180_000 },
  () => {
    let program: string;
    beforeAll(async () => {
      const bundle = await bundled('save-on-command.ts');
      program = bundle.path;
      return bundle.remove;
    });

    const places = [
      ['a first save', emptyPlace],
      ['a save over an earlier value', usedPlace],
      ['a second save of one store', placeOfSecondSave],
    ] as const;

    /** The system calls of a save without a fault. */
    const callsOfSave = async (saver: TracedSaver, place: Place): Promise<SystemCall[]> => {
      const save = await saveAt(saver, place);
      expect(save.answer).toEqual({ isSaved: true });
      const calls = callsOn(place.root, save);
      const reads = place.earlier ? [] : ['getdents64', 'read'];
      for (const name of ['openat', 'write', 'fsync', 'statx', 'close', 'link', 'unlink', ...reads]) {
        expect(calls.map((call) => call.name)).toContain(name);
      }
      return calls;
    };

    describe.each(places)('%s', (_, makePlace) => {
      test.each(['EIO', 'ENOSPC'])(
        'keeps the old value or the new one after %s and never reports a success',
        async (code) => {
          const saver = await startSaver(program);
          const violations: string[] = [];
          const calls = await callsOfSave(saver, await makePlace());
          for (const [index, { name, nth, text }] of calls.entries()) {
            const place = await makePlace();
            const save = await saveAt(saver, place, `inject=${name}:error=${code}:when=${nth}`);
            const hit = save.calls.find((call) => call.text.includes('(INJECTED)'));
            expect(hit?.text).toContain(place.root);
            // Closing a directory after its entries were read cannot change the result.
            const isHarmless = name === 'close' && calls[index - 1]?.name === 'getdents64';
            if (!isHarmless) expect(save.answer, text).toHaveProperty('error');
            const violation = await violationAfter(place, save);
            if (violation) violations.push(`${violation}, after ${code} at ${text}`);
          }
          expect(violations).toEqual([]);
        },
      );

      // As reported in https://github.com/elastic/beats/issues/19634
      test('keeps the old value or the new one after kill -9', async () => {
        const calls = await callsOfSave(await startSaver(program), await makePlace());
        const found = new Set<string | null>();
        const violations: string[] = [];
        await inParallel(2, calls, async ({ name, nth, text }) => {
          const place = await makePlace();
          const saver = await startSaver(program);
          const save = await saveAt(saver, place, `inject=${name}:signal=KILL:when=${nth}`);
          expect(save.answer).toBeUndefined();
          expect(save.calls.at(-1)?.text).toContain(place.root);
          found.add((await fileCursorStore(place.directory).get('key')) ?? null);
          const violation = await violationAfter(place, save);
          if (violation) violations.push(`${violation}, after a kill at ${text}`);
        });
        expect(violations).toEqual([]);
        expect(found.size).toBe(2);
      });
    });

    // With a lock file, a killed process would block the next one until the lock counts as stale.
    test('saves without waiting for a process that was killed at any step', async () => {
      const calls = await callsOfSave(await startSaver(program), await usedPlace());
      const steps = calls.filter(({ name }) => ['openat', 'write', 'link', 'unlink'].includes(name));
      const left: Place[] = [];
      await inParallel(2, steps, async ({ name, nth }) => {
        const place = await usedPlace();
        const saver = await startSaver(program);
        const { answer } = await saver.save(commandFor(place), `inject=${name}:signal=KILL:when=${nth}`);
        expect(answer).toBeUndefined();
        left.push(place);
      });
      vi.useFakeTimers({ toFake: ['setTimeout'] }); // A save that waits now waits for ever.
      onTestFinished(() => void vi.useRealTimers());
      for (const { directory } of left) {
        const store = fileCursorStore(directory);
        expect(await store.compareAndSet('key', (await store.get('key')) ?? null, 'v1:next')).toBe(true);
      }
    });

    test('syncs each created directory to the disk before it writes a file there', async () => {
      const place = await emptyPlace();
      const calls = await callsOfSave(await startSaver(program), place);
      const isDraft = ({ name, text }: SystemCall) => name === 'openat' && text.includes('.draft');
      const before = calls.slice(0, calls.findIndex(isDraft)).filter(({ name }) => name === 'fsync');
      const synced = before.map(({ text }) => /<(.*)>/.exec(text)?.[1]);
      expect(synced).toEqual([place.directory, join(place.root, 'made'), place.root]);
    });

    test('syncs a directory of the key that a killed process may have left unsynced', async () => {
      const place = await usedPlace();
      for (const path of await filesIn(place.directory)) await rm(path);
      const calls = await callsOfSave(await startSaver(program), { ...place, before: null });
      const synced = calls.filter(({ name }) => name === 'fsync').map(({ text }) => /<(.*)>/.exec(text)?.[1]);
      expect(synced[0]).toBe(place.directory);
    });

    test('syncs the value before it links the name, and the name before the save resolves', async () => {
      const place = await usedPlace();
      const calls = await callsOfSave(await startSaver(program), place);
      const isDraft = ({ text }: SystemCall) => /\.draft/.test(text);
      const keyDirectory = dirname(await newestFile(place.directory));
      const isDirectory = ({ text }: SystemCall) => text.includes(`<${keyDirectory}>`);
      const steps = calls.filter((call) => isDraft(call) || (isDirectory(call) && call.name === 'fsync'));
      expect(steps.map(({ name }) => name)).toEqual([
        ...['openat', 'write', 'fsync', 'statx', 'close'],
        ...['link', 'unlink', 'fsync'],
      ]);
      expect(isDirectory(steps.at(-1) ?? { name: '', nth: 0, text: '' })).toBe(true);
    });

    describe('a save without a fault', () => {
      /** How often a save made each call on the store's files. */
      const counts = (calls: readonly SystemCall[]): Record<string, number> => {
        const names = calls.map(({ name }) => name);
        return Object.fromEntries(names.map((name) => [name, names.filter((other) => other === name).length]));
      };
      /** The ends of directory listings. A listing of a small directory takes two calls, and the second returns no names. */
      const listings = (calls: readonly SystemCall[]) =>
        calls.filter(({ name, text }) => name === 'getdents64' && text.endsWith('= 0'));

      test('writes once, syncs twice and lists one directory', async () => {
        const place = await usedPlace();
        const calls = await callsOfSave(await startSaver(program), place);
        expect(counts(calls)).toMatchObject({ write: 1, fsync: 2, getdents64: 2, link: 1, unlink: 2 });
        expect(listings(calls)).toHaveLength(1);
      });

      test('writes once, syncs twice and reads nothing if the same store made the last save', async () => {
        const calls = await callsOfSave(await startSaver(program), await placeOfSecondSave());
        expect(counts(calls)).toMatchObject({ write: 1, fsync: 2, link: 1, unlink: 2 });
        expect(counts(calls)).not.toHaveProperty('getdents64');
        expect(counts(calls)).not.toHaveProperty('read');
      });

      test('syncs once more for each directory that it creates', async () => {
        const place = await emptyPlace();
        const calls = await callsOfSave(await startSaver(program), place);
        expect(counts(calls)).toMatchObject({ write: 1, fsync: 2 + 3, link: 1, unlink: 1 });
        expect(listings(calls)).toHaveLength(1);
      });

      test('makes the same calls however many other keys the store has', async () => {
        const [alone, crowded] = [await usedPlace(), await usedPlace()];
        const store = fileCursorStore(crowded.directory);
        const others = Array.from({ length: 2000 }, (_, index) => `other ${index}`);
        await inParallel(20, others, async (other) => void (await store.set(other, 'value')));
        const saver = await startSaver(program);
        const namesOf = async (place: Place) => (await callsOfSave(saver, place)).map(({ name }) => name);
        const calls = await namesOf(alone);
        expect(await namesOf(crowded)).toEqual(calls);
      });
    });

    describe('a process that is suspended in the middle of a save', () => {
      /** The last call before the link of the draft, and the link. */
      const callsAroundLink = async (makePlace: () => Promise<Place>) => {
        const calls = await callsOfSave(await startSaver(program), await makePlace());
        const beforeLink = calls.find(({ name, text }) => name === 'close' && text.includes('.draft'));
        const link = calls.find(({ name }) => name === 'link');
        if (!beforeLink || !link) throw new Error('The save closed or linked no draft. Update this test.');
        return { beforeLink, link };
      };

      /** Starts a save that stops after each of the calls. */
      const suspendedSave = async (place: Place, ...calls: readonly SystemCall[]) => {
        const saver = await startSaver(program);
        const expressions = calls.map(({ name, nth }) => `inject=${name}:signal=STOP:when=${nth}`);
        const saving = saveAt(saver, place, ...expressions);
        const stopped = () =>
          vi.waitFor(async () => expect(await readFile(`/proc/${saver.pid}/stat`, 'utf8')).toMatch(/\) [Tt] /), {
            timeout: 20_000,
          });
        await stopped();
        const resume = () => {
          if (saver.pid) process.kill(saver.pid, 'SIGCONT');
        };
        return {
          /** Lets the save go on to the next of the calls. */
          continue: async () => {
            resume();
            await stopped();
          },
          /** Lets the save end. */
          end: async () => {
            resume();
            return (await saving).answer;
          },
        };
      };

      const saveOthers = async ({ directory }: Place, count: number) => {
        for (let save = 1; save <= count; save++) await fileCursorStore(directory).set('key', `other ${save}`);
      };
      const fileNames = async ({ directory }: Place) => (await filesIn(directory)).map((path) => basename(path)).sort();

      test.each(places)('before the link reports a conflict if five saves followed (%s)', async (_, makePlace) => {
        const { beforeLink } = await callsAroundLink(makePlace);
        const place = await makePlace();
        const save = await suspendedSave(place, beforeLink);
        await saveOthers(place, 5);
        expect(await save.end()).toEqual({ isSaved: false });
        expect(await fileCursorStore(place.directory).get('key')).toBe('other 5');
        expect(await fileNames(place)).toHaveLength(2);
      });

      test.each([0, 1, 2, 5])('after the link knows its save again if %d saves followed', async (count) => {
        for (const [, makePlace] of places) {
          const { link } = await callsAroundLink(makePlace);
          const place = await makePlace();
          const save = await suspendedSave(place, link);
          await saveOthers(place, count);
          expect(await save.end()).toEqual({ isSaved: true });
          expect(await fileCursorStore(place.directory).get('key')).toBe(count === 0 ? newValue : `other ${count}`);
        }
      });

      test('before the link does not take the outdated save of another such process for the one it follows', async () => {
        const { beforeLink, link } = await callsAroundLink(usedPlace);
        const place = await usedPlace();
        const first = await suspendedSave(place, beforeLink, link);
        await saveOthers(place, 1);
        const second = await suspendedSave({ ...place, before: 'other 1' }, beforeLink);
        await saveOthers(place, 5);
        await first.continue();
        expect(await fileNames(place)).toContain('3'); // The second process has loaded another file of this name.
        expect(await second.end()).toEqual({ isSaved: false });
        expect(await first.end()).toEqual({ isSaved: false });
        expect(await fileCursorStore(place.directory).get('key')).toBe('other 5');
        expect(await fileNames(place)).toEqual(['7', '8']);
      });

      test.each(['beforeLink', 'link'] as const)(
        'saves nothing into a directory that was emptied or restored meanwhile (stopped at %s)',
        async (step) => {
          const around = await callsAroundLink(usedPlace);
          for (const isRestored of [false, true]) {
            const place = await usedPlace();
            const copy = join(place.root, 'copy');
            await cp(place.directory, copy, { recursive: true });
            await fileCursorStore(place.directory).set('key', 'later');
            const save = await suspendedSave({ ...place, before: 'later' }, around[step]);
            const keyDirectory = dirname(await newestFile(place.directory));
            const removed = (await filesIn(place.directory)).filter(
              (path) => step === 'link' || !path.endsWith('.draft'), // The removal may have missed a draft.
            );
            for (const path of removed) await rm(path);
            if (isRestored) await cp(copy, place.directory, { recursive: true });
            const answer = await save.end();
            expect(answer).toEqual({ isSaved: false });
            expect(await readdir(keyDirectory)).toEqual(isRestored ? ['1', '2'] : []);
          }
        },
      );
    });

    // An outdated name must not become free while an older file is there: a suspended process looks for that file.
    test('removes outdated files in the order of their age', async () => {
      const saver = await startSaver(program);
      const place = await usedPlace();
      const failed = await saver.save(commandFor(place), 'inject=unlink:error=EIO:when=2');
      expect(failed.answer).toMatchObject({ error: { message: expect.stringContaining('EIO') } });
      const calls = await callsOfSave(saver, { ...place, before: newValue });
      const unlinked = calls.filter(({ name }) => name === 'unlink').map(({ text }) => /(\d+)"/.exec(text)?.[1]);
      expect(unlinked).toEqual([undefined, '1', '2']); // The draft comes first.
    });

    test('reports the first error if the removal of the draft fails too', async () => {
      const saver = await startSaver(program);
      const place = await usedPlace();
      const faults = [
        'inject=fsync:error=EIO:when=1',
        'inject=unlink:error=EROFS',
        'inject=close:error=EDQUOT:when=3+',
      ];
      const { answer, calls } = await saver.save(commandFor(place), ...faults);
      const injected = calls.filter(({ text }) => text.includes('(INJECTED)')).map(({ name }) => name);
      expect(injected).toEqual(['fsync', 'close', 'unlink']);
      expect(answer).toMatchObject({ error: { message: expect.stringContaining('EIO') } });
    });

    describe('a write that stores fewer bytes than it received', () => {
      const limitFileSize = ({ pid }: TracedSaver, bytes: number | 'unlimited') =>
        execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
      /** The position of the value's write among the writes of a save. The other writes wake up the main thread. */
      const positionOfValueWrite = async (saver: TracedSaver): Promise<number | undefined> =>
        (await callsOfSave(saver, await usedPlace())).find(({ name }) => name === 'write')?.nth;
      const resultsOfWrites = (place: Place, save: TracedSave) => {
        const writes = callsOn(place.root, save).filter(({ name }) => name === 'write');
        return writes.map(({ text }) => text.slice(text.lastIndexOf('= ')));
      };

      test('fails the save and keeps the old value if no more bytes can be written', async () => {
        const [saver, place] = [await startSaver(program), await usedPlace()];
        limitFileSize(saver, 100);
        const save = await saver.save(commandFor(place));
        const results = resultsOfWrites(place, save);
        expect(results[0]).toBe('= 100');
        expect(results.at(-1)).toContain('EFBIG');
        expect(save.answer).toMatchObject({ error: { message: expect.stringContaining('Free space on the disk') } });
        expect(await fileCursorStore(place.directory).get('key')).toBe(oldValue);
        expect(await violationAfter(place, save)).toBeUndefined();
      });

      test('is continued with the remaining bytes, and the save succeeds', async () => {
        const [saver, place] = [await startSaver(program), await usedPlace()];
        const next = ((await positionOfValueWrite(saver)) ?? 0) + 1;
        limitFileSize(saver, 100);
        // SIGSTOP after the first write: newer versions of Node retry by themselves and then return the bytes of the first write.
        const saving = saver.save(commandFor(place), `inject=write:signal=STOP:when=${next}`);
        await vi.waitFor(async () => expect(await readFile(`/proc/${saver.pid}/stat`, 'utf8')).toMatch(/\) [Tt] /), {
          timeout: 20_000,
        });
        limitFileSize(saver, 'unlimited');
        if (saver.pid) process.kill(saver.pid, 'SIGCONT');
        const save = await saving;
        expect(resultsOfWrites(place, save)[0]).toBe('= 100');
        expect(save.answer).toEqual({ isSaved: true });
        expect(await violationAfter(place, save)).toBeUndefined();
      });

      test('is detected before the save replaces anything, even if the write reports success', async () => {
        const [saver, place] = [await startSaver(program), await usedPlace()];
        const save = await saver.save(
          commandFor(place),
          `inject=write:retval=10:when=${await positionOfValueWrite(saver)}`,
        );
        expect(save.answer).toMatchObject({
          error: { message: expect.stringMatching(/bytes after \d+ were written/) },
        });
        expect(await fileCursorStore(place.directory).get('key')).toBe(oldValue);
        expect(await violationAfter(place, save)).toBeUndefined();
      });
    });

    // As reported in https://github.com/npm/write-file-atomic/issues/28
    describe('a file that another program holds, such as a virus scanner on Windows', () => {
      /** The calls that such a program can make fail. */
      const heldCalls = async (saver: TracedSaver) => {
        const calls = await callsOfSave(saver, await usedPlace());
        const draft = calls.find(({ name, text }) => name === 'openat' && text.includes('O_EXCL'));
        return [draft, ...calls.filter(({ name }) => name === 'link' || name === 'unlink')].filter(
          (call) => call !== undefined,
        );
      };

      test.each(['EPERM', 'EACCES', 'EBUSY'])('delays the save, which succeeds after three %s errors', async (code) => {
        const saver = await startSaver(program);
        const calls = await heldCalls(saver);
        expect(calls).toHaveLength(4);
        for (const { name, nth } of calls) {
          const place = await usedPlace();
          const save = await saver.save(commandFor(place), `inject=${name}:error=${code}:when=${nth}..${nth + 2}`);
          expect(save.calls.filter(({ text }) => text.includes('(INJECTED)'))).toHaveLength(3);
          expect(save.answer).toEqual({ isSaved: true });
          expect(await violationAfter(place, save)).toBeUndefined();
        }
      });

      test('fails the save after two seconds and keeps the old value', async () => {
        const savers = [await startSaver(program), await startSaver(program)];
        const calls = await heldCalls(savers[0] ?? (await startSaver(program)));
        await inParallel(2, calls.slice(0, 2), async ({ name, nth }) => {
          const [saver, place] = [savers.pop(), await usedPlace()];
          const startedAtMs = performance.now();
          const save = await saver?.save(commandFor(place), `inject=${name}:error=EPERM:when=${nth}+`);
          expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(2000);
          expect(save?.answer).toMatchObject({ error: { message: expect.stringMatching(/EPERM.*no hard links/) } });
          expect(await fileCursorStore(place.directory).get('key')).toBe(oldValue);
        });
      });
    });
  },
);

// write-file-atomic 7 and atomically 2 put a truncated file in place here and report a success.
describe.skipIf(!canMount)('fileCursorStore on a full disk (needs Linux and root)', () => {
  /** Fills the disk but for `pagesLeft` pages of 4096 bytes. */
  const fill = async (directory: string, pagesLeft: number): Promise<void> => {
    const file = await open(join(directory, 'filler'), 'w');
    let pages = 0;
    const page = Buffer.alloc(4096);
    try {
      for (;;) {
        const { bytesWritten } = await file.write(page);
        if (bytesWritten === page.length) pages++;
      }
    } catch {
      await file.truncate((pages - pagesLeft) * page.length);
    } finally {
      await file.close();
    }
  };

  test.each([0, 1, 2, 3])(
    'throws, keeps the old value and saves again once there is space (%d pages left)',
    async (pagesLeft) => {
      const mounted = await mountedDirectory('size=128k');
      const store = fileCursorStore(join(mounted, 'cursors'));
      await store.set('key', oldValue);
      await fill(mounted, pagesLeft);
      const longer = `v1:${'x'.repeat(4 * 4096)}`;
      const saving = store.compareAndSet?.('key', oldValue, longer);
      await expect(saving).rejects.toMatchObject({ name: 'CursorStoreError', retryable: true, key: 'key' });
      await expect(saving).rejects.toThrow(/ENOSPC.*Free space on the disk/);
      expect(await fileCursorStore(join(mounted, 'cursors')).get('key')).toBe(oldValue);
      expect(await store.rollbackReason?.('key')).toBeUndefined();
      await rm(join(mounted, 'filler'));
      expect(await store.compareAndSet?.('key', oldValue, longer)).toBe(true);
      expect(await store.get('key')).toBe(longer);
    },
  );

  test.each([0, 1])(
    'throws, keeps the old value and saves again once there are inodes (%d left)',
    async (namesLeft) => {
      // The root of the file system, the directories of the store and of the key, and the first save use one inode each.
      const mounted = await mountedDirectory(`size=1m,nr_inodes=${6 + namesLeft}`);
      const store = fileCursorStore(join(mounted, 'cursors'));
      await store.set('key', oldValue);
      const fillers = [];
      try {
        for (;;) {
          const filler = join(mounted, `filler${fillers.length}`);
          await writeFile(filler, '');
          fillers.push(filler);
        }
      } catch {
        for (const filler of fillers.splice(0, namesLeft)) await rm(filler);
      }
      await expect(store.set('key', newValue)).rejects.toThrow(/ENOSPC.*Free space on the disk/);
      expect(await store.get('key')).toBe(oldValue);
      for (const filler of fillers) await rm(filler);
      await store.set('key', newValue);
      expect(await store.get('key')).toBe(newValue);
    },
  );
});

test.skipIf(!canMakeReadOnly)(
  'fileCursorStore in a read-only directory throws from saves and still reads (as root, needs Linux)',
  async () => {
    const { directory, close, open } = await closableDirectory();
    const store = fileCursorStore(directory);
    await store.set('key', oldValue);
    close();
    const saving = store.set('key', newValue);
    await expect(saving).rejects.toThrow(CursorStoreError);
    await expect(saving).rejects.toHaveProperty('cause.syscall', 'open'); // The first call that failed.
    await expect(saving).rejects.toThrow(/(EROFS|EACCES).*Allow this process to read, write and remove files there/);
    expect(await store.get('key')).toBe(oldValue);
    open();
    await store.set('key', newValue);
    expect(await store.get('key')).toBe(newValue);
  },
);
