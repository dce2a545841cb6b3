import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { idsOf, numbered } from '../support/served.ts';
import { idsIn, linesOf, run, servedEnv, temporaryDirectory } from './support.ts';

const all = idsOf(numbered(250));
const missing = ['event0000200', 'event0000100', 'event0000007'];

/** A file of lines. */
const fileOf = async (lines: readonly string[]) => {
  const path = join(await temporaryDirectory(), 'ids');
  await writeFile(path, lines.map((line) => `${line}\n`).join(''));
  return path;
};

describe('planetscale-audit verify', () => {
  test('prints the events that are not among the ids, newest first, and ends with status 3', async () => {
    const { env } = await servedEnv();
    const ids = await fileOf(all.filter((id) => !missing.includes(id)));
    const { status, stdout, stderr } = await run(['verify', '--ids', ids], env);
    expect(idsIn(stdout)).toEqual(missing);
    expect(stderr).toBe('3 of the events that PlanetScale lists are missing.\n');
    expect(status).toBe(3);
  });

  test.each(['ndjson', 'raw', 'runreveal', 'ocsf'])(
    'finds nothing missing in lines of %s that tail has printed',
    async (format) => {
      const { env } = await servedEnv();
      const state = await temporaryDirectory();
      const tail = await run(['tail', '--once', '--start', 'oldest', '--format', format, '--state', state], env);
      const ids = await fileOf(linesOf(tail.stdout));
      expect(await run(['verify', '--ids', ids], env)).toMatchObject({
        status: 0,
        stdout: '',
        stderr: '0 of the events that PlanetScale lists are missing.\n',
      });
    },
  );

  test('reads ids from standard input, and looks at a range of time alone', async () => {
    const { env } = await servedEnv();
    const range = ['--since', '2026-11-01T00:01:00Z', '--until', '2026-11-01T00:03:00Z'];
    const ids = all.filter((id) => !missing.includes(id)).join('\r\n');
    const { status, stdout } = await run(['verify', '--ids', '-', ...range], env, ids);
    expect(idsIn(stdout)).toEqual(['event0000100']);
    expect(status).toBe(3);
  });

  test('refuses a line of JSON without an id, and names it', async () => {
    const { env } = await servedEnv();
    const ids = await fileOf([...all.slice(0, 2), '{"name":"acme"}']);
    const { status, stderr } = await run(['verify', '--ids', ids], env);
    expect(stderr).toContain('--ids: line 3 of ');
    expect(status).toBe(2);
  });
});
