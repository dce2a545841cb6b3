const replacement = '[redacted]';

/** The spellings in which a server can give a secret back: as it is, inside JSON, and inside a URL. */
const spellings = (secret: string): string[] => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  encodeURIComponent(secret),
];

/** Makes a function that takes the secrets out of text that came from elsewhere and goes into an error. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  // The longest first: `id:token` before the `token` inside it.
  const needles = [...new Set(secrets.flatMap(spellings))].sort((a, b) => b.length - a.length);
  return (text) => needles.reduce((clean, needle) => clean.replaceAll(needle, replacement), text);
}
