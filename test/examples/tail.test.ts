import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lines, served } from '../support/programs.ts';
import { runExample, runInShell, slowly, temporaryDirectory } from './support.ts';

describe('examples/tail.ts', () => {
  test(
    'prints the newest events, exits on SIGTERM, and resumes after the last printed event',
    async () => {
      const env = { ...(await served(30)), CURSOR_DIRECTORY: await temporaryDirectory() };
      const first = await runExample('tail.ts', {
        env,
        until: (output) => output.includes('2026-11-01T00:00:29.000Z'),
      });
      expect(first.code, first.output).toBe(0);
      const [notice, ...events] = lines(first.output);
      expect(notice).toMatch(/^planetscale-audit: first-run: .* the 20 newest events/);
      expect(events).toHaveLength(20);
      const next = await served(33);
      const second = await runExample('tail.ts', {
        env: { ...env, ...next },
        until: (output) => output.includes('2026-11-01T00:00:32.000Z'),
      });
      expect(lines(second.output).map((line) => line.slice(0, 24))).toEqual([
        '2026-11-01T00:00:30.000Z',
        '2026-11-01T00:00:31.000Z',
        '2026-11-01T00:00:32.000Z',
      ]);
    },
    slowly,
  );

  test(
    'ends without an error when its reader closes the pipe, and acknowledges no event that was not written',
    async () => {
      const directory = join(await temporaryDirectory(), 'cursors');
      // Lines of 10 kB: a pipe takes some six of them before its reader has to read.
      const long = Array(20).fill({ auditable_display_name: 'x'.repeat(10_000) });
      const env = { ...(await served(20, long)), CURSOR_DIRECTORY: directory };
      const pipe = '"$@" 2> "$CURSOR_DIRECTORY.errors" | head -n 1; echo "status $PIPESTATUS"';
      const { output } = await runInShell(pipe, 'tail.ts', env);
      expect(lines(output)).toEqual([expect.stringMatching(/^2026-11-01T00:00:00.000Z/), 'status 0']);
      expect(await readFile(`${directory}.errors`, 'utf8')).not.toContain('EPIPE');
      const rest = await runExample('tail.ts', {
        env,
        until: (soFar) => soFar.includes('2026-11-01T00:00:19.000Z'),
      });
      expect(lines(rest.output).length).toBeGreaterThanOrEqual(10);
      expect(lines(rest.output).length).toBeLessThan(20);
    },
    slowly,
  );

  test('names the missing environment variable and exits with an error', async () => {
    const { code, output } = await runExample('tail.ts', {
      env: { PLANETSCALE_ORG: '', PLANETSCALE_ORGANIZATION: '' },
    });
    expect(code).not.toBe(0);
    expect(output).toContain('set PLANETSCALE_ORG');
  });
});
