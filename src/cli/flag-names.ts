/** What the library's messages call a thing, and what it is called on the command line. */
const replacements: readonly (readonly [library: RegExp, commandLine: string])[] = [
  [/\bstartFrom: 'resume'/g, '--start resume'],
  [/\bor start from 'now'/g, 'or use --start now'],
  [/\{ newest: (\d+) \}/g, 'newest:$1'],
  [/\bstartFrom is\b/g, '--start is'],
  [/\bstartFrom(\.since)?\b/g, '--start'],
  [/\bCall client\.verifyAccess\(\)/g, 'Run planetscale-audit check'],
  [/\b([Gg])ive (the|this) poller (another key|a key of its own)/g, 'use another directory for --state'],
  [/\bThe store holds no cursor under\b/g, 'The directory of --state has no place under'],
  [
    /\bits store has lost the cursor: check that it is the same store\b/g,
    'the place is lost: check that it is the same directory',
  ],
  [/\bmakes a missing cursor an error\b/g, 'makes a missing place an error'],
  [/\bRun one poller for each key\b/g, 'Run one tail for each place'],
  [/ Shorten lookbackMs\./g, ''],
  [/\b(poller|PlanetScaleAuditClient\.fromEnv): /g, ''],
  [/\bactions\.\d+/g, '--action'],
  [/\b(the )?baseUrl\b/g, 'PLANETSCALE_API_URL'],
  [/\bSet organization to\b/g, 'Set PLANETSCALE_ORG to'],
];

/** Returns a message of the library in the words of the command line. Both say what to change. */
export const inFlagNames = (message: string): string =>
  replacements.reduce((text, [library, commandLine]) => text.replace(library, commandLine), message);
