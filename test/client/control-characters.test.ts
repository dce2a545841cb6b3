import { AuditResponseError, PlanetScaleAuditError, printable } from 'planetscale-audit';
import type { FakeFailure } from 'planetscale-audit/testing';
import { describe, expect, test } from 'vitest';
import { hostile, unprintable } from '../support/hostile-text.ts';
import { failure, listOf, serve } from '../support/served.ts';

describe('printable', () => {
  test('escapes control and bidirectional characters', () => {
    expect(printable(hostile)).toBe(
      String.raw`\u001b[2J\u000d\u000aplanetscale-audit: all is well\u0000\u0007\u007f\u0085\u009b\u061c\u200f\u2028\u202e\u2066`,
    );
  });

  test('escapes every character that moves, hides or turns text, and no other', () => {
    const escaped = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).filter(
      (char) => printable(char) !== char,
    );
    expect(escaped.length).toBe(32 + 33 + 1 + 2 + 7 + 4);
    for (const char of escaped) expect(char).toMatch(unprintable);
  });

  test('leaves other text as it is', () => {
    const text = 'Zürich – 東京 👩‍💻 "quoted" \\u001b';
    expect(printable(text)).toBe(text);
  });
});

const answers: readonly [string, FakeFailure][] = [
  ['a message', { status: 400, body: { code: 'bad_request', message: hostile } }],
  ['a long message', { status: 400, body: { message: hostile.repeat(100) } }],
  ['a code', { status: 400, body: { code: hostile } }],
  ['an OAuth error', { status: 401, body: { error: hostile, error_description: hostile } }],
  ['a list of errors', { status: 422, body: { errors: [{ [hostile]: hostile }] } }],
  ['text', { status: 403, body: hostile }],
  ['a page that is not JSON', { status: 200, body: hostile }],
  ['JSON of another shape', { status: 200, body: { [hostile]: hostile, data: hostile } }],
  ['an event without an id', listOf([{ note: hostile }])],
  ['an event with such an id', listOf([{ id: hostile, audit_action: 7 }])],
  ['an event with a long id', listOf([{ id: hostile.repeat(10_000), audit_action: 7 }])],
  ['an event with such keys', listOf([{ id: 'a', [hostile]: 1, created_at: { [hostile]: hostile } }])],
  ['a cursor', listOf([], { has_next: true, cursor_end: hostile })],
];

test.each(answers)('the message of an error holds no control character of %s, and has a limit', async (_, answer) => {
  const { client, fake } = await serve();
  fake.failNext(answer, answer);
  const error = await failure(client().events().next());
  if (!(error instanceof PlanetScaleAuditError)) throw error;
  expect(error.message).not.toMatch(unprintable);
  expect(error.message.length).toBeLessThan(3000);
});

test('the message of an error escapes the control characters of a custom fetch', async () => {
  const { client } = await serve();
  const fetch = async () => {
    throw new Error(hostile);
  };
  const error = await failure(client({ fetch }).page());
  expect(error).toHaveProperty(
    'message',
    expect.stringContaining(String.raw`(\u001b[2J\u000d\u000aplanetscale-audit:`),
  );
});

test("invalidEvents hold the event's id and JSON themselves", async () => {
  const { client, fake } = await serve();
  const raw = `{"id":"\u202eabc","note":"\u0085${'x'.repeat(1000)}"}`;
  fake.failNext({ status: 200, body: `{"data":[${raw}],"has_next":false,"cursor_end":null}` });
  const error = await failure(client().page());
  expect(error).toBeInstanceOf(AuditResponseError);
  expect(error).toMatchObject({ invalidEvents: [{ id: '\u202eabc', rawJson: raw }] });
  expect(error).toHaveProperty('message', expect.stringContaining(String.raw`the first is \u202eabc:`));
});

test('an access report escapes and shortens the names of organizations', async () => {
  const { client, fake } = await serve();
  const data = Array.from({ length: 30 }, () => ({ name: hostile.repeat(100) }));
  fake.failNext({ status: 404 }, { status: 200, body: { data, next_page: null } });
  const report = await client().verifyAccess();
  expect(report).toMatchObject({ reason: 'unknown-organization', message: expect.not.stringMatching(unprintable) });
  expect(report).toMatchObject({ message: expect.stringContaining(String.raw`\u001b[2J`) });
  expect(JSON.stringify(report).length).toBeLessThan(5000);
});

test('an access report escapes the name of the organization in its options', async () => {
  const { client, fake } = await serve();
  const reading = client({ organization: 'acme\u202e' });
  fake.failNext({ status: 404 }, { status: 200, body: { data: [{ name: 'acme\u202e' }] } });
  expect(await reading.verifyAccess()).toMatchObject({
    reason: 'missing-permission',
    message: expect.stringContaining(String.raw`audit log of acme\u202e.`),
  });
});

const newestPage = listOf([{ id: 'a', audit_action: 'b', created_at: 'c' }], { cursor_end: 'a' });
const nothing = listOf([]);

test.each([
  ['the newest page', [newestPage, newestPage]],
  ['nothing', [nothing, newestPage, nothing]],
])('an iteration whose cursor PlanetScale answers with %s escapes and shortens the cursor', async (_, answers) => {
  const { client, fake } = await serve();
  fake.failNext(...answers);
  const events = client().events({ startingAfter: hostile.repeat(100) });
  const error = await failure(events.next());
  expect(error).toHaveProperty('message', expect.stringContaining(String.raw`\u001b[2J\u000d`));
  expect(error).toHaveProperty('message', expect.not.stringMatching(unprintable));
  expect(String(error).length).toBeLessThan(1500);
});
