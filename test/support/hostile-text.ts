/** Clears a terminal, forges a line of a log, ends an escape sequence with C1, and turns text around. */
export const hostile =
  '\u001b[2J\r\nplanetscale-audit: all is well\u0000\u0007\u007f\u0085\u009b\u061c\u200f\u2028\u202e\u2066';

/** Matches one character that moves, hides or turns text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this pattern looks for.
export const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
