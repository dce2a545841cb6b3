import { Reader as GeoIp2Reader } from '@maxmind/geoip2-node';
import * as fc from 'fast-check';
import { type CityResponse, type CountryResponse, open, type Reader } from 'maxmind';
import { AuditConfigError, type IpInfo, maxmindLookup, runRevealColumns, toRunRevealRow } from 'planetscale-audit';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventWith } from '../support/arbitrary-events.ts';
import { geoLite2 } from '../support/geolite2.ts';

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const always = (record: unknown) => ({ get: () => record });

describe('a real GeoLite2 database', () => {
  let city: Reader<CityResponse>;
  let country: Reader<CountryResponse>;
  beforeAll(async () => {
    [city, country] = await Promise.all([open<CityResponse>(geoLite2.city), open<CountryResponse>(geoLite2.country)]);
  });

  test('fills the columns that a City database has', () => {
    expect(city.metadata.ipVersion).toBe(6);
    const row = toRunRevealRow(eventWith({ remote_ip: '81.2.69.142' }), { lookupIp: maxmindLookup(city) });
    expect(row).toMatchObject({ srcIP: '81.2.69.142', srcASCountryCode: 'GB', srcCity: expect.stringMatching(/\w/) });
    expect(row.srcLatitude).toBeGreaterThan(49);
    expect(row.srcLatitude).toBeLessThan(61);
    expect(row.srcLongitude).toBeGreaterThan(-9);
    expect(row.srcLongitude).toBeLessThan(2);
    expect(row).toMatchObject({ srcASNumber: 0, srcISP: '', srcConnectionType: '', srcUserType: '' });
  });

  test.each([
    ['8.8.8.8', 'US'],
    ['2001:4860:4860::8888', 'US'],
    ['::ffff:81.2.69.142', 'GB'],
  ])('gives the country of %s', (ip, asCountryCode) => {
    expect(maxmindLookup(country)(ip)).toEqual({ asCountryCode });
    expect(maxmindLookup(city)(ip)).toMatchObject({ asCountryCode });
  });

  test.each(['192.168.0.1', '203.0.113.24', '::1', '2001:db8::1'])(
    'gives undefined for %s, which no database contains',
    (ip) => {
      expect(maxmindLookup(city, country)(ip)).toBeUndefined();
      expect(toRunRevealRow(eventWith({ remote_ip: ip }), { lookupIp: maxmindLookup(city) }).srcASCountryCode).toBe('');
    },
  );

  test('gives the same through @maxmind/geoip2-node, with undefined for an AddressNotFoundError', async () => {
    const reader = await GeoIp2Reader.open(geoLite2.country);
    const lookup = maxmindLookup({ get: (ip) => reader.country(ip) });
    for (const ip of ['81.2.69.142', '8.8.8.8', '192.168.0.1']) expect(lookup(ip)).toEqual(maxmindLookup(country)(ip));
    expect(lookup('8.8.8.8')).toEqual({ asCountryCode: 'US' });
  });
});

test('an IPv4 database is never asked for an IPv6 address, of which it would read the first bits only', () => {
  const reader = { ...always({ country: { iso_code: 'US' } }), metadata: { ipVersion: 4 } };
  expect(maxmindLookup(reader)('203.0.113.24')).toEqual({ asCountryCode: 'US' });
  for (const ip of ['2001:db8::1', '::ffff:203.0.113.24', '::1']) expect(maxmindLookup(reader)(ip)).toBeUndefined();
});

test('the country of a network takes precedence over the country of its registration, across all databases', () => {
  const registered = always({ registered_country: { iso_code: 'DE' } });
  const located = always({ country: { iso_code: 'FR' } });
  expect(maxmindLookup(registered, located)('203.0.113.24')).toEqual({ asCountryCode: 'FR' });
  expect(maxmindLookup(registered)('203.0.113.24')).toEqual({ asCountryCode: 'DE' });
});

