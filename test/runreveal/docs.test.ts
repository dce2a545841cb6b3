import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { columnsTable } from '../../docs/runreveal-columns.ts';

const file = fileURLToPath(new URL('../../docs/runreveal.md', import.meta.url));

test('the table in docs/runreveal.md is up to date with runRevealColumns (`npx vitest run runreveal/docs -u` updates it)', async () => {
  const parts = /^(.*<!-- columns[^\n]*-->\n).*(<!-- end of columns -->.*)$/s.exec(readFileSync(file, 'utf8'));
  expect(parts).not.toBeNull();
  const [, before, after] = parts ?? [];
  await expect(`${before}\n${columnsTable()}\n\n${after}`).toMatchFileSnapshot(file);
});
