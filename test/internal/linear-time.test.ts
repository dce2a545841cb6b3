import { PlanetScaleAuditClient, toOcsf, toRevealdEvent, toRunRevealRow, toStructuredWebhook } from 'planetscale-audit';
import { expect, test } from 'vitest';
import { actionVerb, actorOf, sourceIp } from '../../src/audit-log/derived-fields.ts';
import { apiError } from '../../src/http/api-error.ts';
import { describeFailure } from '../../src/http/failure.ts';
import { parseHttpDate } from '../../src/http/http-date.ts';
import { quote } from '../../src/http/quote.ts';
import { createRedactor } from '../../src/http/redact.ts';
import { parseDateHeader, parseRetryAfter } from '../../src/http/retry-after.ts';
import { excerpt } from '../../src/internal/excerpt.ts';
import { canonicalIpAddress } from '../../src/internal/ip-address.ts';
import { sliceElements } from '../../src/internal/json-slices.ts';
import { nearest } from '../../src/internal/nearest.ts';
import { printable } from '../../src/internal/printable.ts';
import { isPlainTimestamp, parseTimestamp, toRfc3339 } from '../../src/internal/timestamp.ts';
import { toText } from '../../src/internal/well-formed.ts';
import { eventWith } from '../support/arbitrary-events.ts';

const secret = `pscale_tkn_${'ab'.repeat(21)}`;
const redact = createRedactor([secret]);
const service = { name: 'A', errorsAreJson: true, hintForStatus: () => '', hintForRedirect: '', hintForTimeout: '' };

/** Everything that reads text from outside, most of it with regular expressions. */
const readers: Readonly<Record<string, (text: string) => unknown>> = {
  parseRetryAfter: (text) => parseRetryAfter(new Headers({ 'retry-after': text })),
  parseDateHeader: (text) => parseDateHeader(new Headers({ date: text })),
  parseHttpDate,
  parseTimestamp,
  isPlainTimestamp,
  toRfc3339,
  redact,
  quote: (text) => quote(text, redact),
  printable,
  excerpt: (text) => excerpt(text),
  canonicalIpAddress,
  toText,
  nearest: (text) => nearest(text, ['retries', 'timeoutMs']),
  describeFailure: (text) => describeFailure(Object.assign(new Error(text), { code: text })),
  'an error with a text as its body': (body) =>
    apiError({ service, request: 'GET /', status: 500, headers: new Headers(), body, redact }).message,
  'an error with a message': (message) =>
    apiError({
      service,
      request: 'GET /',
      status: 500,
      headers: new Headers(),
      body: JSON.stringify({ message }),
      redact,
    }),
  sliceElements: (text) => {
    for (const data of [[text], [{ text }, { text }]])
      sliceElements(JSON.stringify({ [text]: text, data }), 'data', data);
  },
  'the options of a client': (text) => {
    const options = { organization: 'acme', serviceTokenId: 'id', serviceToken: 'token' };
    const urls = { baseUrl: `https://example.com/${text}` };
    for (const wrong of [urls, ...Object.keys(options).map((name) => ({ [name]: text }))]) {
      try {
        new PlanetScaleAuditClient({ ...options, ...wrong });
      } catch {} // Many of these texts are no valid option.
    }
  },
  actionVerb: (text) => actionVerb(eventWith({ audit_action: text })),
  actorOf: (text) => actorOf(eventWith({ actor_display_name: text })),
  sourceIp: (text) => sourceIp(eventWith({ remote_ip: text })),
  ...Object.fromEntries(
    Object.entries({ toRunRevealRow, toRevealdEvent, toStructuredWebhook, toOcsf }).map(([name, convert]) => [
      name,
      (text: string) => {
        const fields = Object.keys(eventWith()).filter((field) => !['id', 'metadata', 'type'].includes(field));
        return fields.map((field) => convert(eventWith({ [field]: text })));
      },
    ]),
  ),
};

/** What a pattern could read in several ways, and what ends it at the last character. */
const hostile: Readonly<Record<string, (length: number) => string>> = {
  digits: (length) => `${'9'.repeat(length)}x`,
  decimals: (length) => `2026-11-01T00:00:00.${'9'.repeat(length)}x`,
  'decimals of a date': (length) => `2026-11-01T00:00:00.${'9'.repeat(length)}Z`,
  dots: (length) => `${'1.'.repeat(length / 2)}x`,
  exponents: (length) => `${'1e'.repeat(length / 2)}x`,
  commas: (length) => ','.repeat(length),
  'names of days': (length) => 'Mon,'.repeat(length / 4),
  'white space': (length) => `x${' \t'.repeat(length / 2)}x`,
  'beginnings of a date': (length) => 'Sun, 06 Nov 1994 '.repeat(length / 17),
  'beginnings of a token': (length) => 'pscale_a'.repeat(length / 8),
  'beginnings of the secret': (length) => 'ab'.repeat(length / 2),
  'words of the secret': (length) => `${secret.slice(0, -1)}\\`.repeat(length / secret.length),
  backslashes: (length) => '\\'.repeat(length),
  escapes: (length) => '\\u00'.repeat(length / 4),
  percents: (length) => '%e2%80%'.repeat(length / 7),
  'parts of an address': (length) => '1.'.repeat(length / 2),
  'parts of an IPv6 address': (length) => '0:'.repeat(length / 2),
  'parts of an e-mail address': (length) => `a@${'a.'.repeat(length / 2)}`,
  slashes: (length) => `${'/'.repeat(length)}x`,
  'signs of e-mail addresses': (length) => 'a@'.repeat(length / 2),
};

/** The fastest of a few runs, in milliseconds. */
const timeOf = (run: () => void): number => {
  const times = Array.from({ length: 4 }, () => {
    const startedAt = performance.now();
    run();
    return performance.now() - startedAt;
  });
  return Math.min(...times);
};

/** A quadratic reader needs 64 times as long for eight times the text, and seconds for 64 kB. */
const maxGrowth = 24;
const negligibleMs = 20;

test.each(Object.keys(readers))('%s reads eight times the text in about eight times the time', (name) => {
  const read = readers[name];
  for (const [kind, make] of Object.entries(hostile)) {
    const [short, long] = [make(8_000), make(64_000)];
    const shortMs = timeOf(() => read?.(short));
    const longMs = timeOf(() => read?.(long));
    expect(longMs, `${name} of ${kind}: ${shortMs} ms, then`).toBeLessThan(Math.max(negligibleMs, maxGrowth * shortMs));
  }
});
