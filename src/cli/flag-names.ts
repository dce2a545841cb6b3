/** What the library's messages call a thing, and what it is called on the command line. */
const replacements: readonly (readonly [library: RegExp, commandLine: string])[] = [
  [/\bstartFrom: 'resume'/g, '--start resume'],
  [/\bstartFrom is\b/g, '--start is'],
  [/\bstartFrom(\.since)?\b/g, '--start'],
  [/\bCall client\.verifyAccess\(\)/g, 'Run planetscale-audit check'],
  [/\bgive the poller another key\b/g, 'name another directory with --state'],
  [/\bactions\.\d+/g, '--action'],
  [/\b(the )?baseUrl\b/g, 'PLANETSCALE_API_URL'],
  [/\bSet organization to\b/g, 'Set PLANETSCALE_ORG to'],
];

/** Returns a message of the library in the words of the command line. Both say what to change. */
export const inFlagNames = (message: string): string =>
  replacements.reduce((text, [library, commandLine]) => text.replace(library, commandLine), message);
