/**
 * What needs Node.
 *
 * @module planetscale-audit/node
 */

export { fileCursorStore } from './stores/file/file-cursor-store.ts';
