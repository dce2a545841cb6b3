import { gzipSync } from 'node:zlib';
import { AuditResponseError, PlanetScaleAuditClient, PlanetScaleAuditError } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { credentials, failure, listOf, serve, serveRaw } from '../support/served.ts';

const million = 1_000_000;
const zeros = (count: number) => `[${'0,'.repeat(count - 1)}0]`;
const nested = (depth: number, open = '[', close = ']') => open.repeat(depth) + close.repeat(depth);
const page = (data: string, rest = '"has_next":false,"cursor_end":null') => `{${rest},"data":${data}}`;
const keys = (count: number) => Array.from({ length: count }, (_, index) => `"key${index}":0`).join();
const event = (fields: string) => page(`[{${fields}}]`);

/** About a megabyte each. */
const bodies: readonly [string, string][] = [
  ['numbers as events', page(zeros(million / 2))],
  ['empty objects as events', page(`[${'{},'.repeat(million / 3)}{}]`)],
  ['opening brackets', '['.repeat(million)],
  ['opening brackets as events', page('['.repeat(million))],
  ['an array nested half a million levels deep as the events', page(nested(million / 2))],
  ['such an array as an event', page(`[${nested(million / 2)}]`)],
  ['such an array as a flag', page('[]', `"has_next":${nested(million / 2)},"cursor_end":null`)],
  ['a list as a flag', page('[]', `"has_next":${zeros(million / 2)},"cursor_end":${zeros(10)}`)],
  ['a long text as a flag', page('[]', `"has_next":"${'x'.repeat(million)}","cursor_end":null`)],
  ['a long text as the events', page(`"${'x'.repeat(million)}"`)],
  ['a long cursor', page('[]', `"has_next":true,"cursor_end":"${'x'.repeat(million)}"`)],
  ['many keys beside the events', `{${keys(70_000)}}`],
  ['many keys in an event', event(keys(70_000))],
  ['many values of a key', event(`${'"id":0,'.repeat(million / 7)}"id":0`)],
  ['a long id', event(`"id":"${'x'.repeat(million)}"`)],
  ['long lists for the fields of an event', event(`"id":${zeros(million / 4)},"created_at":${zeros(million / 4)}`)],
  ['a deep id', event(`"id":${nested(million / 2)}`)],
  ['a deep object as a text', event(`"location":${nested(million / 6, '{"a":', '}').replace(':}', ':0}')}`)],
  [
    'a thousand events with many wrong fields',
    page(
      `[${Array(1000)
        .fill(`{${keys(90)}}`)
        .join()}]`,
    ),
  ],
  ['backslashes', event(`"id":7,"note":"${'\\\\'.repeat(million / 2)}"`)],
  ['quotes', event(`"id":7,"note":"${'\\"'.repeat(million / 2)}"`)],
  ['escapes', event(`"id":7,"note":"${'\\u200b'.repeat(million / 6)}"`)],
];

/** Whatever the answer, its error has few issues and a short message. */
const expectBounded = (error: unknown): void => {
  if (!(error instanceof PlanetScaleAuditError)) throw error;
  expect(error.message.length).toBeLessThan(2000);
  if (!(error instanceof AuditResponseError)) return;
  expect(error.issues.length).toBeLessThanOrEqual(20);
  expect(error.invalidEvents.length).toBeLessThanOrEqual(1000);
  expect(JSON.stringify(error.issues).length).toBeLessThan(10_000);
};

describe.each(bodies)('a megabyte of rubbish (%s)', (_, body) => {
  test('makes an error with at most 20 issues and a short message', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 200, body });
    expectBounded(await failure(client().events().next()));
  });

  test('makes an error with a short message if its status is 500', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 500, body });
    const error = await failure(client().page());
    expect(error).toMatchObject({ name: 'AuditApiError', status: 500 });
    expectBounded(error);
  });

  test('makes a short access report', async () => {
    const { fake, client } = await serve();
    fake.failNext({ status: 200, body }, { status: 404 }, { status: 200, body });
    for (let call = 0; call < 2; call++) {
      expect(JSON.stringify(await client().verifyAccess()).length).toBeLessThan(3000);
    }
  });
});

test('a page of more than a thousand events is refused with one issue, and none of its events is read', async () => {
  const { fake, client } = await serve();
  const reported: string[] = [];
  const reading = client({ onInvalidEvent: ({ rawJson }) => void reported.push(rawJson) });
  fake.failNext({ status: 200, body: page(zeros(1001)) }, { status: 200, body: page(zeros(1000)) });
  expect(await failure(reading.page())).toMatchObject({
    name: 'AuditResponseError',
    issues: [{ path: 'data', message: expect.stringContaining('at most 1000') }],
    invalidEvents: [],
  });
  expect(reported).toEqual([]);
  expect((await reading.page()).events).toEqual([]);
  expect(reported).toEqual(['0']);
});

test('an error holds all thousand invalid events of a page, and 20 of their issues', async () => {
  const { fake, client } = await serve();
  fake.failNext({ status: 200, body: page(zeros(1000)) });
  const error = await failure(client().page());
  if (!(error instanceof AuditResponseError)) throw error;
  expect(error.invalidEvents).toHaveLength(1000);
  expect(error.invalidEvents.every(({ issues }) => issues.length === 1)).toBe(true);
  expect(error.issues).toHaveLength(20);
  expect(error.message).toContain('1000 audit event(s)');
});

test('16 million numbers in a few kilobytes of gzip cost one issue', async () => {
  const body = gzipSync(page(zeros(16 * million)));
  expect(body.length).toBeLessThan(40_000);
  const url = await serveRaw((_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(body));
  const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, baseUrl: url, retries: 0 });
  expect(await failure(client.page())).toMatchObject({ name: 'AuditResponseError', issues: [{ path: 'data' }] });
});

test('a list of more than a thousand organizations is no answer of PlanetScale', async () => {
  const { fake, client } = await serve();
  const organizations = (count: number) =>
    listOf(Array.from({ length: count }, (_, index) => ({ name: `org${index}` })));
  fake.failNext({ status: 404 }, organizations(1001), { status: 404 }, organizations(1000));
  expect(await client().verifyAccess()).toMatchObject({ reason: 'unreachable' });
  expect(await client().verifyAccess()).toMatchObject({
    reason: 'unknown-organization',
    message: expect.stringContaining('org19, and 980 more'),
  });
});

test('an error keeps its status if its body is larger than 1 MiB, and the client reads no more of it', async () => {
  let closed = () => {};
  const isClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const url = await serveRaw((_, response) => {
    response.writeHead(503).on('close', closed);
    response.write(`{"code":"unavailable","message":"${'x'.repeat(1024 * 1024)}`);
  });
  const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, baseUrl: url, retries: 0 });
  expect(await failure(client.page())).toMatchObject({ name: 'AuditApiError', status: 503, code: undefined });
  await isClosed;
});

test('an event with an id of more than a thousand characters is invalid', async () => {
  const { fake, client } = await serve();
  fake.add({ id: 'x'.repeat(1000) });
  expect((await client().page()).events).toHaveLength(1);
  fake.add({ id: 'x'.repeat(1001) });
  const error = await failure(client().page());
  expectBounded(error);
  expect(error).toMatchObject({ name: 'AuditResponseError', invalidEvents: [{ issues: [{ path: 'id' }] }] });
});
