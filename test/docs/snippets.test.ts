import { globSync, readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** The names that fragments of the guides use without an import or a declaration. */
const prelude = `
import type { Pool, PoolClient } from 'pg';
import type * as audit from 'planetscale-audit';
import type * as node from 'planetscale-audit/node';
import type * as stores from 'planetscale-audit/stores';
declare global {
  const client: audit.PlanetScaleAuditClient;
  const events: audit.AuditPoller;
  const event: audit.AuditEvent;
  const signal: AbortSignal;
  const pool: Pool;
  const store: audit.AtomicCursorStore;
  const insert: (...rows: readonly unknown[]) => Promise<void>;
  const inTransaction: (work: (tx: PoolClient) => Promise<void>) => Promise<void>;
  const PlanetScaleAuditClient: typeof audit.PlanetScaleAuditClient;
  const poller: typeof audit.poller;
  const printable: typeof audit.printable;
  const rawJson: typeof audit.rawJson;
  const runRevealWebhook: typeof audit.runRevealWebhook;
  const toJsonEachRow: typeof audit.toJsonEachRow;
  const toOcsf: typeof audit.toOcsf;
  const toRunRevealRow: typeof audit.toRunRevealRow;
  const fileCursorStore: typeof node.fileCursorStore;
  const postgresCursorStore: typeof stores.postgresCursorStore;
}
`;

/** These recipes need the types of Cloudflare, which conflict with those of Node. */
const isForCloudflare = (code: string) => /'cloudflare:workers'|\bD1Database\b|\bR2Bucket\b/.test(code);

interface Snippet {
  /** The page and line, as a file name of TypeScript: errors then say where the block is. */
  readonly name: string;
  readonly code: string;
}

const snippetsOf = (page: string): Snippet[] => {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(/^( *)```ts\n(.*?)^ *```$/gms)].map(({ index, 1: indent = '', 2: code = '' }) => ({
    name: `${page}.${text.slice(0, index).split('\n').length}.ts`,
    code: `${code.replaceAll(new RegExp(`^${indent}`, 'gm'), '')}\nexport {};\n`,
  }));
};

const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root })].map((page) => resolve(root, page));
const snippets = pages.flatMap(snippetsOf).filter(({ code }) => !isForCloudflare(code));

/** Compiles the blocks in one program, in memory, with the options of the repository. */
function errorsOf(blocks: readonly Snippet[]): string[] {
  const config = ts.readConfigFile(resolve(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const files = new Map(
    [...blocks, { name: resolve(root, 'prelude.ts'), code: prelude }].map((file) => [file.name, file.code]),
  );
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
