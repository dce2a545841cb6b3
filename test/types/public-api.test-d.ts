import { Reader as GeoIp2Reader } from '@maxmind/geoip2-node';
import Keyv from 'keyv';
import { type CityResponse, open } from 'maxmind';
import {
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

test('a Map, Keyv and unstorage are stores as they are', () => {
  expectTypeOf<Map<string, string>>().toExtend<CursorStore>();
  poller(client, { store: new Keyv({ throwOnErrors: true }) });
  poller(client, { store: createStorage() });
  poller(client, { store: createStorage<string>() });
  expectTypeOf(memoryCursorStore()).toHaveProperty('compareAndSet').not.toBeNullable();
  expectTypeOf(fileCursorStore('./cursors')).toHaveProperty('compareAndSet').not.toBeNullable();
});

test('iterations give events, or batches of them', async () => {
  expectTypeOf(poller(client, { store: new Map() }).batches()).toEqualTypeOf<
    AsyncGenerator<readonly AuditEvent[], void, undefined>
  >();
  for await (const event of client) expectTypeOf(event).toEqualTypeOf<AuditEvent>();
});

test('any action is accepted, and the known ones are completed', () => {
  expectTypeOf<'database.deleted'>().toExtend<AuditAction>();
  expectTypeOf<string>().toExtend<AuditAction>();
});

test("readers of MaxMind's databases fill the src columns, and a webhook takes a batch", async () => {
  const lookupIp = maxmindLookup(await open<CityResponse>('GeoLite2-City.mmdb'));
  const enterprise = await GeoIp2Reader.open('GeoIP2-Enterprise.mmdb');
  maxmindLookup({ get: (ip) => enterprise.enterprise(ip) }) satisfies typeof lookupIp;
  const send = runRevealWebhook({ url: 'https://api.runreveal.com/sources/hook/x', context: { lookupIp } });
  for await (const batch of poller(client, { store: new Map() }).batches()) {
    expectTypeOf(send(batch, { signal: new AbortController().signal })).toEqualTypeOf<Promise<void>>();
  }
  // @ts-expect-error A reader has a get.
  maxmindLookup(enterprise);
});

test('a notice is told apart by its type', () => {
  const describe = (notice: PollNotice): string => (notice.type === 'retrying' ? notice.error.message : notice.type);
  poller(client, { store: new Map(), onNotice: (notice) => console.log(describe(notice)) });
  poller(client, { store: new Map(), onNotice: async () => {} });
});

test('wrong uses do not compile', async () => {
  // @ts-expect-error A poller needs a store.
  poller(client, {});
  // @ts-expect-error There are two formats.
  runRevealWebhook({ url: 'https://api.runreveal.com/sources/hook/x', format: 'row' });
  // @ts-expect-error A start is one of five.
  poller(client, { store: new Map(), startFrom: 'newest' });
  // @ts-expect-error An organization must be named.
  new PlanetScaleAuditClient({ serviceToken: 'id:token' });
  // @ts-expect-error What was received is not for changing.
  for await (const event of client) event.remote_ip = null;
  // @ts-expect-error A time is a Date, not text.
  client.events({ since: '2026-11-01' });
  // @ts-expect-error Events are walked downwards alone.
  client.events({ endingBefore: 'abc' });
  for await (const event of client) {
    // @ts-expect-error A time of arrival is a Date, not text.
    toRunRevealRow(event, { receivedAt: '2026-11-01' });
  }
});
