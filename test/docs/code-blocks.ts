import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { root } from '../support/programs.ts';

/** A block of TypeScript in the README or in a guide. */
export interface CodeBlock {
  readonly page: string;
  /** The first block of a page is 1. */
  readonly number: number;
  /** The line of the page at which the block begins. */
  readonly line: number;
  readonly code: string;
}

/** These recipes need the types and the runtime of Cloudflare. */
const isForCloudflare = (code: string) => /'cloudflare:workers'|\bD1Database\b|\bR2Bucket\b/.test(code);

const blocksOf = (page: string): CodeBlock[] => {
  const text = readFileSync(resolve(root, page), 'utf8');
  const blocks = text.matchAll(/^( *)```ts\n(.*?)^ *```$/gms);
  return [...blocks].map(({ index, 1: indent = '', 2: code = '' }, position) => ({
    page,
    number: position + 1,
    line: text.slice(0, index).split('\n').length,
    code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));
};

const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root })];

/** The blocks of all pages, but those for Cloudflare. */
export const codeBlocks: readonly CodeBlock[] = pages.flatMap(blocksOf).filter(({ code }) => !isForCloudflare(code));
