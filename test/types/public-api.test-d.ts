import { Reader as GeoIp2Reader } from '@maxmind/geoip2-node';
import Keyv from 'keyv';
import { type CityResponse, open } from 'maxmind';
import {
  type AtomicCursorStore,
  type AuditAction,
  type AuditEvent,
  type CursorStore,
  maxmindLookup,
  memoryCursorStore,
  PlanetScaleAuditClient,
  type PollNotice,
  poller,
  runRevealWebhook,
  toRunRevealRow,
} from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';
import { createStorage } from 'unstorage';
import { expectTypeOf, test } from 'vitest';

declare const client: PlanetScaleAuditClient;

test('a poller accepts a Map, Keyv and unstorage as its store, and the stores of the package are atomic', () => {
  expectTypeOf<Map<string, string>>().toExtend<CursorStore>();
  poller(client, { store: new Keyv({ throwOnErrors: true }) });
  poller(client, { store: createStorage() });
  poller(client, { store: createStorage<string>() });
  expectTypeOf(memoryCursorStore()).toEqualTypeOf<AtomicCursorStore>();
  expectTypeOf(fileCursorStore('./cursors')).toEqualTypeOf<AtomicCursorStore>();
  expectTypeOf(memoryCursorStore()).toHaveProperty('compareAndSet').not.toBeNullable();
  expectTypeOf(fileCursorStore('./cursors')).toHaveProperty('compareAndSet').not.toBeNullable();
});

test('the client yields events, and batches() yields arrays of events', async () => {
  expectTypeOf(poller(client, { store: new Map() }).batches()).toEqualTypeOf<
    AsyncGenerator<readonly AuditEvent[], void, undefined>
  >();
  for await (const event of client) expectTypeOf(event).toEqualTypeOf<AuditEvent>();
});

test('checkpoints() yields events with a commitTo that can stand alone and asks for an atomic store', async () => {
  for await (const { events, commitTo } of poller(client, { store: new Map() }).checkpoints()) {
    expectTypeOf(events).toEqualTypeOf<readonly AuditEvent[]>();
    expectTypeOf(commitTo(memoryCursorStore())).toEqualTypeOf<Promise<void>>();
    // @ts-expect-error A Map has no compareAndSet.
    await commitTo(new Map());
  }
});

test('AuditAction accepts any string and completes the known actions', () => {
  expectTypeOf<'database.deleted'>().toExtend<AuditAction>();
  expectTypeOf<string>().toExtend<AuditAction>();
});

test("maxmindLookup accepts the readers of MaxMind's packages, and a webhook accepts a batch", async () => {
  const lookupIp = maxmindLookup(await open<CityResponse>('GeoLite2-City.mmdb'));
  const enterprise = await GeoIp2Reader.open('GeoIP2-Enterprise.mmdb');
  maxmindLookup({ get: (ip) => enterprise.enterprise(ip) }) satisfies typeof lookupIp;
  const send = runRevealWebhook({ url: 'https://api.runreveal.com/sources/hook/x', context: { lookupIp } });
  for await (const batch of poller(client, { store: new Map() }).batches()) {
    expectTypeOf(send(batch, { signal: new AbortController().signal })).toEqualTypeOf<Promise<void>>();
  }
  // @ts-expect-error A reader needs the method get().
  maxmindLookup(enterprise);
});

test('the type of a notice narrows its fields', () => {
  const describe = (notice: PollNotice): string => (notice.type === 'retrying' ? notice.error.message : notice.type);
  poller(client, { store: new Map(), onNotice: (notice) => console.log(describe(notice)) });
  poller(client, { store: new Map(), onNotice: async () => {} });
});

test('a wrong use of the public API does not compile', async () => {
  // @ts-expect-error A poller needs a store.
  poller(client, {});
  // @ts-expect-error 'row' is not one of the two formats.
  runRevealWebhook({ url: 'https://api.runreveal.com/sources/hook/x', format: 'row' });
  // @ts-expect-error startFrom has no value 'newest'.
  poller(client, { store: new Map(), startFrom: 'newest' });
  // @ts-expect-error An organization must be named.
  new PlanetScaleAuditClient({ serviceToken: 'id:token' });
  // @ts-expect-error An event is read-only.
  for await (const event of client) event.remote_ip = null;
  // @ts-expect-error `since` is a Date, not a string.
  client.events({ since: '2026-11-01' });
  // @ts-expect-error events() reads from newest to oldest only.
  client.events({ endingBefore: 'abc' });
  for await (const event of client) {
    // @ts-expect-error `receivedAt` is a Date, not a string.
    toRunRevealRow(event, { receivedAt: '2026-11-01' });
  }
});
