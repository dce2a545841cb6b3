import * as z from 'zod';
import type { AuditAction, AuditEvent } from '../audit-log/event.ts';
import { type AuditPage, type AuditSource, type PageQuery, parsePage } from '../audit-log/page.ts';
import { type FollowedPage, followPages } from '../audit-log/pagination.ts';
import { verifyStartCursor } from '../audit-log/start-cursor.ts';
import { AuditResponseError } from '../errors.ts';
import {
  abortSignalSchema,
  actionsSchema,
  booleanSchema,
  parseOptions,
  wholeNumberSchema,
} from '../internal/option-schemas.ts';
import { parseTimestamp } from '../internal/timestamp.ts';
import { type AccessReport, diagnoseAccess, isAccessDenied, unreachable } from './access.ts';
import { optionsFromEnv } from './env.ts';
import { InvalidEvents } from './invalid-events.ts';
import { type PlanetScaleAuditClientOptions, parseClientOptions } from './options.ts';
import { PlanetScaleApi } from './planetscale-api.ts';

/** Which events to walk over, newest first. */
export interface EventsQuery extends Omit<PageQuery, 'endingBefore'> {
  /**
   * An event's id, or a page's `cursorEnd`: only what stands below it in the list. One that PlanetScale no longer has is an error,
   * whatever it answers: an {@link AuditApiError}, or an {@link AuditResponseError} where the answer is the newest page or an
   * empty one. An empty page below an id that is not among the newest 100 may be the end of the log as well, and is that error
   * too: a walk that has ended with `hasNext` false needs no other below it. Making sure takes one or two requests more, and
   * only where the first answer leaves a doubt.
   */
  readonly startingAfter?: string | undefined;
  /** Leaves out events created before this, and ends after the first page that lies wholly before it. */
  readonly since?: Date | undefined;
  /** Leaves out events created at or after this. */
  readonly until?: Date | undefined;
  /**
   * Fetches the next page, and never more than that one, while the current one is being used.
   *
   * @default false
   */
  readonly prefetch?: boolean | undefined;
}

/** The most that PlanetScale gives at a time. */
const maxPageSize = 100;

const cursor = z.string().min(1, "must not be empty: it is a page's cursor").optional();
const date = z.date('must be a valid Date').optional();

const pageQuerySchema = z.object({
  startingAfter: cursor,
  endingBefore: cursor,
  limit: wholeNumberSchema(
    1,
    maxPageSize,
    `must be a whole number from 1 to ${maxPageSize}, the most that PlanetScale gives at a time`,
  ).default(maxPageSize),
  actions: actionsSchema,
  signal: abortSignalSchema,
});

const eventsQuerySchema = pageQuerySchema
  .omit({ endingBefore: true })
  .extend({ since: date, until: date, prefetch: booleanSchema.default(false) });

const verifyAccessSchema = z.object({ signal: abortSignalSchema });

/**
 * Reads the audit log of one PlanetScale organization: page by page, or event by event, newest first. Every answer is checked,
 * and kept to the letter for {@link rawJson}. It knows no cursor store: {@link poller} gives only what is new.
 *
 * @example
 * ```ts
 * import { PlanetScaleAuditClient } from 'planetscale-audit';
 *
 * const client = new PlanetScaleAuditClient({
 *   organization: 'acme',
 *   serviceTokenId: process.env.PLANETSCALE_SERVICE_TOKEN_ID,
 *   serviceToken: process.env.PLANETSCALE_SERVICE_TOKEN,
 * });
 * for await (const event of client.events({ since: new Date('2026-11-01') })) {
 *   console.log(event.created_at, event.audit_action, event.actor_display_name);
 * }
 * ```
 */
export class PlanetScaleAuditClient implements AuditSource, AsyncIterable<AuditEvent> {
  readonly organization: string;
  readonly #http: PlanetScaleApi;
  readonly #invalidEvents: InvalidEvents;

  /** @throws {@link AuditConfigError} for an option that is missing or wrong, before any request. */
  constructor(options: PlanetScaleAuditClientOptions) {
    const { organization, onInvalidEvent, ...http } = parseClientOptions(options);
    this.organization = organization;
    this.#http = new PlanetScaleApi(http);
    this.#invalidEvents = new InvalidEvents(onInvalidEvent, this.#http.redact);
  }

