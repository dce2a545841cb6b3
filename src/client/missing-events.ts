import * as z from 'zod/mini';
import type { AuditAction, AuditEvent } from '../audit-log/event.ts';
import type { AuditSource } from '../audit-log/page.ts';
import { dropRepeats, followPages } from '../audit-log/pagination.ts';
import { AuditConfigError } from '../errors.ts';
import { neverAborted, raceAbort } from '../internal/abort.ts';
import { excerpt } from '../internal/excerpt.ts';
import {
  abortSignalSchema,
  actionsSchema,
  dateSchema,
  millisecondsSchema,
  parseOptions,
} from '../internal/option-schemas.ts';
import type { Promisable } from '../internal/types.ts';
import { createdWithin, hasAction, isEntirelyBefore, maxPageSize } from './events-query.ts';
import { inconsistentPagesError } from './inconsistent-pages.ts';

/** Selects the events that {@link missingEvents} asks for. */
export interface MissingEventsQuery {
  /** Leaves out events created before this date. */
  readonly since?: Date | undefined;
  /** Leaves out events created at or after this date. */
  readonly until?: Date | undefined;
  /** Asks for events of these actions only. */
  readonly actions?: readonly AuditAction[] | undefined;
  /**
   * Leaves out events that are younger, in milliseconds by PlanetScale's clock. A poller may not have stored them yet.
   *
   * @default 600_000 (10 minutes)
   */
  readonly graceMs?: number | undefined;
  /** Ends the iteration with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

const querySchema = /* @__PURE__ */ (() =>
  z.strictObject({
    since: z.optional(dateSchema),
    until: z.optional(dateSchema),
    actions: actionsSchema,
    graceMs: z._default(millisecondsSchema(0), 600_000),
    signal: abortSignalSchema,
  }))();

/**
 * Yields the events that PlanetScale lists and your store does not have, newest first. It proves that a copy of the log is whole, and
 * gives what is missing, ready to be inserted.
 *
 * It cannot prove anything of events that PlanetScale no longer has, or of events that are younger than `graceMs`.
 *
 * @param has answers which of these ids are stored. It gets at most one page of ids at a time
 * @throws {@link AuditConfigError} for an invalid query, and for an answer of `has` that is no iterable of ids that it got; the
 *   errors of {@link PlanetScaleAuditClient.pages}; and every error of `has`
 * @example
 * ```ts
 * import { missingEvents, PlanetScaleAuditClient } from 'planetscale-audit';
 *
 * const stored = new Set(['q3xkz1v9m0ab']); // In your program, a query: SELECT id FROM events WHERE id IN (…).
 * const has = (ids: readonly string[]) => ids.filter((id) => stored.has(id));
 * const query = { since: new Date(Date.now() - 24 * 60 * 60_000) };
 * for await (const { id } of missingEvents(PlanetScaleAuditClient.fromEnv(), query, has)) console.log(id);
 * ```
 */
export async function* missingEvents(
  source: AuditSource,
  query: MissingEventsQuery,
  has: (ids: readonly string[]) => Promisable<Iterable<string>>,
): AsyncGenerator<AuditEvent, void, undefined> {
  const { since, until, actions, graceMs, signal = neverAborted() } = parseOptions(querySchema, query, 'missingEvents');
  if (typeof has !== 'function') {
    throw new AuditConfigError(
      `missingEvents: has is a value of type ${typeof has}. Pass a function that returns which of the ids are stored.`,
    );
  }
  const isRequested = hasAction(actions);
  const isWithin = createdWithin(since, until);
  const fetchPage = (startingAfter: string | undefined) =>
    source.page({ startingAfter, limit: maxPageSize, actions, signal });
  let isSettled: ReturnType<typeof createdWithin> | undefined;

  for await (const { page } of dropRepeats(followPages(fetchPage, undefined, inconsistentPagesError), undefined)) {
    isSettled ??= createdWithin(undefined, new Date((page.servedAt?.getTime() ?? Date.now()) - graceMs));
    const listed = page.events.filter(isRequested).filter(isWithin).filter(isSettled);
    const stored = await raceAbort(storedOf(listed, has), signal);
    for (const event of listed) {
      if (stored.has(event.id)) continue;
      yield event;
      signal.throwIfAborted();
    }
    if (isEntirelyBefore(page.received ?? page.events, since)) return;
  }
}

const storedOf = async (
  events: readonly AuditEvent[],
  has: (ids: readonly string[]) => Promisable<Iterable<string>>,
): Promise<ReadonlySet<unknown>> => {
  if (events.length === 0) return new Set();
  const ids = events.map(({ id }) => id);
  const answer: unknown = await has([...ids]);
  if (!isIterable(answer)) {
    throw new AuditConfigError(
      `missingEvents: has returned a value of type ${answer === null ? 'null' : typeof answer}. Return the ids that are stored, as an array or a Set.`,
    );
  }
  const stored = new Set(answer);
  const asked = new Set<unknown>(ids);
  for (const id of stored) {
    if (asked.has(id)) continue;
    throw new AuditConfigError(
      `missingEvents: has returned an id that it was not asked for (${typeof id === 'string' ? excerpt(id) : typeof id}). Return only ids of its argument.`,
    );
  }
  return stored;
};

/** A text is an iterable of characters, and no list of ids. */
const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' &&
  value !== null &&
  Symbol.iterator in value &&
  typeof value[Symbol.iterator] === 'function';
