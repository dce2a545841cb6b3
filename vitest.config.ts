import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^planetscale-audit$/, replacement: source('index.ts') },
      { find: /^planetscale-audit\/(node|stores|testing)$/, replacement: source('$1.ts') },
    ],
  },
  test: {
    restoreMocks: true,
    testTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          typecheck: { enabled: true, include: ['test/types/*.test-d.ts'] },
        },
      },
      {
        // As in Jest, the errors of Node and of the network come from another realm and are not `instanceof Error`.
        extends: true,
        test: {
          name: 'another realm',
          pool: 'vmThreads',
          include: [
            'test/client/api-errors.test.ts',
            'test/client/refused-connection.test.ts',
            'test/stores/cursor-store-checks.test.ts',
            'test/stores/file-cursor-store.test.ts',
          ],
        },
      },
    ],
  },
});