  /**
   * A client for what the environment says: `PLANETSCALE_ORG` (or `PLANETSCALE_ORGANIZATION`), `PLANETSCALE_SERVICE_TOKEN_ID`
   * and `PLANETSCALE_SERVICE_TOKEN`, else `PLANETSCALE_API_TOKEN` as `accessToken`; and `PLANETSCALE_API_URL`, to which `/v1`
   * is added where it has no path. Credentials among the overrides replace those of the environment, of either kind.
   *
   * @throws {@link AuditConfigError}
   */
  static fromEnv(
    overrides: Partial<PlanetScaleAuditClientOptions> = {},
    env: Record<string, string | undefined> = globalThis.process?.env ?? {},
  ): PlanetScaleAuditClient {
    return new PlanetScaleAuditClient(optionsFromEnv(overrides, env));
  }

  /**
   * One page, the newest without a cursor. It is the only request that the library makes for events.
   *
   * @throws {@link AuditConfigError} for a wrong query
   * @throws {@link AuditApiError} for a status of 400 or more
   * @throws {@link AuditConnectionError} where no whole answer came
   * @throws {@link AuditResponseError} for an answer that is no page, or that holds an invalid event (`onInvalidEvent`)
   */
  async page(query: PageQuery = {}): Promise<AuditPage> {
    const checkedQuery = parseOptions(pageQuerySchema, query, 'page');
    const page = await this.#read(checkedQuery);
    return { ...page, events: page.events.filter(hasAction(checkedQuery.actions)) };
  }

  /**
   * The pages, newest first, with the events that `since`, `until` and `actions` leave: a page may be empty. Lazy: nothing is
   * asked for before the first page is wanted.
   *
   * @throws as {@link PlanetScaleAuditClient.page}, and {@link AuditResponseError} where the API's cursors lead in a circle or
   * where it promises more without a cursor
   */
  async *pages(query: EventsQuery = {}): AsyncGenerator<AuditPage, void, undefined> {
    const { since, until, prefetch, signal, startingAfter, ...pageQuery } = parseOptions(
      eventsQuerySchema,
      query,
      'events',
    );
    const stop = new AbortController();
    const stopped = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    const fetchWith =
      (wanted: Pick<PageQuery, 'actions'> & { readonly limit: number }) => (cursor: string | undefined) =>
        this.#read({ ...wanted, startingAfter: cursor, signal: stopped });
    const askWanted = fetchWith(pageQuery);
    const ask =
      startingAfter === undefined
        ? askWanted
        : verifyStartCursor(askWanted, fetchWith({ limit: maxPageSize }), startingAfter, inconsistentPagesError);
    const pages = takeUntilBefore(since, followPages(ask, startingAfter, inconsistentPagesError));
    const isWithin = createdWithin(since, until);
    const isAskedFor = hasAction(pageQuery.actions);
    try {
      for await (const page of prefetch ? prefetchOne(pages) : pages) {
        yield { ...page, events: page.events.filter((event) => isWithin(event) && isAskedFor(event)) };
        signal?.throwIfAborted(); // The next page may have come already, and after the last one nothing else would look.
      }
    } finally {
      stop.abort(); // No request outlives the iteration.
    }
  }

  /**
   * The events, newest first, over all pages. Lazy, and one page is in memory at a time (two with `prefetch`). An abort of `signal`
   * ends it at once; `return()` while a `next()` is pending, as any async generator's, waits for that request and its retries.
   *
   * @throws as {@link PlanetScaleAuditClient.pages}
   * @example
   * ```ts
   * import { PlanetScaleAuditClient } from 'planetscale-audit';
   *
   * const client = PlanetScaleAuditClient.fromEnv();
   * for await (const event of client.events({ actions: ['database_branch.deleted', 'branch.deleted'] })) {
   *   console.log(event.actor_display_name, 'deleted', event.auditable_display_name);
   * }
   * ```
   */
  async *events(query: EventsQuery = {}): AsyncGenerator<AuditEvent, void, undefined> {
    for await (const page of this.pages(query)) {
      for (const event of page.events) {
        yield event;
        query.signal?.throwIfAborted();
      }
    }
  }

