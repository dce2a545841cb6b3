import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bundle, bundled } from '../support/bundled.ts';

let program: Bundle;
beforeAll(async () => {
  program = await bundled('keep-events.ts');
});
afterAll(() => program.remove());

test.each([
  ['ASCII text alone', 'x'],
  ['a character beyond Latin-1', '💥'],
])('a kept event holds at most 8 KiB of memory, and not the text of its page with %s', async (_, text) => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program.path, text]);
  expect(Number(stdout)).toBeGreaterThan(0);
  expect(Number(stdout)).toBeLessThan(8 * 1024);
});
