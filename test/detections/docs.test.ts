import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { detectionsTable } from '../../docs/detections-table.ts';
import { root } from '../support/programs.ts';
import { detections, sigmaNames } from './detections.ts';

const file = join(root, 'docs/detections.md');

test('the table in docs/detections.md is up to date with examples/detections (`npx vitest run detections/docs -u` updates it)', async () => {
  const parts = /^(.*<!-- detections[^\n]*-->\n).*(<!-- end of detections -->.*)$/s.exec(readFileSync(file, 'utf8'));
  expect(parts).not.toBeNull();
  const [, before, after] = parts ?? [];
  await expect(`${before}\n${detectionsTable(detections, sigmaNames)}\n\n${after}`).toMatchFileSnapshot(file);
});
