import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { FakePlanetScaleOptions } from 'planetscale-audit/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { canMount, mountedDirectory } from '../support/fault-trials.ts';
import { idsOf, numbered } from '../support/served.ts';
import { heldEnv, idsIn, linesOf, run, start, temporaryDirectory } from './support.ts';

const newestFirst = idsOf(numbered(1050)).reverse();

/** A PlanetScale with eleven pages, and a file to export to. */
const createExport = async ({ name = 'audit.ndjson', directory = '', flags = [], ...options }: ExportOptions = {}) => {
  const { fake, env, hold, release } = await heldEnv({ events: numbered(1050), ...options });
  const out = join(directory || (await temporaryDirectory()), name);
  const args = ['export', '--out', out, ...flags];
  const read = async () => {
    const bytes = await readFile(out);
    return idsIn(String(name.endsWith('.gz') ? gunzipSync(bytes) : bytes));
  };
  /** Starts the export, which hangs after so many pages. */
  const startHeld = async (pages: number) => {
    const expected = (await writtenIds(out)).length + pages * 100;
    hold(pages);
    const running = start(args, env);
    await expect.poll(async () => (await writtenIds(out)).length, { timeout: 20_000 }).toBe(expected);
    return running;
  };
  const kill = async (pages: number) => {
    const running = await startHeld(pages);
    running.child.kill('SIGKILL');
    expect((await running.ended).signal).toBe('SIGKILL');
    release();
  };
  return { fake, env, out, args, read, startHeld, release, kill };
};

interface ExportOptions extends FakePlanetScaleOptions {
  readonly name?: string;
  readonly directory?: string;
  readonly flags?: readonly string[];
}

/** The ids of the events that an unfinished export holds. */
const writtenIds = async (out: string): Promise<string[]> => {
  const progress = await readFile(`${out}.part.json`, 'utf8').catch(() => undefined);
  if (progress === undefined) return [];
  const ids = await readFile(`${out}.part.ids`, 'utf8').catch(() => '');
  return linesOf(ids.slice(0, JSON.parse(progress).idBytes));
};

