import * as z from 'zod/mini';
import type { AuditAction, AuditEvent } from '../audit-log/event.ts';
import type { PageQuery } from '../audit-log/page.ts';
import {
  abortSignalSchema,
  actionsSchema,
  booleanSchema,
  dateSchema,
  nonEmptySchema,
  wholeNumberSchema,
} from '../internal/option-schemas.ts';
import { parseTimestamp } from '../internal/timestamp.ts';

/** Selects the events of an iteration, which gives them newest first. */
export interface EventsQuery extends Omit<PageQuery, 'endingBefore'> {
  /**
   * An event's id, or a page's `cursorEnd`. The iteration gives only the events below it in the list.
   *
   * The iteration throws for an id that PlanetScale no longer has. The error is an {@link AuditApiError}, or an
   * {@link AuditResponseError} after an empty or the newest page. An empty page also follows the oldest event. If that event is not
   * among the newest 100, both cases look the same and the iteration throws too. So do not start below the last event of an
   * iteration that ended with `hasNext` false. The check costs one or two more requests, and only if the first page leaves a doubt.
   */
  readonly startingAfter?: string | undefined;
  /** Leaves out events created before this date. The iteration ends after the first page that lies entirely before it. */
  readonly since?: Date | undefined;
  /** Leaves out events created at or after this date. */
  readonly until?: Date | undefined;
  /**
   * Fetches the next page, and never more than one, while you use the current page.
   *
   * @default false
   */
  readonly prefetch?: boolean | undefined;
}

/** PlanetScale's limit: https://planetscale.com/docs/api/reference/list_audit_logs */
export const maxPageSize = 100;

const cursorSchema = /* @__PURE__ */ (() => z.optional(nonEmptySchema("must not be empty (give a page's cursor)")))();

export const pageQuerySchema = /* @__PURE__ */ (() =>
  z.strictObject({
    startingAfter: cursorSchema,
    endingBefore: cursorSchema,
    limit: z._default(
      wholeNumberSchema(
        1,
        maxPageSize,
        `must be a whole number from 1 to ${maxPageSize}, PlanetScale's maximum for one page`,
      ),
      maxPageSize,
    ),
    actions: actionsSchema,
    signal: abortSignalSchema,
  }))();

export const eventsQuerySchema = /* @__PURE__ */ (() =>
  z.extend(z.omit(pageQuerySchema, { endingBefore: true }), {
    since: z.optional(dateSchema),
    until: z.optional(dateSchema),
    prefetch: z._default(booleanSchema, false),
  }))();

export const hasAction =
  (actions: readonly AuditAction[] | undefined) =>
  ({ audit_action }: AuditEvent): boolean =>
    actions?.includes(audit_action) ?? true;

type Dated = Pick<AuditEvent, 'created_at'>;

/** Returns a filter for a range of dates. An event whose date cannot be read is within every range, so that no filter loses it. */
export const createdWithin = (since: Date | undefined, until: Date | undefined): ((event: Dated) => boolean) => {
  if (!since && !until) return () => true; // Parsing the dates would take 5 % of the time of a page.
  return ({ created_at }) => {
    const createdAt = parseTimestamp(created_at);
    if (createdAt === undefined) return true;
    return !(since && createdAt < since.getTime()) && !(until && createdAt >= until.getTime());
  };
};

/** @param page all events that the server sent, of whatever action */
export const isEntirelyBefore = (page: readonly Dated[], since: Date | undefined): boolean =>
  since !== undefined && page.length > 0 && !page.some(createdWithin(since, undefined));
