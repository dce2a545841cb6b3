import { AuditConfigError } from '../errors.ts';
import { errorName } from '../internal/foreign-error.ts';
import { hasMethod } from '../internal/has-method.ts';
import type { IpInfo } from './context.ts';

/** A source of records about IP addresses: a `Reader` of the packages `maxmind` and `mmdb-lib`, or anything else with a `get`. */
export interface MaxMindReader {
  /** Returns the record of an address. Any value that is not an object counts as "no record". */
  get(ip: string): unknown;
  /** The metadata of the database, as the `Reader` of those packages has it. */
  readonly metadata?: {
    /**
     * If it is 4, {@link maxmindLookup} asks the reader for IPv4 addresses only. Those packages would take the first bits of an
     * IPv6 address for an IPv4 address.
     */
    readonly ipVersion?: number;
  };
}

type Path = readonly string[];

/** The paths of each field in a record, first for the databases with one topic (ASN, ISP, …) and then for Enterprise. */
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
} as const satisfies Record<keyof IpInfo, readonly Path[]>;

const registeredCountryPaths = [['registered_country', 'iso_code']] as const;

/**
 * Returns a `lookupIp` for {@link toRunRevealRow} from databases in MaxMind's format: City, Country, ASN, ISP, Connection-Type and
 * Enterprise, GeoIP2 or GeoLite2. With several databases, each field comes from the first one that has it. Latitude and
 * longitude always come from the same database.
 *
 * `asCountryCode` is the country in which MaxMind believes the network to be, else the country in which the network is
 * registered. `city` is the English name. A record of an unexpected shape counts as an empty record. The lookup returns
 * `undefined` for an address that is in none of the databases.
 *
 * An `AddressNotFoundError`, as `@maxmind/geoip2-node` throws it, means that the address is not in the database. The caller
 * receives every other error of a reader. The `Reader` of `@maxmind/geoip2-node` has no `get`. Wrap the method of its database:
 * `{ get: (ip) => reader.enterprise(ip) }`.
 *
 * @throws {@link AuditConfigError} if an argument has no `get`, as a path or a promise that was not awaited, and if there is none.
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
  if (readers.length === 0) throw new AuditConfigError(`maxmindLookup received no reader. ${openHint}`);
  readers.forEach(checkReader);
  return (ip) => {
    const records = readers.map((reader) => readRecord(reader, ip));
    const info: IpInfo = {
      asCountryCode: findText(records, paths.asCountryCode) ?? findText(records, registeredCountryPaths),
      asNumber: findNumber(records, paths.asNumber),
      asOrganization: findText(records, paths.asOrganization),
      city: findText(records, paths.city),
      connectionType: findText(records, paths.connectionType),
      isp: findText(records, paths.isp),
      ...findCoordinates(records),
      userType: findText(records, paths.userType),
    };
    return Object.values(info).some((value) => value !== undefined) ? info : undefined;
  };
}

const openHint = "Open the database first: maxmindLookup(await open(path)), with the package 'maxmind'.";
const wrapHint =
  'The Reader of @maxmind/geoip2-node has no get. To use it, wrap the method of its database: { get: (ip) => reader.city(ip) }.';

const checkReader = (reader: unknown, index: number): void => {
  if (hasMethod(reader, 'get')) return;
  const [kind, hint] = describeArgument(reader);
  throw new AuditConfigError(`maxmindLookup received ${kind} as argument ${index + 1}, and not a reader. ${hint}`);
};

/** What a user passed in place of a reader, and what to do. */
const describeArgument = (argument: unknown): readonly [kind: string, hint: string] => {
  if (hasMethod(argument, 'then')) return ['a promise', 'Await it: maxmindLookup(await open(path)).'];
  if (Array.isArray(argument)) return ['an array', 'Pass each reader as an argument of its own.'];
  if (argument === undefined || argument === null) return [String(argument), openHint];
  if (typeof argument !== 'object') return [`a ${typeof argument}`, openHint];
  return ['an object without get', `${openHint} ${wrapHint}`];
};

const readRecord = (reader: MaxMindReader, ip: string): unknown => {
  if (reader.metadata?.ipVersion === 4 && ip.includes(':')) return undefined;
  try {
    return reader.get(ip);
  } catch (error) {
    if (errorName(error) === 'AddressNotFoundError') return undefined;
    throw error;
  }
};

const findText = (records: readonly unknown[], places: readonly Path[]): string | undefined => {
  for (const record of records) {
    for (const path of places) {
      const value = valueAt(record, path);
      if (typeof value === 'string' && value !== '') return value;
    }
  }
  return undefined;
};

const findNumber = (records: readonly unknown[], places: readonly Path[]): number | undefined => {
  for (const record of records) {
    for (const path of places) {
      const value = valueAt(record, path);
      if (typeof value === 'number') return value;
    }
  }
  return undefined;
};

/** Takes both coordinates from one record, because a latitude and a longitude of two records would name a third place. */
const findCoordinates = (records: readonly unknown[]): Pick<IpInfo, 'latitude' | 'longitude'> => {
  for (const record of records) {
    const latitude = findNumber([record], paths.latitude);
    const longitude = findNumber([record], paths.longitude);
    if (latitude !== undefined && longitude !== undefined) return { latitude, longitude };
  }
  return {};
};

/** Returns the value at a path. Its keys may be in camel case, because `@maxmind/geoip2-node` spells `iso_code` as `isoCode`. */
const valueAt = (record: unknown, path: Path): unknown => {
  let value = record;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, key) ?? Reflect.get(value, camelCase(key));
  }
  return value;
};

const camelCase = (key: string): string => key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
