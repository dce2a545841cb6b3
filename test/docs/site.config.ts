import { defineConfig } from 'vitest/config';

/** `npm run test:site` alone runs this test, because the browser opens every page. */
export default defineConfig({
  test: { root: import.meta.dirname, include: ['site.browser.ts'], testTimeout: 300_000, hookTimeout: 1_200_000 },
});
