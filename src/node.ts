/**
 * The parts of the library that need Node.
 *
 * @module planetscale-audit/node
 */

export { fileCursorStore } from './stores/file/file-cursor-store.ts';
