import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { statusHtml } from '../../examples/fleet-pg-boss/src/status-html.ts';
import { root } from '../support/programs.ts';

const fileOf = (fleet: string, path: string) => readFile(join(root, 'examples', fleet, path), 'utf8');

describe('the fleets of examples', () => {
  test.each([
    'organizations.example.json',
    'tsconfig.json',
    'src/organizations.ts',
    'src/outcome.ts',
    'src/status-html.ts',
  ])('have the same %s, because each folder is copied alone', async (path) => {
    expect(await fileOf('fleet-bullmq', path)).toBe(await fileOf('fleet-pg-boss', path));
  });

  test.each(['fleet-pg-boss', 'fleet-bullmq'])(
    '%s depends on exact versions, and on this version of the package',
    async (fleet) => {
      const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
      const { dependencies, devDependencies } = JSON.parse(await fileOf(fleet, 'package.json'));
      expect(dependencies['planetscale-audit']).toBe(version);
      const versions = Object.values({ ...dependencies, ...devDependencies });
      expect(versions.filter((range) => !/^\d+\.\d+\.\d+$/.test(String(range)))).toEqual([]);
    },
  );
});

describe('the status page of the fleets', () => {
  const now = Date.parse('2026-11-01T00:10:00Z');

  test('shows names and errors as text, whatever is in them', () => {
    const html = statusHtml(
      [{ organization: '<b>"&\'', state: 'parked', lastSuccessAt: undefined, lastError: '<script>alert(1)</script>' }],
      now,
    );
    expect(html).toContain('&lt;b&gt;&quot;&amp;&#39;');
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).not.toContain('<b>');
    expect(html).not.toContain('<script>alert');
  });

  test('shows the age of the last success as the lag', () => {
    const rowOf = (lastSuccessAt: Date | undefined) =>
      statusHtml([{ organization: 'acme', state: 'ok', lastSuccessAt, lastError: undefined }], now);
    expect(rowOf(new Date(now - 61_000))).toContain('data-value="61000">61 s<');
    expect(rowOf(new Date(now - 600_000))).toContain('>10 min<');
    expect(rowOf(undefined)).toContain('>never ran<');
  });
});
