import type { AuditEvent } from '../audit-log/event.ts';

/** What is known of an IP address: the names are those of MaxMind's databases, the columns `srcASCountryCode` and on. */
export interface IpInfo {
  /** The country of the network, as an ISO 3166 code. */
  readonly asCountryCode?: string | undefined;
  /** The number of the autonomous system. 0 goes out for what a UInt32 cannot hold. */
  readonly asNumber?: number | undefined;
  readonly asOrganization?: string | undefined;
  readonly city?: string | undefined;
  /** `Cable/DSL`, `Corporate`, … */
  readonly connectionType?: string | undefined;
  readonly isp?: string | undefined;
  /** In degrees. RunReveal's detections read 0 as "no location"; 0 goes out for what is not finite. */
  readonly latitude?: number | undefined;
  /** In degrees, as `latitude`. */
  readonly longitude?: number | undefined;
  /** `residential`, `hosting`, … */
  readonly userType?: string | undefined;
}

/** One thing that was looked up about an event: an element of the column `enrichments`. */
export interface RunRevealEnrichment {
  readonly data: Readonly<Record<string, string>>;
  readonly name: string;
  readonly provider: string;
  readonly type: string;
  readonly value: string;
}

/** What a row holds and an event does not know. Every part may be left out. */
export interface RunRevealContext {
  /** @default '' */
  readonly workspaceID?: string | undefined;
  /** RunReveal's id of the source. The row's `id` depends on it. @default '' */
  readonly sourceID?: string | undefined;
  /** @default 'planetscale' */
  readonly sourceType?: string | undefined;
  /** For how many days the table of {@link planetscaleLogsDdl} keeps the row: an integer from 0, which is for ever, to 4294967295. @default 0 */
  readonly sourceTTL?: number | undefined;
  /**
   * When the event arrived. With it the row is a pure function of its input; without it two calls can differ, also in the
   * row's `id`. ClickHouse's DateTime ends at 2106-02-07 06:28:15: later instants become that one, those before 1970 the first.
   *
   * @default the time of the call
   */
  readonly receivedAt?: Date | undefined;
  /** The row's id. @default made from `receivedAt`, `sourceID` and the event's id, in the form of a KSUID */
  readonly id?: string | undefined;
  /**
   * The actor's e-mail address, on which RunReveal's detections and its UEBA match; PlanetScale gives only a name and an id.
   * `''` leaves it out, `undefined` is the default. What it throws, the caller gets.
   *
   * @default the event's `actor_display_name`, where that is an e-mail address
   */
  readonly actorEmail?: ((event: AuditEvent) => string | undefined) | undefined;
  /**
   * Fills the columns `srcASCountryCode` to `srcUserType`. It gets the address in canonical text,
   * and is not called where the event has none. What it throws, the caller gets.
   */
  readonly lookupIp?: ((ip: string) => IpInfo | undefined) | undefined;
  /** @default [] */
  readonly enrichments?: readonly RunRevealEnrichment[] | undefined;
  /**
   * Added to the event's own tags `actor_type`, `auditable_type` and `target_type`; the same name replaces, `''` removes.
   * `false` is for no tags at all.
   */
  readonly tags?: Readonly<Record<string, string>> | false | undefined;
  /** @default 'planetscale' */
  readonly serviceName?: string | undefined;
}