  /** The same as {@link PlanetScaleAuditClient.events}: the whole log, newest first. */
  [Symbol.asyncIterator](): AsyncGenerator<AuditEvent, void, undefined> {
    return this.events();
  }

  /**
   * Tells apart what the API answers with one and the same 404: a bad token, a wrong organization, a missing permission.
   * One request where all is well, a few otherwise. What goes wrong is in the report: it rejects for an abort alone, with the
   * signal's reason, and for wrong options.
   *
   * @throws {@link AuditConfigError}
   * @example
   * ```ts
   * import { PlanetScaleAuditClient } from 'planetscale-audit';
   *
   * const access = await PlanetScaleAuditClient.fromEnv().verifyAccess();
   * if (!access.ok) throw new Error(`${access.reason}: ${access.message}`);
   * ```
   */
  async verifyAccess(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<AccessReport> {
    const { signal } = parseOptions(verifyAccessSchema, options, 'verifyAccess');
    try {
      // Whether each event can be read is not the question.
      parsePage(await this.#http.get(this.#auditLogPath, new URLSearchParams({ limit: '1' }), signal));
      return { ok: true };
    } catch (error) {
      signal?.throwIfAborted();
      return isAccessDenied(error) ? diagnoseAccess(this.#http, this.organization, signal) : unreachable(error);
    }
  }

  /** A page as the server gave it, but for the invalid events: `actions` are asked for, and the answer may ignore that. */
  async #read(query: z.output<typeof pageQuerySchema>): Promise<AuditPage> {
    const { startingAfter, endingBefore, limit, actions, signal } = query;
    const search = new URLSearchParams({ limit: String(limit) });
    if (startingAfter !== undefined) search.set('starting_after', startingAfter);
    if (endingBefore !== undefined) search.set('ending_before', endingBefore);
    for (const action of actions ?? []) search.append('filters[]', `audit_action:${action}`);

    const { page, invalidEvents } = parsePage(await this.#http.get(this.#auditLogPath, search, signal));
    if (invalidEvents.length > 0) await this.#invalidEvents.report(invalidEvents);
    return page;
  }

  get #auditLogPath(): string {
    return `/organizations/${encodeURIComponent(this.organization)}/audit-log`;
  }
}

const inconsistentPagesError = (what: string): AuditResponseError =>
  new AuditResponseError(
    `PlanetScale's list does not hold together: ${what}. Events may have been deleted meanwhile: start again.`,
  );

/** The pages up to the first that lies wholly before the date, that one included. */
async function* takeUntilBefore(
  since: Date | undefined,
  pages: AsyncIterable<FollowedPage>,
): AsyncGenerator<AuditPage, void, undefined> {
  for await (const { page } of pages) {
    yield page;
    if (isEntirelyBefore(page, since)) return;
  }
}

/** Asks for the next item when it gives one out. An error is thrown when its turn comes. */
async function* prefetchOne<Item>(items: AsyncGenerator<Item, void, undefined>): AsyncGenerator<Item, void, undefined> {
  for (let next = items.next(); ; ) {
    const { done, value } = await next;
    if (done) return;
    next = items.next();
    next.catch(() => {}); // Nobody may ask for it.
    yield value;
  }
}

const hasAction =
  (actions: readonly AuditAction[] | undefined) =>
  ({ audit_action }: AuditEvent): boolean =>
    actions?.includes(audit_action) ?? true;

/** A date that cannot be read is within every range: nothing is left out for it. */
const createdWithin =
  (since: Date | undefined, until: Date | undefined) =>
  ({ created_at }: AuditEvent): boolean => {
    const createdAt = parseTimestamp(created_at);
    if (createdAt === undefined) return true;
    return !(since && createdAt < since.getTime()) && !(until && createdAt >= until.getTime());
  };

const isEntirelyBefore = (page: AuditPage, since: Date | undefined): boolean =>
  since !== undefined && page.events.length > 0 && !page.events.some(createdWithin(since, undefined));
