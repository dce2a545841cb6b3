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

  test('finds nothing missing in a compressed export', async () => {
    const { env } = await servedEnv();
    const out = join(await temporaryDirectory(), 'audit.ndjson.gz');
    await run(['export', '--out', out], env);
    expect(await run(['verify', '--ids', out], env)).toMatchObject({ status: 0, stdout: '' });
  });

  test.each([
    ['the quotes of CSV', (id: string) => `"${id}"`],
    ['the column eventID beside another id', (id: string) => JSON.stringify({ id: 'a-row', eventID: id })],
    ['metadata that has a uid', (id: string) => JSON.stringify({ id, metadata: { uid: 'other' } })],
  ])('finds an id in %s', async (_, lineOf) => {
    const { env } = await servedEnv();
    const ids = await fileOf([`\uFEFF${lineOf(all[0] ?? '')}`, ...all.slice(1).map(lineOf)]);
    expect(await run(['verify', '--ids', ids], env)).toMatchObject({ status: 0, stdout: '' });
  });

  test.each([
    '{"name":"acme"}',
    'Code: 516. DB::Exception: Authentication failed',
    '["event0000001","event0000002"]',
    'e\0v\0e\0n\0t\0',
    '\u001f\u008b\u0008\u0000',
  ])('refuses a line without an id (%j), and names it', async (line) => {
    const { env } = await servedEnv();
    const ids = await fileOf([...all.slice(0, 2), line]);
    const { status, stderr, stdout } = await run(['verify', '--ids', ids], env);
    expect(stderr).toContain('--ids: line 3 of ');
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});
