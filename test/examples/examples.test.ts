import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../support/programs.ts';

const examples = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.ts'));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const tests = globSync('test/{examples,stores}/*.test.ts', { cwd: root }).map(read).join('\n');

describe.each(examples)('examples/%s', (name) => {
  const source = read(`examples/${name}`);

  test('says at its top what it does', () => {
    expect(source).toMatch(/^\/\/ [A-Z].*\n\/\/ /);
  });

  test.skipIf(name === 'demo.ts')('has at most 60 lines', () => {
    expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(60);
  });

  test('has its row in examples/README.md', () => {
    expect(read('examples/README.md')).toContain(`| [${name}](${name})`);
  });

  test('is run by a test', () => {
    expect(tests).toMatch(new RegExp(`['/]${name.replace('.', '\\.')}'`));
  });
});
