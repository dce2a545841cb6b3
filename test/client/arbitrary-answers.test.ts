import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import fc from 'fast-check';
import { type AuditPage, PlanetScaleAuditClient, PlanetScaleAuditError, rawJson } from 'planetscale-audit';
import { expect, onTestFinished, test } from 'vitest';
import { jsonObject, jsonValue } from '../support/arbitrary-json.ts';
import { credentials } from '../support/served.ts';

// SEED=… repeats a run that failed, ANSWERS=… makes it longer.
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env.ANSWERS ?? 4000);

interface Answer {
  readonly status: number;
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers: [string, string][];
}

/** Reads an answer as a client does. An error that is not from this library fails the test. */
const read = async ({ status, body, headers }: Answer): Promise<AuditPage | PlanetScaleAuditError> => {
  const client = new PlanetScaleAuditClient({
    organization: 'acme',
    ...credentials,
    retries: 0,
    fetch: async () =>
      new Response([204, 205, 304].includes(status) ? null : body, {
        status,
        headers,
      }),
  });
  try {
    return await client.page();
  } catch (error) {
    if (error instanceof PlanetScaleAuditError) return error;
    throw error;
  }
};

const status = fc.oneof(
  { weight: 3, arbitrary: fc.constant(200) },
  { weight: 1, arbitrary: fc.integer({ min: 200, max: 599 }) },
);
const headerValue = fc.oneof(
  fc.stringMatching(/^[\x21-\x7e][ -~\x80-\xff]{0,40}$/),
  fc.double().map(String),
  fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
);
const headersNamed = (...names: string[]) =>
  fc.array(fc.tuple(fc.constantFrom(...names), headerValue), { maxLength: 4 });
const headers = headersNamed('date', 'retry-after', 'content-type', 'content-length', 'etag', 'link');
/** A Retry-After would make the client of the next answer wait. */
const headersBesideRetryAfter = headersNamed('date', 'content-type', 'content-length', 'etag', 'link');

const text = fc.string({ unit: 'binary', maxLength: 20 });
const odd = fc.oneof(jsonValue, text, fc.constantFrom(null, 0, -0, Number.MAX_VALUE, '__proto__', [], {}));
const oddEvent = fc.oneof(
  fc.dictionary(
    fc.constantFrom('id', 'audit_action', 'created_at', 'metadata', 'actor_id', '__proto__', 'constructor', 'toString'),
    odd,
  ),
  odd,
);
const goodEvent = fc.record(
  {
    id: fc.string({ minLength: 1 }),
    audit_action: text,
    created_at: text,
    metadata: jsonObject(text, odd),
    remote_ip: fc.option(text),
    extra: odd,
  },
  { requiredKeys: ['id', 'audit_action', 'created_at'] },
);
const cursor = fc.option(fc.string({ minLength: 1 }));
const envelope = (event: fc.Arbitrary<unknown>) =>
  fc.record(
    {
      type: odd,
      has_next: fc.boolean(),
      has_prev: odd,
      cursor_start: odd,
      cursor_end: cursor,
      data: fc.array(event, { maxLength: 5 }),
    },
    { requiredKeys: ['has_next', 'cursor_end', 'data'] },
  );

const jsonBody = (value: fc.Arbitrary<unknown>) => value.map((body) => JSON.stringify(body) ?? '');
const anyBody = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  jsonBody(jsonValue),
  jsonBody(
    fc.dictionary(
      fc.constantFrom(
        'data',
        'has_next',
        'has_prev',
        'cursor_start',
        'cursor_end',
        'code',
        'message',
        'error',
        'errors',
      ),
      odd,
    ),
  ),
  jsonBody(envelope(oddEvent)),
  // A body that breaks off anywhere.
  fc
    .tuple(jsonBody(envelope(goodEvent)), fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([body, at]) => body.slice(0, at * body.length)),
);

