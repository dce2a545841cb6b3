/** C0 and C1 controls, DEL, line and paragraph separators, and the characters that change the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this pattern looks for.
const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Text for a terminal or a log line: control and bidirectional characters are escaped, `\u001b`. An actor's name can otherwise
 * clear a terminal, forge a line of a log, or show a name backwards.
 *
 * @example
 * ```ts
 * import { PlanetScaleAuditClient, printable } from 'planetscale-audit';
 *
 * for await (const event of PlanetScaleAuditClient.fromEnv().events()) {
 *   console.log(printable(`${event.created_at} ${event.actor_display_name}`));
 * }
 * ```
 */
export const printable = (text: string): string =>
  text.replace(unprintable, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
