// Runs in Node, Bun and Deno. The first argument has the addresses and the directory for cursors, as JSON.
import process from 'node:process';
import { fileCursorStore } from 'planetscale-audit/node';
import { consume } from './consume.js';

const { urls, directory } = JSON.parse(process.argv[2]);
const version = globalThis.Bun?.version ?? globalThis.Deno?.version.deno ?? process.versions.node;
const result = await consume({ urls, stores: { file: fileCursorStore(directory) } });
console.log(JSON.stringify({ version, ...result }));
