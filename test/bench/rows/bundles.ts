import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import packageJson from '../../../package.json' with { type: 'json' };
import type { Row } from '../row.ts';

const sizeLimit = fileURLToPath(new URL('../../../node_modules/size-limit/bin.js', import.meta.url));

/** Returns the size of each bundle in bytes. size-limit ends with an exit code of 1 if a bundle is above its limit. */
const bundleSizes = (directory: string): Promise<ReadonlyMap<string, number>> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [sizeLimit, '--json'], { cwd: directory }, (error, stdout) => {
      try {
        const sizes: readonly { name: string; size: number }[] = JSON.parse(stdout);
        resolve(new Map(sizes.map(({ name, size }) => [name, size])));
      } catch {
        reject(error);
      }
    });
  });

/** In kB. The limits of `npm run size` only keep a bundle from growing. */
const targets: Readonly<Record<string, number>> = {
  everything: 52,
  'everything without ky and zod': 20,
  toRunRevealRow: 4,
  toOcsf: 3,
  poller: 30,
  PlanetScaleAuditClient: 38,
};

/** Bundles have no noise: a row for the report, whose bundles are those of `npm run size`. */
export const bundles: Row = {
  name: 'bundles',
  rounds: 1,
  contenders: Object.fromEntries(
    packageJson['size-limit'].map(({ name }) => [
      name,
      {
        kind: 'library',
        freshProcess: true,
        prepare:
          async ({ dist }) =>
          async () => ({
            kb: ((await bundleSizes(dirname(dist))).get(name) ?? Number.NaN) / 1000,
          }),
      },
    ]),
  ),
  figures: packageJson['size-limit'].map(({ name }) => ({
    work: `Bundle of ${name}, minified, with Brotli`,
    measure: 'kb',
    of: name,
    ...(targets[name] !== undefined && { target: targets[name] }),
  })),
};
