import { registerHooks } from 'node:module';

const entryPattern = /^planetscale-audit(?:\/(node|stores|testing))?$/;

// Lets a program import the package from src, without a build: node --import ./test/support/resolve-source.ts examples/tail.ts
registerHooks({
  resolve(specifier, context, nextResolve) {
    const match = entryPattern.exec(specifier);
    return nextResolve(
      match ? new URL(`../../src/${match[1] ?? 'index'}.ts`, import.meta.url).href : specifier,
      context,
    );
  },
});
