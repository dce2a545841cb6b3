import { AuditConfigError, PlanetScaleAuditClient, poller } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';
import { describe, expect, test } from 'vitest';
import { credentials, failure, numbered, serve } from '../support/served.ts';

const good = { organization: 'acme', ...credentials };
const client = new PlanetScaleAuditClient({
  ...good,
  fetch: () => expect.unreachable('no request may be sent with an unknown option'),
});

/** Options that the types do not allow, as JavaScript or a cast can pass them. */
const odd = (options: unknown) => options as never;

const calls: readonly [string, unknown, (options: unknown) => unknown, string][] = [
  ['the client', { timeoutMS: 5 }, (o) => new PlanetScaleAuditClient(odd({ ...good, ...Object(o) })), 'timeoutMs'],
  ['fromEnv', { retires: 5 }, (o) => PlanetScaleAuditClient.fromEnv(odd({ ...good, ...Object(o) }), {}), 'retries'],
  ['page()', { startingafter: 'x' }, (o) => client.page(odd(o)), 'startingAfter'],
  ['pages()', { action: ['a'] }, (o) => client.pages(odd(o)).next(), 'actions'],
  ['events()', { prefech: true }, (o) => client.events(odd(o)).next(), 'prefetch'],
  ['verifyAccess()', { singal: undefined, sginal: 1 }, (o) => client.verifyAccess(odd(o)), 'signal'],
  ['the poller', { interval: 5 }, (o) => poller(client, odd({ store: new Map(), ...Object(o) })), 'intervalMs'],
  ['fileCursorStore', { Mode: 0o600 }, (o) => fileCursorStore('/nowhere', odd(o)), 'mode'],
];

describe('an unknown option', () => {
  test.each(calls)('of %s is refused with the option that was probably meant: %j', async (_, options, call, meant) => {
    const error = await failure((async () => call(options))());
    const [unknown] = Object.entries(Object(options)).findLast(([, value]) => value !== undefined) ?? [];
    expect(error).toBeInstanceOf(AuditConfigError);
    expect(error).toHaveProperty('message', expect.stringContaining(`: ${unknown}: did you mean ${meant}?`));
  });

  test('that resembles none is refused with a list of the options', () => {
    expect(() => new PlanetScaleAuditClient(odd({ ...good, tenant: 'x' }))).toThrow(
      /: tenant: is no option \(the options are organization, serviceTokenId, .*fetch\)\.$/,
    );
  });

  test.each([
    ['since', 'page', () => client.page(odd({ since: new Date() }))],
    ['prefetch', 'page', () => client.page(odd({ prefetch: true }))],
    ['endingBefore', 'events', () => client.events(odd({ endingBefore: 'x' })).next()],
  ])('%s is unknown to %s()', async (option, method, call) => {
    await expect(call()).rejects.toThrow(`${method}: ${option}: is no option`);
  });

  test('is not repeated with its value, which may be a credential', async () => {
    const error = await failure((async () => new PlanetScaleAuditClient(odd({ ...good, token: 'pscale_tkn_x' })))());
    expect(String(error)).not.toContain('pscale_tkn');
  });

  test('cannot fill the message: five are named, without control characters, and the others are counted', () => {
    const options = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`\u001b[2J${index}`.padEnd(99), 1]));
    const make = () => new PlanetScaleAuditClient(odd({ ...good, ...options }));
    expect(make).toThrow(/495 more unknown options/);
    expect(make).toThrow(expect.objectContaining({ message: expect.not.stringContaining('\u001b') }));
  });

  test('whose value is undefined counts as left out', async () => {
    const { client } = await serve({ events: numbered(1) });
    const options = { zone: undefined };
    expect((await client(odd(options)).page(odd(options))).events).toHaveLength(1);
  });
});

test.each([
  ['poller(client)', () => poller(client, odd(undefined)), 'poller got no options. Give it an object with store.'],
  ['poller(client, null)', () => poller(client, odd(null)), 'poller got options that are not an object.'],
  [
    'new PlanetScaleAuditClient()',
    () => new PlanetScaleAuditClient(odd(undefined)),
    'PlanetScaleAuditClient got no options. Give it an object with organization.',
  ],
  ['page(7)', () => client.page(odd(7)), 'page got options that are not an object. Give it an object.'],
])('%s says that the options are missing', async (_, call, message) => {
  await expect((async () => call())()).rejects.toThrow(message);
});

test.each([
  ['events()', () => client.events({ since: odd('2026-11-01') }).next(), 'since: must be a valid Date'],
  ['pages()', () => client.pages({ until: odd(1_793_000_000_000) }).next(), 'until: must be a valid Date'],
  [
    'startFrom of a poller',
    () => poller(client, { store: new Map(), startFrom: { since: odd('2026-11-01') } }),
    'pass a valid Date',
  ],
])('a date that is text or a number makes %s say to pass a Date', async (_, call, message) => {
  const error = await failure((async () => call())());
  expect(error).toBeInstanceOf(AuditConfigError);
  expect(error).toHaveProperty('message', expect.stringContaining(message));
  expect(error).toHaveProperty('message', expect.stringContaining("new Date('2026-11-01')"));
});