test(`a client turns any bytes, JSON and headers into a page or a typed error (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(status, anyBody, headers, async (code, body, given) => {
      const outcome = await read({ status: code, body, headers: given });
      if (!(outcome instanceof PlanetScaleAuditError)) {
        expect(code).toBeLessThan(300);
        return;
      }
      if (code >= 400)
        expect(outcome).toMatchObject({
          name: 'AuditApiError',
          status: code,
          retryable: [408, 429].includes(code) || code >= 500,
        });
      if (code >= 300 && code < 400) expect(outcome).toMatchObject({ name: 'AuditConnectionError', retryable: false });
      if (code < 300) expect(outcome.name).toBe('AuditResponseError');
    }),
    { numRuns, seed },
  );
}, 600_000);

// The test above skips the network, which would take minutes. This test adds what only a socket can send: headers that
// contradict the body, and bodies that break off.
test(`a client turns any answer of a socket into a page or a typed error (seed ${seed})`, async () => {
  let answer: Answer = { status: 200, body: '', headers: [] };
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      const { status: code, body, headers: given } = answer; // fetch may repeat a request by itself, as after a 421.
      const lines = [['connection', 'close'], ...given].map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`HTTP/1.1 ${code} Some words\r\n${lines.join('')}\r\n`, 'latin1');
      socket.end(body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo; // It listens on a port, not on a pipe.
  const client = new PlanetScaleAuditClient({
    organization: 'acme',
    ...credentials,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    retries: 0,
    requestsPerMinute: 1_000_000,
  });
  // fetch reports a 407 as a lost connection: https://fetch.spec.whatwg.org/#http-network-or-cache-fetch
  const reportedStatus = status.filter((code) => code !== 407);
  await fc.assert(
    fc.asyncProperty(reportedStatus, anyBody, headersBesideRetryAfter, async (code, body, given) => {
      answer = { status: code, body, headers: given };
      const outcome = await client.page().catch((error: unknown) => error);
      if (!(outcome instanceof PlanetScaleAuditError)) {
        expect(outcome).toHaveProperty('events');
        expect(code).toBeLessThan(300);
      } else if (outcome.name !== 'AuditConnectionError') {
        expect(outcome.name).toBe(code < 300 ? 'AuditResponseError' : 'AuditApiError');
        if (code >= 400) expect(outcome).toHaveProperty('status', code);
      } else if (!given.some(([name]) => name === 'content-length')) {
        expect(outcome.retryable).toBe(code < 300);
        expect(code).toBeLessThan(400);
      }
    }),
    { numRuns: numRuns / 8, seed },
  );
}, 600_000);

test(`a client reads a page as JSON.parse does, and keeps the text of each event (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(envelope(goodEvent), fc.constantFrom(undefined, 1, '\t'), async (list, indent) => {
      const body = JSON.stringify(list, null, indent);
      const page = await read({ status: 200, body, headers: [] });
      if (page instanceof PlanetScaleAuditError) throw page;
      expect(page).toMatchObject({ hasNext: list.has_next, cursorEnd: list.cursor_end });
      expect(page.events.map((event) => JSON.parse(rawJson(event)))).toEqual(JSON.parse(body).data);
      // Each text is a part of the body, in the order of the events.
      let from = 0;
      for (const event of page.events) {
        const at = body.indexOf(rawJson(event), from);
        expect(at).toBeGreaterThanOrEqual(from);
        from = at + rawJson(event).length;
      }
    }),
    { numRuns, seed },
  );
}, 600_000);

test(`a client reports each invalid event once, and gives the others (seed ${seed})`, async () => {
  const invalid = fc.oneof(
    fc.constantFrom(null, 7, 'x', [], {}),
    goodEvent.map(({ id, ...rest }) => rest),
    goodEvent.map((event) => ({ ...event, created_at: 7 })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.boolean(), goodEvent, invalid), { maxLength: 10 }), async (drawn) => {
      const data = drawn.map(([isGood, good, bad]) => (isGood ? good : bad));
      const reported: string[] = [];
      const client = new PlanetScaleAuditClient({
        organization: 'acme',
        ...credentials,
        onInvalidEvent: ({ rawJson: json }) => void reported.push(json),
        fetch: async () => new Response(JSON.stringify({ has_next: false, cursor_end: null, data })),
      });
      const { events } = await client.page();
      expect(events.map(rawJson)).toEqual(drawn.filter(([isGood]) => isGood).map(([, good]) => JSON.stringify(good)));
      const bad = drawn.filter(([isGood]) => !isGood).map(([, , event]) => JSON.stringify(event));
      expect(reported).toEqual([...new Set(bad)]);
    }),
    { numRuns: numRuns / 2, seed },
  );
}, 600_000);
