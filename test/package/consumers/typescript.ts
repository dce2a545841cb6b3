// Compiles a user's program against the packed package with the oldest TypeScript that works, and with newer ones, and runs it.
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectWith, run, runWell } from './project.ts';

const withDom = { lib: ['es2022', 'dom', 'dom.iterable'], types: [] };
const withNode = { lib: ['es2022'], types: ['node'] };
const node10 = { module: 'commonjs', moduleResolution: 'node10', esModuleInterop: true };

/** The `type` of a project's package.json, and its compiler options. */
const projects = {
  'ESM, nodenext': ['module', { module: 'nodenext', ...withDom }],
  'ESM, nodenext, the types of Node alone': ['module', { module: 'nodenext', ...withNode }],
  'ESM, bundler': ['module', { module: 'esnext', moduleResolution: 'bundler', ...withDom }],
  'CommonJS, nodenext': ['commonjs', { module: 'nodenext', ...withDom }],
  'CommonJS, node20': ['commonjs', { module: 'node20', ...withDom }],
  'CommonJS, node10': ['commonjs', { ...node10, ...withDom }],
  'CommonJS, node10, deprecated': ['commonjs', { ...node10, ignoreDeprecations: '6.0', ...withDom }],
} as const;

const trials: Readonly<Record<string, readonly (keyof typeof projects)[]>> = {
  '5.4.5': ['ESM, nodenext', 'ESM, bundler', 'CommonJS, node10'], // The types of zod need NoInfer of 5.4.
  '5.5.4': ['ESM, nodenext', 'ESM, bundler'],
  '5.6.3': ['ESM, nodenext', 'ESM, bundler'],
  '5.7.3': ['ESM, nodenext', 'ESM, bundler'],
  '5.8.3': ['ESM, nodenext', 'ESM, bundler', 'CommonJS, nodenext'], // The first in which CommonJS may require ES modules.
  '5.9.3': ['ESM, nodenext', 'ESM, bundler', 'CommonJS, nodenext', 'CommonJS, node20', 'CommonJS, node10'],
  '6.0.3': [
    ...(['ESM, nodenext', 'ESM, nodenext, the types of Node alone', 'ESM, bundler'] as const),
    ...(['CommonJS, nodenext', 'CommonJS, node20', 'CommonJS, node10, deprecated'] as const),
  ],
  '7.0.2': ['ESM, nodenext', 'ESM, bundler', 'CommonJS, nodenext', 'CommonJS, node20'],
};

/** The checker makes some 200,000 instantiations for zod's types, and made 2 to 3 million when type-fest's were there too. */
const maxInstantiations = 500_000;

const aliasOf = (version: string) => `typescript-${version}`;
const directory = await projectWith(
  '@types/node@24.19.2',
  ...Object.keys(trials).map((version) => `${aliasOf(version)}@npm:typescript@${version}`),
);

/** Returns the reason why the program does not compile or run, or undefined. */
async function problemOf(version: string, name: keyof typeof projects): Promise<string | undefined> {
  const [type, compilerOptions] = projects[name];
  const project = join(directory, `${version}, ${name}`);
  await mkdir(project);
  await copyFile(fileURLToPath(new URL('consumer.mts', import.meta.url)), join(project, 'main.ts'));
  await writeFile(join(project, 'package.json'), JSON.stringify({ type }));
  const common = {
    target: 'es2022',
    strict: true,
    skipLibCheck: false,
    declaration: true,
    outDir: 'out',
    rootDir: '.',
  };
  const config = { compilerOptions: { ...common, ...compilerOptions }, files: ['main.ts'] };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(config));

  const tsc = join(directory, 'node_modules', aliasOf(version), 'bin/tsc');
  const { code, output } = await run(process.execPath, [tsc, '--extendedDiagnostics'], { cwd: project });
  if (code !== 0) return output;
  const instantiations = Number(/^Instantiations:\s*(\d+)/m.exec(output)?.[1]);
  if (!(instantiations < maxInstantiations)) return `${instantiations} instantiations of types`;
  const program = `import('./out/main.js').then(async ({ main }) => console.log(await main()))`;
  const printed = await runWell(process.execPath, ['--eval', program], { cwd: project });
  return printed === '1\n' ? undefined : `the program printed ${printed}`;
}

try {
  for (const [version, names] of Object.entries(trials)) {
    for (const name of names) {
      const problem = await problemOf(version, name);
      console.log(`${problem === undefined ? 'ok' : 'FAILED'}: TypeScript ${version}, ${name}`);
      if (problem === undefined) continue;
      console.log(problem);
      process.exitCode = 1;
    }
  }
} finally {
  await rm(directory, { recursive: true });
}
