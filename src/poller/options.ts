import type { Promisable } from 'type-fest';
import * as z from 'zod';
import type { AuditAction } from '../audit-log/event.ts';
import type { AuditSource } from '../audit-log/page.ts';
import {
  abortSignalSchema,
  actionsSchema,
  booleanSchema,
  functionSchema,
  millisecondsSchema,
  wholeNumberSchema,
} from '../internal/option-schemas.ts';
import type { CursorStore } from '../stores/cursor-store.ts';
import type { StartFrom } from './first-scan.ts';
import { logNotice, type PollNotice } from './notices.ts';

/** Where a poller keeps its place, where it begins, and how often it looks. */
export interface PollerOptions {
  readonly store: CursorStore;
  /**
   * The name of this poller's place in the store. Two pollers that should each see every event need two keys.
   *
   * @default `planetscale-audit:${organization}`
   */
  readonly key?: string | undefined;
  /**
   * Where to begin. Used once, while the store holds nothing under the key.
   *
   * @default { newest: 200 }
   */
  readonly startFrom?: StartFrom | undefined;
  /**
   * How long to wait from the end of one poll to the start of the next, in milliseconds, give or take 10 %.
   *
   * @default 60_000
   */
  readonly intervalMs?: number | undefined;
  /**
   * How late an event may become visible after its `created_at`, in milliseconds, clocks that differ included; and how long before
   * it. An event that is later still is lost without a notice; a longer look-back costs a request more for every 100 events
   * within it.
   *
   * @default 600_000
   */
  readonly lookbackMs?: number | undefined;
  /** Only these actions. A key belongs to one choice of them: with another, the poller refuses to start. */
  readonly actions?: readonly AuditAction[] | undefined;
  /**
   * End once caught up: for cron, Lambda and job queues. The first error that the client's own retries did not cure is thrown,
   * after what is done has been committed: whatever runs the job tries again. Without it retryable errors are waited out.
   *
   * @default false
   */
  readonly drain?: boolean | undefined;
  /** Aborting ends the iteration quietly, once what is done has been committed. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Told of what an operator should know. Awaited, and before the commit that a gap would pass; a throw ends the poller.
   *
   * @default console.warn for all but `retrying` and `late-events`
   */
  readonly onNotice?: ((notice: PollNotice) => Promisable<void>) | undefined;
}

const method = (value: unknown, name: string): boolean =>
  typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function';

const startFromMessage = "must be 'oldest', 'now', { newest: n }, { since: date } or { newerThan: id }";
const startFromSchema = z.union(
  [
    z.literal('oldest'),
    z.literal('now'),
    z.strictObject({
      newest: wholeNumberSchema(0, Number.MAX_SAFE_INTEGER, 'must be a whole number of events, 0 or more'),
    }),
    z.strictObject({ since: z.date('must be a valid Date') }),
    z.strictObject({ newerThan: z.string().min(1, 'must not be empty') }),
  ],
  startFromMessage,
);

export const sourceSchema = z.custom<AuditSource>(
  (value) => method(value, 'page') && typeof Reflect.get(Object(value), 'organization') === 'string',
  'its first argument must be a PlanetScaleAuditClient, or have an organization and a method page',
);

export const pollerOptionsSchema = z.object({
  store: z.custom<CursorStore>(
    (value) => method(value, 'get') && method(value, 'set'),
    'must have the methods get and set',
  ),
  key: z.string().min(1, 'must not be empty').optional(),
  startFrom: startFromSchema.default({ newest: 200 }),
  intervalMs: millisecondsSchema(1).default(60_000),
  lookbackMs: millisecondsSchema(0).default(600_000),
  actions: actionsSchema,
  drain: booleanSchema.default(false),
  signal: abortSignalSchema,
  onNotice: functionSchema<NonNullable<PollerOptions['onNotice']>>().default(() => logNotice),
});

export type ParsedPollerOptions = z.output<typeof pollerOptionsSchema>;
