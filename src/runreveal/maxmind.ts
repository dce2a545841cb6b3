import type { IpInfo } from './context.ts';

/** What gives a record for an address: a `Reader` of the packages `maxmind` and `mmdb-lib`, or anything else with a `get`. */
export interface MaxMindReader {
  get(ip: string): unknown;
  /** Where `ipVersion` is 4, the reader is asked for IPv4 addresses alone: those packages take the first bits of others for one. */
  readonly metadata?: { readonly ipVersion?: number };
}

/** Where each field lies in a record, first in the databases of one subject, then in Enterprise. */
const paths = {
  asCountryCode: [['country', 'iso_code']],
  asNumber: [['autonomous_system_number'], ['traits', 'autonomous_system_number']],
  asOrganization: [['autonomous_system_organization'], ['traits', 'autonomous_system_organization']],
  city: [['city', 'names', 'en']],
  connectionType: [['connection_type'], ['traits', 'connection_type']],
  isp: [['isp'], ['traits', 'isp']],
  latitude: [['location', 'latitude']],
  longitude: [['location', 'longitude']],
  userType: [['user_type'], ['traits', 'user_type']],
} as const satisfies Record<keyof IpInfo, readonly (readonly string[])[]>;

const registeredCountry = [['registered_country', 'iso_code']] as const;

/**
 * Makes a `lookupIp` for {@link toRunRevealRow} of databases in MaxMind's format: City, Country, ASN, ISP, Connection-Type and
 * Enterprise, GeoIP2 or GeoLite2. Give several, and each field comes from the first that knows it; latitude and longitude
 * come from one and the same.
 *
 * `asCountryCode` is the country in which MaxMind believes the network to be, else the one in which it is registered. `city` is
 * the English name. A record of another shape counts as one that knows nothing; an address that no database knows is
 * `undefined`. An `AddressNotFoundError`, as `@maxmind/geoip2-node` throws it, counts as not known; what else a reader throws,
 * the caller gets.
 *
 * The `Reader` of `@maxmind/geoip2-node` has no `get`: name the database, `{ get: (ip) => reader.enterprise(ip) }`.
 *
 * Sources: https://dev.maxmind.com/geoip/docs/databases/enterprise/binary, and the pages of the other databases beside it.
 *
 * @example
 * ```ts
 * import { open } from 'maxmind';
 * import { maxmindLookup, PlanetScaleAuditClient, toRunRevealRow } from 'planetscale-audit';
 *
 * const lookupIp = maxmindLookup(await open('GeoLite2-City.mmdb'), await open('GeoLite2-ASN.mmdb'));
 * for await (const event of PlanetScaleAuditClient.fromEnv().events()) {
 *   const { srcIP, srcASCountryCode, srcCity } = toRunRevealRow(event, { lookupIp });
 *   console.log(srcIP, srcASCountryCode, srcCity);
 * }
 * ```
 */
export function maxmindLookup(...readers: readonly MaxMindReader[]): (ip: string) => IpInfo | undefined {
  return (ip) => {
    const records = readers.map((reader) => recordOf(reader, ip));
    const info: IpInfo = {
      asCountryCode: first(records, textAt(paths.asCountryCode)) ?? first(records, textAt(registeredCountry)),
      asNumber: first(records, numberAt(paths.asNumber)),
      asOrganization: first(records, textAt(paths.asOrganization)),
      city: first(records, textAt(paths.city)),
      connectionType: first(records, textAt(paths.connectionType)),
      isp: first(records, textAt(paths.isp)),
      ...first(records, coordinates),
      userType: first(records, textAt(paths.userType)),
    };
    return Object.values(info).some((value) => value !== undefined) ? info : undefined;
  };
}

const recordOf = (reader: MaxMindReader, ip: string): unknown => {
  if (reader.metadata?.ipVersion === 4 && ip.includes(':')) return undefined;
  try {
    return reader.get(ip);
  } catch (error) {
    if (error instanceof Error && error.name === 'AddressNotFoundError') return undefined;
    throw error;
  }
};

/** The first value that there is. */
const first = <Item, Value>(items: readonly Item[], read: (item: Item) => Value | undefined): Value | undefined => {
  for (const item of items) {
    const value = read(item);
    if (value !== undefined) return value;
  }
  return undefined;
};

type Paths = readonly (readonly string[])[];

const textAt = (places: Paths) => (record: unknown) =>
  first(places, (path) => {
    const value = valueAt(record, path);
    return typeof value === 'string' && value !== '' ? value : undefined;
  });

const numberAt = (places: Paths) => (record: unknown) =>
  first(places, (path) => {
    const value = valueAt(record, path);
    return typeof value === 'number' ? value : undefined;
  });

const latitudeOf = numberAt(paths.latitude);
const longitudeOf = numberAt(paths.longitude);

const coordinates = (record: unknown): Pick<IpInfo, 'latitude' | 'longitude'> | undefined => {
  const latitude = latitudeOf(record);
  const longitude = longitudeOf(record);
  return latitude === undefined || longitude === undefined ? undefined : { latitude, longitude };
};

/** The models of `@maxmind/geoip2-node` spell `iso_code` as `isoCode`. */
const valueAt = (record: unknown, path: readonly string[]): unknown => {
  let value = record;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, key) ?? Reflect.get(value, camelCase(key));
  }
  return value;
};

const camelCase = (key: string): string => key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
