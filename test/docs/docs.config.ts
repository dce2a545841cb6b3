import { defineConfig } from 'vitest/config';
import main from '../../vitest.config.ts';

/** `npm run test:docs` alone runs these tests: a browser opens every page, and each code block becomes a process. */
export default defineConfig({
  resolve: { alias: main.resolve?.alias ?? [] },
  test: {
    root: import.meta.dirname,
    include: ['site.browser.ts', 'run-code-blocks.ts'],
    testTimeout: 300_000,
    hookTimeout: 1_200_000,
  },
});