/** One record of each database, with the fields that MaxMind documents. */
const records = {
  // https://dev.maxmind.com/geoip/docs/databases/city-and-country/city-binary
  city: {
    city: { geoname_id: 1, names: { de: 'Beispielstadt', en: 'Exampleville' } },
    country: { geoname_id: 2, iso_code: 'SE', names: { en: 'Sweden' } },
    location: { accuracy_radius: 76, latitude: 58.4167, longitude: 15.6167, time_zone: 'Europe/Stockholm' },
    registered_country: { geoname_id: 3, iso_code: 'DE', names: { en: 'Germany' } },
  },
  // https://dev.maxmind.com/geoip/docs/databases/asn/binary
  asn: { autonomous_system_number: 64_496, autonomous_system_organization: 'Example Networks' },
  // https://dev.maxmind.com/geoip/docs/databases/isp/binary
  isp: {
    autonomous_system_number: 64_497,
    autonomous_system_organization: 'Example Backbone',
    isp: 'Example Internet',
    organization: 'Example Customer',
  },
  // https://dev.maxmind.com/geoip/docs/databases/connection-type/binary
  connectionType: { connection_type: 'Cable/DSL' },
  // https://dev.maxmind.com/geoip/docs/databases/enterprise/binary
  enterprise: {
    city: { confidence: 11, geoname_id: 4, names: { en: 'Sampleton' } },
    country: { confidence: 99, geoname_id: 5, iso_code: 'US', names: { en: 'United States' } },
    location: { accuracy_radius: 27, latitude: 42.3478, longitude: -73.5549, metro_code: 532 },
    registered_country: { geoname_id: 5, iso_code: 'US', names: { en: 'United States' } },
    traits: {
      autonomous_system_number: 64_498,
      autonomous_system_organization: 'Sample Communications',
      connection_type: 'Corporate',
      isp: 'Sample Internet',
      organization: 'Sample Customer',
      user_type: 'residential',
    },
  },
} as const;

test('a single Enterprise database fills every column of IpInfo', () => {
  const lookupIp = maxmindLookup(always(records.enterprise));
  expect(lookupIp('203.0.113.24')).toEqual({
    asCountryCode: 'US',
    asNumber: 64_498,
    asOrganization: 'Sample Communications',
    city: 'Sampleton',
    connectionType: 'Corporate',
    isp: 'Sample Internet',
    latitude: 42.3478,
    longitude: -73.5549,
    userType: 'residential',
  } satisfies Required<IpInfo>);
  expect(toRunRevealRow(eventWith(), { lookupIp })).toMatchObject({
    srcASCountryCode: 'US',
    srcASNumber: 64_498,
    srcASOrganization: 'Sample Communications',
    srcCity: 'Sampleton',
    srcConnectionType: 'Corporate',
    srcISP: 'Sample Internet',
    srcLatitude: 42.3478,
    srcLongitude: -73.5549,
    srcUserType: 'residential',
  });
});

describe('maxmindLookup with several databases', () => {
  const { city, asn, isp, connectionType, enterprise } = records;

  test('fills the fields that each database has', () => {
    expect(maxmindLookup(...[city, asn, isp, connectionType].map(always))('203.0.113.24')).toEqual({
      asCountryCode: 'SE',
      asNumber: 64_496,
      asOrganization: 'Example Networks',
      city: 'Exampleville',
      connectionType: 'Cable/DSL',
      isp: 'Example Internet',
      latitude: 58.4167,
      longitude: 15.6167,
    });
  });

  test('takes a field from the first database that has it', () => {
    expect(maxmindLookup(always(isp), always(asn))('203.0.113.24')).toMatchObject({ asNumber: 64_497 });
    expect(maxmindLookup(always(connectionType), always(enterprise))('203.0.113.24')).toMatchObject({
      connectionType: 'Cable/DSL',
      isp: 'Sample Internet',
    });
  });

  test('skips a database without the address, whether it returns null or throws AddressNotFoundError', () => {
    const notFound = () => {
      throw Object.assign(new Error('not in the database'), { name: 'AddressNotFoundError' });
    };
    expect(maxmindLookup(always(null), { get: notFound }, always(asn))('203.0.113.24')).toMatchObject({
      asNumber: 64_496,
    });
    expect(maxmindLookup({ get: notFound })('203.0.113.24')).toBeUndefined();
  });

  test('takes latitude and longitude from the same database', () => {
    const half = always({ location: { latitude: 1 } });
    expect(maxmindLookup(half, always(city))('203.0.113.24')).toMatchObject({ latitude: 58.4167, longitude: 15.6167 });
    expect(maxmindLookup(half)('203.0.113.24')).toBeUndefined();
  });
});

test('the country of registration stands in for an unknown country of the network', () => {
  const { registered_country } = records.city;
  expect(maxmindLookup(always({ registered_country }))('203.0.113.24')).toEqual({ asCountryCode: 'DE' });
});

