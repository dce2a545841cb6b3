import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

export interface Bundle {
  readonly path: string;
  remove(): Promise<void>;
}

/** Bundles a program of this directory into one JavaScript file, which starts in half the time. */
export async function bundled(program: string): Promise<Bundle> {
  const outDir = await mkdtemp(join(tmpdir(), 'bundled-'));
  await build({
    config: false,
    entry: [fileURLToPath(new URL(program, import.meta.url))],
    outDir,
    format: 'esm',
    outExtension: () => ({ js: '.mjs' }),
    platform: 'node',
    target: 'node22.12',
    noExternal: [/./],
    // Packages in CommonJS, such as pg, require the modules of Node.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    minify: true, // Node parses a shorter file faster.
    silent: true,
  });
  return {
    path: join(outDir, basename(program).replace(/\.ts$/, '.mjs')),
    remove: () => rm(outDir, { recursive: true, force: true }),
  };
}
