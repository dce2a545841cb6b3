/**
 * The parts of the library that need Node.
 *
 * @module planetscale-audit/node
 */

export { type FileCursorStoreOptions, fileCursorStore } from './stores/file/file-cursor-store.ts';
