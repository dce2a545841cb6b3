// Runs the tests of a user against the packed package in Jest, with each configuration that the documentation names.
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectWith, run } from './project.ts';

interface Configuration {
  readonly type: 'commonjs' | 'module';
  /** The language of the test file. */
  readonly extension?: 'js' | 'ts';
  readonly files: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

// Under pnpm, a package is in node_modules/.pnpm/<name>@<version>/node_modules/<name>.
const transformIgnorePatterns = String.raw`['/node_modules/(?!(?:\\.pnpm/)?(planetscale-audit|ky)[@/])']`;

/** The test file is JavaScript under another name, so its types are not checked. */
const tsconfig = JSON.stringify({ compilerOptions: { allowJs: true, module: 'nodenext', isolatedModules: true } });
const vmModules = { NODE_OPTIONS: '--experimental-vm-modules' };

const configurations: Readonly<Record<string, Configuration>> = {
  'ES modules': {
    type: 'module',
    files: { 'jest.config.js': 'export default { transform: {} };' },
    env: vmModules,
  },
  'ES modules and a test in TypeScript': {
    type: 'module',
    extension: 'ts',
    files: { 'jest.config.js': "export default { transform: {}, extensionsToTreatAsEsm: ['.ts'] };" },
    env: vmModules,
  },
  'babel-jest': {
    type: 'commonjs',
    files: {
      'jest.config.js': `module.exports = { transformIgnorePatterns: ${transformIgnorePatterns} };`,
      'babel.config.js': `module.exports = { presets: [['@babel/preset-env', { targets: { node: 'current' } }]] };`,
    },
  },
  '@swc/jest': {
    type: 'commonjs',
    extension: 'ts',
    files: {
      'jest.config.js': `module.exports = {
        transform: { '^.+\\.(t|j)s$': '@swc/jest' },
        transformIgnorePatterns: ${transformIgnorePatterns},
      };`,
    },
  },
  'ts-jest': {
    type: 'commonjs',
    extension: 'ts',
    files: {
      'jest.config.js': `module.exports = {
        preset: 'ts-jest/presets/js-with-ts',
        transformIgnorePatterns: ${transformIgnorePatterns},
      };`,
      'tsconfig.json': tsconfig,
    },
  },
  'ts-jest and ES modules': {
    type: 'module',
    extension: 'ts',
    files: {
      'jest.config.js': `export default {
        transform: { '^.+\\.ts$': ['ts-jest', { useESM: true }] },
        extensionsToTreatAsEsm: ['.ts'],
      };`,
      'tsconfig.json': tsconfig,
    },
    env: vmModules,
  },
};

const directory = await projectWith(
  'jest@30.5.2',
  '@babel/preset-env@7.29.14',
  '@swc/core@1.15.3',
  '@swc/jest@0.2.39',
  'ts-jest@29.4.15',
  'typescript@6.0.3',
);
try {
  for (const [name, { type, extension = 'js', files, env = {} }] of Object.entries(configurations)) {
    const project = join(directory, name.replaceAll(/\W+/g, '-'));
    await mkdir(project);
    for (const [file, text] of Object.entries({ ...files, 'package.json': JSON.stringify({ type }) })) {
      await writeFile(join(project, file), text);
    }
    await copyFile(
      fileURLToPath(new URL('jest-consumer.js', import.meta.url)),
      join(project, `consumer.test.${extension}`),
    );
    const jest = join(directory, 'node_modules/jest/bin/jest.js');
    const { code, output } = await run(process.execPath, [jest, '--rootDir', '.'], { cwd: project, env });
    console.log(`${code === 0 ? 'ok' : 'FAILED'}: Jest with ${name}`);
    if (code === 0) continue;
    console.log(output);
    process.exitCode = 1;
  }
} finally {
  await rm(directory, { recursive: true });
}
