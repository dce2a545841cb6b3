import { defineConfig } from 'tsup';

const modules = { index: 'src/index.ts', node: 'src/node.ts', stores: 'src/stores.ts', testing: 'src/testing.ts' };

export default defineConfig({
  entry: { ...modules, cli: 'src/cli/main.ts' },
  format: ['esm'],
  target: 'node22.12',
  platform: 'neutral',
  external: [/^node:/, /^planetscale-audit/],
  removeNodeProtocol: false, // A bundler for a neutral platform finds no `fs`, and no runtime finds a `sqlite`.
  dts: { entry: modules },
  sourcemap: true,
  clean: true,
});