describe('an argument that is no reader throws an AuditConfigError at once', () => {
  const openHint = "Open the database first: maxmindLookup(await open(path)), with the package 'maxmind'.";

  test.each([
    ['a path', () => geoLite2.city, `a string as argument 1, and not a reader. ${openHint}`],
    [
      'a promise that was not awaited',
      () => open(geoLite2.country),
      'a promise as argument 1, and not a reader. Await it: maxmindLookup(await open(path)).',
    ],
    ['the function open itself', () => open, `a function as argument 1, and not a reader. ${openHint}`],
    ['undefined', () => undefined, `undefined as argument 1, and not a reader. ${openHint}`],
    ['null', () => null, `null as argument 1, and not a reader. ${openHint}`],
    ['a number', () => 7, `a number as argument 1, and not a reader. ${openHint}`],
    [
      'a URL',
      () => new URL('file:///GeoLite2-City.mmdb'),
      `an object without get as argument 1, and not a reader. ${openHint}`,
    ],
    [
      'the content of a file',
      () => Buffer.from('x'),
      `an object without get as argument 1, and not a reader. ${openHint}`,
    ],
    [
      'an object without get',
      () => ({ country: () => null }),
      'an object without get as argument 1, and not a reader.',
    ],
    [
      'an object whose get is no function',
      () => ({ get: {} }),
      'an object without get as argument 1, and not a reader.',
    ],
    [
      'an object without prototype',
      () => Object.create(null),
      'an object without get as argument 1, and not a reader.',
    ],
    [
      'a list of readers',
      () => [always(null)],
      'an array as argument 1, and not a reader. Pass each reader as an argument of its own.',
    ],
  ])('as %s', (_, argument, problem) => {
    // biome-ignore lint/suspicious/noExplicitAny: what a user without types can pass
    const make = () => maxmindLookup(argument() as any);
    expect(make).toThrow(AuditConfigError);
    expect(make).toThrow(`maxmindLookup received ${problem}`);
  });

  test('as the Reader of @maxmind/geoip2-node, with a message that says how to wrap it', async () => {
    const reader = await GeoIp2Reader.open(geoLite2.country);
    // biome-ignore lint/suspicious/noExplicitAny: what a user without types can pass
    const make = () => maxmindLookup(reader as any);
    expect(make).toThrow('wrap the method of its database: { get: (ip) => reader.city(ip) }');
  });

  test('even if it is the last of several, and the message gives its place', () => {
    // biome-ignore lint/suspicious/noExplicitAny: what a user without types can pass
    expect(() => maxmindLookup(always(null), 'GeoLite2-ASN.mmdb' as any)).toThrow('a string as argument 2');
  });

  test('and so does no argument at all', () => {
    expect(() => maxmindLookup()).toThrow(AuditConfigError);
    expect(() => maxmindLookup()).toThrow(`maxmindLookup received no reader. ${openHint}`);
  });
});

test('a Map is a reader, since it has a get', () => {
  expect(maxmindLookup(new Map([['203.0.113.24', { isp: 'Example' }]]))('203.0.113.24')).toEqual({ isp: 'Example' });
});

test('the caller receives an error of a reader that is not AddressNotFoundError', () => {
  const broken = {
    get: () => {
      throw new Error('the file is gone');
    },
  };
  expect(() => maxmindLookup(broken)('203.0.113.24')).toThrow('the file is gone');
});

test.each([
  undefined,
  null,
  7,
  'GB',
  [],
  {},
  { country: 'GB' },
  { country: { iso_code: 44 } },
  { city: { names: null } },
  { traits: [] },
  { autonomous_system_number: '64496', isp: '' },
])('a record of %j counts as empty', (record) => {
  expect(maxmindLookup(always(record))('203.0.113.24')).toBeUndefined();
});

test(`a record of any shape still gives a row with every column (seed ${seed})`, () => {
  const key = fc.constantFrom(
    'country',
    'iso_code',
    'traits',
    'isp',
    'location',
    'latitude',
    'longitude',
    'city',
    'names',
    'en',
    '__proto__',
  );
  const { record } = fc.letrec((tie) => ({
    record: fc.oneof({ maxDepth: 4 }, fc.anything(), fc.dictionary(key, tie('record'))),
  }));
  fc.assert(
    fc.property(record, (value) => {
      const row = toRunRevealRow(eventWith(), { lookupIp: maxmindLookup(always(value)) });
      expect(Object.keys(JSON.parse(JSON.stringify(row)))).toEqual(runRevealColumns.map(({ name }) => name));
    }),
    { seed },
  );
});
