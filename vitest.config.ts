import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^planetscale-audit$/, replacement: source('index.ts') },
      { find: /^planetscale-audit\/(node|testing)$/, replacement: source('$1.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    typecheck: { enabled: true, include: ['test/types/*.test-d.ts'] },
    restoreMocks: true,
    testTimeout: 30_000,
  },
});
