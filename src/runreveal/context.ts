import type { AuditEvent } from '../audit-log/event.ts';

/**
 * Facts about an IP address, for the columns `srcASCountryCode` to `srcUserType`. The fields have the names of MaxMind's
 * databases, from which {@link maxmindLookup} reads them.
 */
export interface IpInfo {
  /** The country of the network, as an ISO 3166 code such as `US`. */
  readonly asCountryCode?: string | undefined;
  /** The number of the autonomous system. A number that does not fit a UInt32 becomes 0 in the row. */
  readonly asNumber?: number | undefined;
  /** The organization that the autonomous system is registered to. */
  readonly asOrganization?: string | undefined;
  /** The city in which the address is believed to be. The row never reads it out of the event's `location`. */
  readonly city?: string | undefined;
  /** How the network is connected: `Cable/DSL`, `Corporate`, … */
  readonly connectionType?: string | undefined;
  /** The name of the internet service provider. */
  readonly isp?: string | undefined;
  /** In degrees. RunReveal's detections read 0 as "no location". A value that is not finite becomes 0 in the row. */
  readonly latitude?: number | undefined;
  /** In degrees, with the same rules as `latitude`. */
  readonly longitude?: number | undefined;
  /** Who uses the network: `residential`, `hosting`, … */
  readonly userType?: string | undefined;
}

/** One lookup about an event and its result: an element of the column `enrichments`. RunReveal names the five parts. */
export interface RunRevealEnrichment {
  /** The result of the lookup, as names and texts. */
  readonly data: Readonly<Record<string, string>>;
  /** The name of the enrichment. */
  readonly name: string;
  /** The service or database that gave `data`. */
  readonly provider: string;
  /** The kind of the enrichment. */
  readonly type: string;
  /** The text that was looked up. */
  readonly value: string;
}

/** The values of a row that the event does not contain. Every field is optional; an unknown key is an {@link AuditConfigError}. */
export interface RunRevealContext {
  /** RunReveal's id of the workspace. It is part of the sorting key of {@link planetscaleLogsDdl}. @default '' */
  readonly workspaceID?: string | undefined;
  /** RunReveal's id of the source. The row's `id` depends on it. @default '' */
  readonly sourceID?: string | undefined;
  /** The kind of source, by which RunReveal tells its logs apart. @default 'planetscale' */
  readonly sourceType?: string | undefined;
  /**
   * The number of days for which the table of {@link planetscaleLogsDdl} keeps the row, a whole number from 0 to 4294967295. 0
   * keeps the row for ever.
   *
   * @default 0
   */
  readonly sourceTTL?: number | undefined;
  /**
   * When the event arrived. A row with `receivedAt` is a pure function of its input. Without it, two calls can return
   * different rows, with different `id`s. ClickHouse's DateTime ends at 2106-02-07 06:28:15: a later time becomes that instant,
   * and a time before 1970 becomes the first instant of 1970.
   *
   * @default the time of the call
   */
  readonly receivedAt?: Date | undefined;
  /** The row's id. @default a KSUID made from `receivedAt`, `sourceID` and the event's id */
  readonly id?: string | undefined;
  /**
   * Returns the actor's e-mail address, which RunReveal's detections and its user behavior analytics (UEBA) match on. PlanetScale
   * sends only a name and an id. Return `''` for no address, and `undefined` for the default. The caller receives the errors of
   * this function.
   *
   * @default the event's `actor_display_name`, if that is an e-mail address
   */
  readonly actorEmail?: ((event: AuditEvent) => string | undefined) | undefined;
  /**
   * Looks up the address of an event, for the columns `srcASCountryCode` to `srcUserType`. The function receives the address in
   * canonical text, and is not called for an event without an address. The caller receives the errors of this function.
   */
  readonly lookupIp?: ((ip: string) => IpInfo | undefined) | undefined;
  /** The results of other lookups about the event. @default [] */
  readonly enrichments?: readonly RunRevealEnrichment[] | undefined;
  /**
   * Tags for the row, in addition to `actor_type`, `auditable_type` and `target_type` of the event. A tag of the same name
   * replaces the event's tag, and an empty value removes that tag. `false` leaves out all tags.
   */
  readonly tags?: Readonly<Record<string, string>> | false | undefined;
  /** The name of the service that the event is about. @default 'planetscale' */
  readonly serviceName?: string | undefined;
}
