/**
 * What needs Node.
 *
 * @module planetscale-audit/node
 */

export { fileCursorStore } from './file-cursor-store.ts';