describe('planetscale-audit export', () => {
  test('writes every event to standard output, newest first', async () => {
    const { env } = await createExport();
    const { status, stdout, stderr } = await run(['export'], env);
    expect(idsIn(stdout)).toEqual(newestFirst);
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  test('writes the events of a range of time and of the named actions', async () => {
    const { env } = await createExport();
    const range = ['--since', '2026-11-01T00:10:00Z', '--until', '2026-11-01T00:10:02Z'];
    expect(idsIn((await run(['export', ...range], env)).stdout)).toEqual(['event0000601', 'event0000600']);
    expect((await run(['export', ...range, '--action', 'user.created'], env)).stdout).toBe('');
  });

  test('writes a range that begins far above the oldest event, to a file and to standard output', async () => {
    const { env, args, read } = await createExport();
    const since = ['--since', '2026-11-01T00:16:00Z'];
    const expected = newestFirst.slice(0, newestFirst.indexOf('event0000960') + 1);
    const { status, stdout, stderr } = await run(['export', ...since], env);
    expect(idsIn(stdout)).toEqual(expected);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect((await run([...args, ...since], env)).status).toBe(0);
    expect(await read()).toEqual(expected);
  });

  test('writes a file of gzip that is whole, even if no event is in the range', async () => {
    const { env, args, read } = await createExport({ name: 'audit.ndjson.gz' });
    expect((await run([...args, '--until', '2026-01-01'], env)).status).toBe(0);
    expect(await read()).toEqual([]);
  });

  test('leaves a file as it is that appears during the export, and continues once it is gone', async () => {
    const { env, out, args, read, startHeld, release } = await createExport();
    const running = await startHeld(2);
    await writeFile(out, 'precious');
    release();
    const { status, stderr } = await running.ended;
    expect(stderr).toContain(`--out: ${out} exists`);
    expect(status).toBe(2);
    expect(await readFile(out, 'utf8')).toBe('precious');
    await rm(out);
    expect((await run(args, env)).status).toBe(0);
    expect(await read()).toEqual(newestFirst);
  });

  test.each(['audit.ndjson', 'audit.ndjson.gz'])('writes %s, and leaves nothing beside it', async (name) => {
    const { env, out, args, read } = await createExport({ name });
    const { status, stdout, stderr } = await run(args, env);
    expect(await read()).toEqual(newestFirst);
    expect(await readdir(join(out, '..'))).toEqual([name]);
    expect(stderr).toBe(`Wrote 1,050 events to ${out}.\n`);
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  test.each(['audit.ndjson', 'audit.ndjson.gz'])(
    'continues %s after it was killed, without a missing or a doubled event',
    async (name) => {
      const { env, out, args, read, kill } = await createExport({ name });
      for (let kills = 0; kills < 3; kills++) {
        await kill(2);
        expect(existsSync(out)).toBe(false);
      }
      expect((await run(args, env)).status).toBe(0);
      expect(await read()).toEqual(newestFirst);
    },
  );

  test('cuts off what a killed process has written of an unfinished page', async () => {
    const { env, out, args, read, kill } = await createExport();
    await kill(2);
    await writeFile(`${out}.part`, '{"id":"torn', { flag: 'a' });
    await writeFile(`${out}.part.ids`, 'event00', { flag: 'a' });
    expect((await run(args, env)).status).toBe(0);
    expect(await read()).toEqual(newestFirst);
  });

  test('keeps the times of its first call', async () => {
    const { out, kill } = await createExport({ flags: ['--since', '300d', '--until', '1s'] });
    const times = async () => {
      const { since, until } = JSON.parse(await readFile(`${out}.part.json`, 'utf8'));
      return { since, until };
    };
    await kill(1);
    const before = await times();
    await kill(1);
    expect(await times()).toEqual(before);
    expect(Date.parse(before.until)).toBeGreaterThan(Date.parse(before.since));
  });

  test.each(['not-found', 'empty', 'first-page'] as const)(
    'reads from the newest event again if PlanetScale has deleted the event at which it stopped (%s)',
    async (unknownCursor) => {
      const { fake, env, out, args, read, kill } = await createExport({ unknownCursor });
      await kill(3);
      fake.remove((await writtenIds(out)).at(-1) ?? '');
      fake.add({ id: 'newcomer0000' });
      const { status, stderr } = await run(args, env);
      expect(stderr).toContain('Reading from the newest event again');
      expect(status).toBe(0);
      const ids = await read();
      expect(ids.filter((id) => id !== 'newcomer0000')).toEqual(newestFirst);
      expect(ids).toHaveLength(newestFirst.length + 1);
    },
  );

  test('ends with status 1 after a SIGTERM while PlanetScale is silent, and continues in the next call', async () => {
    const { env, args, read, startHeld, release } = await createExport();
    const running = await startHeld(2);
    running.child.kill('SIGTERM');
    const { status, stderr } = await running.ended;
    expect(stderr).toContain('Run the same command again to continue');
    expect(stderr).toContain('Stopped before all events were written');
    expect(status).toBe(1);
    release();
    expect((await run(args, env)).status).toBe(0);
    expect(await read()).toEqual(newestFirst);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'ends at once after a second %s, even if the disk hangs',
    async (signal) => {
      const { out, startHeld } = await createExport();
      const running = await startHeld(2);
      await rm(`${out}.part.lock`);
      execFileSync('mkfifo', [`${out}.part.lock`]); // To read it takes forever.
      running.child.kill(signal);
      await running.until(({ stderr }) => stderr.includes('Stopped before all events were written'));
      running.child.kill(signal);
      expect((await running.ended).signal).toBe(signal);
    },
  );

  test('refuses a second export to the same file, and the first one goes on', async () => {
    const { env, args, read, startHeld, release } = await createExport();
    const first = await startHeld(2);
    const { status, stderr } = await run(args, env);
    expect(stderr).toContain(`another export writes this file (process ${first.child.pid})`);
    expect(status).toBe(2);
    release();
    expect((await first.ended).status).toBe(0);
    expect(await read()).toEqual(newestFirst);
  });

  const foreignLock = JSON.stringify({ place: 'elsewhere', pid: 1, id: 'another-owner' });

  test('stops if an export on another machine has begun to write the same file', async () => {
    const { out, startHeld, release } = await createExport();
    const running = await startHeld(2);
    const before = await readFile(`${out}.part.json`, 'utf8');
    await writeFile(`${out}.part.lock`, foreignLock);
    release();
    const { status, stderr } = await running.ended;
    expect(stderr).toContain(`${out}.part.lock is no longer of this export`);
    expect(status).toBe(1);
    expect(await readFile(`${out}.part.json`, 'utf8')).toBe(before);
    expect(await readFile(`${out}.part.lock`, 'utf8')).toBe(foreignLock);
  });

  test('refuses a file that an export on another machine writes, until its lock is a minute old', async () => {
    const { env, out, args, read } = await createExport();
    await writeFile(`${out}.part.lock`, foreignLock);
    const { status, stderr } = await run(args, env);
    expect(stderr).toContain('an export on another machine or in another container writes this file (elsewhere)');
    expect(status).toBe(2);
    const minuteAgo = new Date(Date.now() - 61_000);
    await utimes(`${out}.part.lock`, minuteAgo, minuteAgo);
    expect((await run(args, env)).status).toBe(0);
    expect(await read()).toEqual(newestFirst);
  });

  test.each([1, 2, 3])(
    'lets one of several exports that find the lock of a dead process write the file (%i)',
    async () => {
      const { env, args, kill, read } = await createExport();
      await kill(2);
      const outcomes = await Promise.all(Array.from({ length: 4 }, () => run(args, env)));
      const statuses = outcomes.map(({ status }) => status);
      expect(statuses.filter((status) => status === 0)).toHaveLength(1);
      expect(await read()).toEqual(newestFirst);
    },
  );

  test('takes the lock of a dead process whose parent never asked for its status', async () => {
    const { env, out, args, read } = await createExport();
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const [pid] = await once(parent.stdout, 'data');
    await expect.poll(() => readFile(`/proc/${Number(pid)}/stat`, 'utf8')).toContain(') Z ');
    const other = await createExport();
    const running = await other.startHeld(1);
    const owner = JSON.parse(await readFile(`${other.out}.part.lock`, 'utf8'));
    running.child.kill('SIGKILL');
    await writeFile(`${out}.part.lock`, JSON.stringify({ ...owner, pid: Number(pid) }));
    expect((await run(args, env)).status).toBe(0);
    expect(await read()).toEqual(newestFirst);
  });

  test('does not begin again if PlanetScale refuses access, and continues with the right token', async () => {
    const { env, args, read, kill } = await createExport();
    await kill(2);
    const { status, stderr } = await run(args, { ...env, PLANETSCALE_SERVICE_TOKEN: 'pscale_tkn_wrong' });
    expect(stderr).not.toContain('Reading from the newest event again');
    expect(stderr).toContain('Run planetscale-audit check');
    expect(status).toBe(4);
    expect((await run(args, env)).status).toBe(0);
    expect(await read()).toEqual(newestFirst);
  });

  test('refuses a file that exists, and leaves it as it is', async () => {
    const { env, out, args } = await createExport();
    await writeFile(out, 'precious');
    const { status, stderr } = await run(args, env);
    expect(stderr).toContain(`--out: ${out} exists`);
    expect(status).toBe(2);
    expect(await readFile(out, 'utf8')).toBe('precious');
  });

  test('refuses to continue an export with other flags', async () => {
    const { env, out, args, kill } = await createExport();
    await kill(1);
    const length = (await stat(`${out}.part`)).size;
    for (const flags of [
      ['--format', 'raw'],
      ['--since', '7d'],
      ['--action', 'user.created'],
    ]) {
      const { status, stderr } = await run([...args, ...flags], env);
      expect(stderr).toContain('another export');
      expect(status).toBe(2);
    }
    expect((await stat(`${out}.part`)).size).toBe(length);
  });

  test.each([
    ['the part of a stranger', async (out: string) => writeFile(`${out}.part`, 'precious'), 'no export has written it'],
    ['progress that is no JSON', async (out: string) => writeFile(`${out}.part.json`, 'rubbish'), 'is damaged'],
    [
      'progress without its part',
      async (out: string) =>
        writeFile(
          `${out}.part.json`,
          JSON.stringify({ request: { organization: 'acme', format: 'ndjson' }, bytes: 7, idBytes: 0 }),
        ),
      'is damaged',
    ],
  ])('refuses %s, and leaves it as it is', async (_, prepare, message) => {
    const { env, out, args } = await createExport();
    await prepare(out);
    const { status, stderr } = await run(args, env);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
    expect(existsSync(out)).toBe(false);
  });

  test.skipIf(!canMount)('fails on a full disk, and continues once there is room', async () => {
    const directory = await mountedDirectory('size=2m');
    const filler = join(directory, 'filler');
    await writeFile(filler, Buffer.alloc(1_800_000));
    const { env, args, read } = await createExport({ directory });
    const { status, stderr } = await run(args, env);
    expect(stderr).toContain('ENOSPC');
    expect(status).toBe(1);
    await rm(filler);
    expect((await run(args, env)).status).toBe(0);
    expect(await read()).toEqual(newestFirst);
  });

  test('ends without an error if the reader of its output goes away', async () => {
    const { env } = await createExport();
    const running = start(['export', '--format', 'runreveal'], env);
    running.child.stdout?.once('data', () => running.child.stdout?.destroy());
    const { status, stderr } = await running.ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
