import * as z from 'zod/mini';
import type { AuditAction } from '../audit-log/event.ts';
import type { AuditSource } from '../audit-log/page.ts';
import {
  abortSignalSchema,
  actionsSchema,
  booleanSchema,
  dateSchema,
  functionSchema,
  millisecondsSchema,
  nonEmptySchema,
  wholeNumberSchema,
} from '../internal/option-schemas.ts';
import type { Promisable } from '../internal/types.ts';
import type { AtomicCursorStore, CursorStore } from '../stores/cursor-store.ts';
import type { PollNotice } from './notices.ts';
import type { StartFrom } from './start-from.ts';

/** Where a poller keeps its cursor, where it starts, and how often it polls. */
export interface PollerOptions {
  /** Keeps the cursor between runs. */
  readonly store: CursorStore;
  /**
   * The name of the cursor in the store. Two pollers that should both see every event need two keys.
   *
   * @default `planetscale-audit:${organization}`
   */
  readonly key?: string | undefined;
  /**
   * Where to start. The poller uses it once, while the store holds nothing under the key.
   *
   * @default { newest: 200 }
   */
  readonly startFrom?: StartFrom | undefined;
  /**
   * The time from the end of one poll to the start of the next, in milliseconds, ±10 %.
   *
   * @default 60_000
   */
  readonly intervalMs?: number | undefined;
  /**
   * The longest time, in milliseconds, from an event's `created_at` until PlanetScale lists the event. It also bounds how far in
   * the future a `created_at` may lie. Include the differences between clocks. The poller may lose a later event without a
   * notice. A longer look-back costs one more request for every 100 events within it.
   *
   * @default 600_000
   */
  readonly lookbackMs?: number | undefined;
  /**
   * How long PlanetScale keeps events at least, in milliseconds. The poller reports a `possible-gap` if it was away, or the
   * list has lacked events, for this long. PlanetScale documents 15 days and 6 months.
   *
   * @default 1_209_600_000 (14 days)
   */
  readonly retentionMs?: number | undefined;
  /** Only these actions. A key belongs to one set of actions: the poller refuses to start with another set. */
  readonly actions?: readonly AuditAction[] | undefined;
  /**
   * Whether the iteration ends once the poller has caught up, for cron, Lambda and job queues. The poller then throws the first
   * error that outlasts the client's retries. It saves the acknowledged events first, so that the job can run again. Without
   * `drain`, the poller retries such errors itself.
   *
   * @default false
   */
  readonly drain?: boolean | undefined;
  /** Aborting it ends the iteration without an error, after the poller has saved the acknowledged events. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Receives what an operator should know. The poller awaits it, and reports a gap before it saves a cursor beyond the gap. An
   * error that it throws ends the poller.
   *
   * @default console.warn for all notices but `late-events`; for `retrying` at growing intervals
   */
  readonly onNotice?: ((notice: PollNotice) => Promisable<void>) | undefined;
}

const hasMethod = (value: unknown, name: string): boolean =>
  typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function';

const startFromMessage = "must be 'oldest', 'now', 'resume', { newest: n }, { since: date } or { newerThan: id }";
const noDateMessage = `${startFromMessage}: pass a valid Date, new Date('2026-11-01')`;

const hasNoDate = (startFrom: unknown): boolean =>
  typeof startFrom === 'object' &&
  startFrom !== null &&
  'since' in startFrom &&
  !dateSchema.safeParse(startFrom.since).success;

const startFromSchema = /* @__PURE__ */ (() =>
  z.union(
    [
      z.literal('oldest'),
      z.literal('now'),
      z.literal('resume'),
      z.strictObject({
        newest: wholeNumberSchema(0, Number.MAX_SAFE_INTEGER, 'must be a whole number of events, 0 or more'),
      }),
      z.strictObject({ since: dateSchema }),
      z.strictObject({ newerThan: nonEmptySchema() }),
    ],
    { error: ({ input }) => (hasNoDate(input) ? noDateMessage : startFromMessage) },
  ))();

export const sourceSchema = /* @__PURE__ */ (() =>
  z.custom<AuditSource>(
    (value) => hasMethod(value, 'page') && typeof Reflect.get(Object(value), 'organization') === 'string',
    'the first argument must be a PlanetScaleAuditClient, or an object with an organization and a page method',
  ))();

/**
 * Whether the store is Keyv 5 or 6, Cacheable or cache-manager, which return undefined after a failed read, as if nothing was ever
 * saved. Their methods tell, because a subclass and a minified bundle rename the class.
 */
const isCache = (store: CursorStore): boolean =>
  hasMethod(store, 'on') && (hasMethod(store, 'getMany') || hasMethod(store, 'wrap'));

/** Only Keyv 5 can throw instead. It alone keeps its options in `opts`. */
const throwsOnErrors = (store: CursorStore): boolean => 'opts' in store && Reflect.get(store, 'throwOnErrors') === true;

const cacheMessage =
  'is a Keyv, or a cache like it, that returns undefined if its backend fails, which looks like an empty store (with Keyv 5 set throwOnErrors; with Keyv 6 pass an object whose get and set throw the errors of its error events; in place of another cache pass its Keyv)';

/** The store that a consumer gives to `commitTo`. */
export const atomicStoreSchema = /* @__PURE__ */ (() =>
  z.custom<AtomicCursorStore>(
    (value) => hasMethod(value, 'get') && hasMethod(value, 'compareAndSet'),
    'the argument must be a store with the methods get and compareAndSet, over the transaction that writes the events',
  ))();

export const pollerOptionsSchema = /* @__PURE__ */ (() =>
  z.strictObject({
    store: z
      .custom<CursorStore>(
        (value) => hasMethod(value, 'get') && hasMethod(value, 'set'),
        'must have the methods get and set',
      )
      .check(z.refine((store) => !isCache(store) || throwsOnErrors(store), cacheMessage)),
    key: z.optional(nonEmptySchema()),
    startFrom: z.optional(startFromSchema),
    intervalMs: z._default(millisecondsSchema(1), 60_000),
    lookbackMs: z._default(millisecondsSchema(0), 600_000),
    retentionMs: z._default(millisecondsSchema(1, Number.MAX_SAFE_INTEGER), 14 * 24 * 60 * 60_000),
    actions: actionsSchema,
    drain: z._default(booleanSchema, false),
    signal: abortSignalSchema,
    onNotice: z.optional(functionSchema<NonNullable<PollerOptions['onNotice']>>()),
  }))();

export type ParsedPollerOptions = z.output<typeof pollerOptionsSchema>;
