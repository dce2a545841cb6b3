import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));

/** `npm run test:docs` alone runs these tests: a browser opens every page, and each code block becomes a process. */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^planetscale-audit$/, replacement: source('index.ts') },
      { find: /^planetscale-audit\/(node|stores|testing)$/, replacement: source('$1.ts') },
    ],
  },
  test: {
    root: import.meta.dirname,
    include: ['site.browser.ts', 'run-code-blocks.ts'],
    testTimeout: 300_000,
    hookTimeout: 1_200_000,
  },
});
