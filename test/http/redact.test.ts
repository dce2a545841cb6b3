import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRedactor } from '../../src/http/redact.ts';
import { escaped } from '../support/leaks.ts';

const alphanumeric = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789');
/** The part of a token after its prefix. PlanetScale's tokens have 43 characters there. */
const bareToken = fc
  .string({
    unit: fc.oneof({ weight: 9, arbitrary: alphanumeric }, fc.constantFrom('-', '_')),
    minLength: 24,
    maxLength: 48,
  })
  .filter((text) => new Set(text.toLowerCase()).size > 8); // No run of it then appears in ordinary text.

const base64 = (text: string) => Buffer.from(text).toString('base64');
const base64url = (text: string) => Buffer.from(text).toString('base64url');
const percentEncoded = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join('');
const same = (text: string) => text;

const encodings = { same, escaped, percentEncoded, base64, base64url } as const;

/** Characters that no reader sees, plain and as a server may escape them. */
const invisible = [
  '\u00ad',
  '\u200b',
  '\u200c',
  '\u200d',
  '\u2060',
  '\ufeff',
  '\\u200b',
  '\\u00AD',
  '%E2%80%8B',
  '%C2%AD',
];
const piecesOf = (text: string, length: number) => text.match(new RegExp(`.{1,${length}}`, 'g')) ?? [];

/** What a reader sees of a text. */
const visible = (text: string) =>
  text.replace(/[\u00ad\u200b-\u200d\u2060\ufeff]|\\u(?:200b|00ad)|%e2%80%8b|%c2%ad/gi, '');

/** All that a text says, escapes and base64 decoded. */
const meaningsOf = (text: string): string[] => {
  const decoded = visible(text).replace(/(?:\\u|%)([\da-f]{2,4})/gi, (_, code) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
  const words = decoded.split(/[^\w+/-]/).flatMap((word) => [0, 1, 2, 3].map((shift) => word.slice(shift)));
  return [decoded, ...words.map((word) => Buffer.from(word, 'base64').toString('latin1'))];
};

/** Whether a text says any 12 characters of the secret in a row. */
const hasRun = (text: string, secret: string): boolean =>
  meaningsOf(text).some((meaning) =>
    Array.from(secret.slice(11), (_, at) => secret.slice(at, at + 12)).some((run) => meaning.includes(run)),
  );

describe('createRedactor', () => {
  test.each(Object.entries(encodings))(
    'leaves no 12 characters of a token, with or without its prefix, alone or after an id (encoding: %s)',
    (_, encode) => {
      fc.assert(
        fc.property(
          bareToken,
          fc.constantFrom('', 'pscale_tkn_', 'pscale_oauth_', 'a:', 'ab:', 'abc:', 'abc123def456:pscale_tkn_'),
          fc.constantFrom('', 'x', ':', ' ', '": "'),
          fc.constantFrom('', '\\', '%', '%2', '\\u'),
          (bare, before, after, lead) => {
            const redact = createRedactor([`pscale_tkn_${bare}`]);
            const encoded = encode(before + bare + after);
            const redacted = redact(`unknown: ${lead}${encoded} (refused)`);
            expect(hasRun(redacted, bare)).toBe(false);
            expect(redacted).toMatch(/^unknown: .*\(refused\)$/s);
          },
        ),
        { numRuns: 500 },
      );
    },
  );

  test.each(Object.entries(encodings))(
    'leaves no 12 characters of a token that invisible characters split (encoding: %s)',
    (_, encode) => {
      fc.assert(
        fc.property(
          bareToken,
          fc.constantFrom('', 'pscale_tkn_', 'abc123def456:pscale_tkn_'),
          fc.constantFrom(...invisible),
          fc.integer({ min: 1, max: 9 }),
          (bare, before, by, length) => {
            const redact = createRedactor([`pscale_tkn_${bare}`]);
            // An escape is one character to a reader, so only the characters of base64 are split after the encoding.
            const pieces = encode.name.startsWith('base64')
              ? piecesOf(encode(before + bare), length)
              : piecesOf(before + bare, length).map(encode);
            const redacted = redact(`unknown: ${pieces.join(by)} (refused)`);
            expect(hasRun(redacted, bare)).toBe(false);
          },
        ),
        { numRuns: 500 },
      );
    },
  );

  test('redacts in a token that the quote cuts, however it is split', () => {
    fc.assert(
      fc.property(bareToken, fc.constantFrom(...invisible), fc.nat(200), (bare, by, at) => {
        const redact = createRedactor([`pscale_tkn_${bare}`]);
        const redacted = redact('-'.repeat(at) + piecesOf(bare, 1).join(by) + '-'.repeat(50), 200);
        expect(redacted.length).toBeLessThanOrEqual(200);
        expect(visible(redacted)).toMatch(/^-*(?:\[?r?e?d?a?c?t?e?d?\]?)?-*$/);
      }),
    );
  });

  test('keeps the text around a secret, with its invisible characters, escapes and case', () => {
    const redact = createRedactor(['pscale_tkn_5pYq0Zk3vLw9Ab']);
    const around = 'Zürich 👩\u200d💻 İ %41 \\u0041 \\\\ \ud800';
    expect(redact(`${around}: pscale_tkn_5pYq0Zk3vLw9Ab, ${around}`)).toBe(`${around}: [redacted], ${around}`);
  });

  test.each([
    '',
    'x',
    'pscale_tkn_',
    '\u00ad\u00ad\u00ad\u00ad',
    'é😀-5pYq0Zk3vLw9-é',
    '\\\\\\\\',
    '%%%%',
    '.*+?^$()[]',
  ])('accepts the secret %j', (secret) => {
    const redact = createRedactor([secret]);
    expect(redact('Nothing 2 see')).toBe('Nothing 2 see');
    if (secret.trim() !== '' && !secret.startsWith('\u00ad'))
      expect(redact(`(${secret})`)).not.toContain(`(${secret})`);
  });

  test('keeps a short word that a token without its prefix would match', () => {
    expect(createRedactor(['pscale_tkn_fake'])('a fake answer')).toBe('a fake answer');
  });

  test('redacts a word of sixteen megabytes that starts like a token', () => {
    const redact = createRedactor(['pscale_tkn_5pYq0Zk3vLw9Ab']);
    expect(redact(`"pscale_tkn_5${'x'.repeat(16_000_000)}" and more`)).toBe('"[redacted]" and more');
  });
});
