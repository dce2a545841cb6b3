import { printable } from './printable.ts';

/** The number of characters of foreign text that a message holds. */
const maxExcerptLength = 200;

/** Returns the beginning of foreign text, for a message: short, and without control and bidirectional characters. */
export const excerpt = (text: string, maxLength = maxExcerptLength): string =>
  printable(text.slice(0, maxLength).toWellFormed()); // The cut may divide a surrogate pair.
