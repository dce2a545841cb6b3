import { relative, resolve } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { root } from '../support/programs.ts';
import { codeBlocks } from './code-blocks.ts';

interface Snippet {
  /** The page and line, as a file name of TypeScript: errors then say where the block is. */
  readonly name: string;
  readonly code: string;
}

const snippets = codeBlocks.map(({ page, line, code }) => ({
  name: resolve(root, `${page}.${line}.ts`),
  code: `${code}\nexport {};\n`,
}));

/** Compiles the blocks in one program, in memory, with the options of the repository. */
function errorsOf(blocks: readonly Snippet[]): string[] {
  const config = ts.readConfigFile(resolve(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const files = new Map(blocks.map(({ name, code }) => [name, code]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  host.getSourceFile = (name, version, ...rest) => {
    const code = files.get(name);
    return code === undefined ? getSourceFile(name, version, ...rest) : ts.createSourceFile(name, code, version);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()]
    .flatMap((name) => {
      const file = program.getSourceFile(name);
      return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    })
    .map(({ file, start = 0, messageText }) => {
      const { line = 0 } = file?.getLineAndCharacterOfPosition(start) ?? {};
      const text = ts.flattenDiagnosticMessageText(messageText, '\n');
      return `${relative(root, file?.fileName ?? '')} + ${line + 1}: ${text}`;
    });
}

test('every TypeScript block of the README and the guides, but those for Cloudflare, compiles with the types of the package', {
  timeout: 600_000, // The compiler is slow on a machine that is busy.
}, () => {
  expect(snippets.length).toBeGreaterThan(10);
  expect(errorsOf(snippets)).toEqual([]);
});
