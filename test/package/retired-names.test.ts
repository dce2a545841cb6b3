import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const script = fileURLToPath(new URL('../scripts/retired-names.ts', import.meta.url));

const check = async (text: string): Promise<{ file: string; failed: boolean; output: string }> => {
  const directory = await mkdtemp(join(tmpdir(), 'retired-names-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'sample.ts');
  await writeFile(file, text);
  return new Promise((resolve) => {
    execFile(process.execPath, [script, file], (error, _, output) => resolve({ file, failed: error !== null, output }));
  });
};

// The names are put together here, or the check would find them in this file.
const retired = ['planetscaleLogs', 'Table'].join('');
const retiredPrefix = ['most', 'Pages'].join('');
const retiredMethod = ['fake', 'fail('].join('.');

test('the check for retired names fails on each of them, with its file, its line and the name of today', async () => {
  const { file, failed, output } = await check(
    `const a = 1;\n${retired}();\n  ${retiredMethod}{});\n${retiredPrefix};\n`,
  );
  expect(failed).toBe(true);
  expect(output).toContain(`${file}:2:${retired} (now: planetscaleLogsDdl)\n`);
  expect(output).toContain(`${file}:3:${retiredMethod} (now: failNext)\n`);
  expect(output).toContain(`${file}:4:${retiredPrefix} (now: max…)\n`);
});

test('the check for retired names passes names that only contain a retired one', async () => {
  const { failed, output } = await check(
    `my${retired}; ${retired}s; planetscaleLogsDdl; fake.failNext(); almostAll; mostly;\n`,
  );
  expect(output).toBe('');
  expect(failed).toBe(false);
});
