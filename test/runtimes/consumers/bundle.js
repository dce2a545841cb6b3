// Bundles a program, with all that it imports, by the bundler that the first argument names: `node bundle.js vite worker.js out`.
import { resolve } from 'node:path';
import process from 'node:process';

const [, , bundler, entry, directory] = process.argv;
const outdir = resolve(directory);
const external = ['cloudflare:workers'];
/** Where wrangler finds the packages of a Worker. */
const workerConditions = ['workerd', 'worker', 'browser'];
const isWorker = entry === 'worker.js';

const bundlers = {
  async esbuild() {
    const { build } = await import('esbuild');
    const target = isWorker ? { platform: 'browser', conditions: workerConditions } : { platform: 'node' };
    await build({
      entryPoints: [entry],
      bundle: true,
      format: 'esm',
      outdir,
      external,
      logLevel: 'warning',
      ...target,
    });
  },
  async vite() {
    const { build } = await import('vite');
    await build({
      configFile: false,
      logLevel: 'warn',
      build: { ssr: entry, outDir: outdir, rollupOptions: { external, output: { entryFileNames: entry } } },
      ssr: isWorker
        ? { noExternal: true, target: 'webworker', resolve: { conditions: workerConditions } }
        : { noExternal: true },
    });
  },
  async webpack() {
    const { default: webpack } = await import('webpack');
    const compiler = webpack({
      mode: 'production',
      entry: `./${entry}`,
      target: isWorker ? 'webworker' : 'node22',
      externals: external,
      externalsType: 'module',
      experiments: { outputModule: true },
      output: { path: outdir, filename: entry, module: true, library: { type: 'module' } },
      resolve: isWorker ? { conditionNames: [...workerConditions, 'import'] } : {},
      performance: { hints: false },
    });
    await new Promise((resolve, reject) => {
      compiler.run((error, stats) => {
        if (error || stats.hasErrors() || stats.hasWarnings()) reject(error ?? new Error(stats.toString()));
        else resolve();
      });
    });
  },
};

await bundlers[bundler]();
