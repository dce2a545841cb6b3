// Runs the tests of a user against the packed package in Jest, with each configuration that the documentation names.
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectWith, run } from './project.ts';

interface Configuration {
  readonly type: 'commonjs' | 'module';
  readonly files: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

const transformIgnorePatterns = `['/node_modules/(?!(planetscale-audit|ky)/)']`;

const configurations: Readonly<Record<string, Configuration>> = {
  'vm modules': {
    type: 'module',
    files: { 'jest.config.js': 'export default { transform: {} };' },
    env: { NODE_OPTIONS: '--experimental-vm-modules' },
  },
  'babel-jest': {
    type: 'commonjs',
    files: {
      'jest.config.js': `module.exports = { transformIgnorePatterns: ${transformIgnorePatterns} };`,
      'babel.config.js': `module.exports = { presets: [['@babel/preset-env', { targets: { node: 'current' } }]] };`,
    },
  },
};

const directory = await projectWith('jest@30.5.2', '@babel/preset-env@7.29.14');
try {
  for (const [name, { type, files, env = {} }] of Object.entries(configurations)) {
    const project = join(directory, name);
    await mkdir(project);
    for (const [file, text] of Object.entries({ ...files, 'package.json': JSON.stringify({ type }) })) {
      await writeFile(join(project, file), text);
    }
    await copyFile(fileURLToPath(new URL('jest-consumer.js', import.meta.url)), join(project, 'consumer.test.js'));
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
