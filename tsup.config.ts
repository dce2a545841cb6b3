import { defineConfig } from 'tsup';

export default defineConfig({
  entry: { index: 'src/index.ts', node: 'src/node.ts', stores: 'src/stores.ts', testing: 'src/testing.ts' },
  format: ['esm'],
  target: 'node22.12',
  platform: 'neutral',
  external: [/^node:/],
  removeNodeProtocol: false, // A bundler for a neutral platform finds no `fs`, and no runtime finds a `sqlite`.
  dts: true,
  sourcemap: true,
  clean: true,
});
