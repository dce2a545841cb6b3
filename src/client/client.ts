import * as z from 'zod/mini';
import type { AccessReport } from '../audit-log/access-report.ts';
import type { AuditEvent } from '../audit-log/event.ts';
import { type AuditPage, type AuditSource, type PageQuery, parsePage } from '../audit-log/page.ts';
import { dropRepeats, type FollowedPage, followPages } from '../audit-log/pagination.ts';
import { verifyStartCursor } from '../audit-log/start-cursor.ts';
import { followSignal } from '../internal/abort.ts';
import { abortSignalSchema, parseOptions } from '../internal/option-schemas.ts';
import { diagnoseAccess, isAccessDenied, unreachableProblem } from './access.ts';
import { optionsFromEnv } from './env.ts';
import {
  createdWithin,
  type EventsQuery,
  eventsQuerySchema,
  hasAction,
  isEntirelyBefore,
  maxPageSize,
  pageQuerySchema,
} from './events-query.ts';
import { inconsistentPagesError } from './inconsistent-pages.ts';
import { InvalidEvents } from './invalid-events.ts';
import { type PlanetScaleAuditClientOptions, parseClientOptions } from './options.ts';
import { PlanetScaleApi } from './planetscale-api.ts';

const verifyAccessSchema = /* @__PURE__ */ (() => z.strictObject({ signal: abortSignalSchema }))();

/**
 * Reads the audit log of one PlanetScale organization, newest first, page by page or event by event. The client validates every
 * response, and {@link rawJson} returns each event's text as PlanetScale sent it. The client stores no cursor. Use {@link poller} to
 * receive only new events.
 *
 * @example
 * ```ts
 * import { PlanetScaleAuditClient, printable } from 'planetscale-audit';
 *
 * const client = new PlanetScaleAuditClient({
 *   organization: 'acme',
 *   serviceTokenId: process.env.PLANETSCALE_SERVICE_TOKEN_ID,
 *   serviceToken: process.env.PLANETSCALE_SERVICE_TOKEN,
 * });
 * for await (const event of client.events({ since: new Date('2026-11-01') })) {
 *   console.log(printable(`${event.created_at} ${event.audit_action} ${event.actor_display_name}`));
 * }
 * ```
 */
export class PlanetScaleAuditClient implements AuditSource, AsyncIterable<AuditEvent> {
  /** The organization's name, as in the options. */
  readonly organization: string;
  readonly #http: PlanetScaleApi;
  readonly #invalidEvents: InvalidEvents;

  /**
   * Creates a client. The client sends no request yet.
   *
   * @throws {@link AuditConfigError} for an option that is missing or invalid
   */
  constructor(options: PlanetScaleAuditClientOptions) {
    const { organization, onInvalidEvent, ...http } = parseClientOptions(options);
    this.organization = organization;
    this.#http = new PlanetScaleApi(http);
    this.#invalidEvents = new InvalidEvents(onInvalidEvent, this.#http.redact);
  }

  /**
   * Returns a client with options from environment variables.
   *
   * - `PLANETSCALE_ORG`, or else `PLANETSCALE_ORGANIZATION`
   * - `PLANETSCALE_SERVICE_TOKEN_ID` and `PLANETSCALE_SERVICE_TOKEN`, or else `PLANETSCALE_API_TOKEN` as `accessToken`
   * - `PLANETSCALE_API_URL`, to which the client adds `/v1` if the URL has no path
   *
   * A credential in `overrides` replaces all credentials of the environment, of either kind.
   *
   * @param env the variables to read, `process.env` if left out
   * @throws {@link AuditConfigError} for a variable or an option that is missing or invalid
   * @example
   * ```ts
   * import { PlanetScaleAuditClient } from 'planetscale-audit';
   *
   * const client = PlanetScaleAuditClient.fromEnv({ timeoutMs: 30_000 });
   * console.log(client.organization);
   * ```
   */
  static fromEnv(
    overrides: Partial<PlanetScaleAuditClientOptions> = {},
    env: Record<string, string | undefined> = globalThis.process?.env ?? {},
  ): PlanetScaleAuditClient {
    return new PlanetScaleAuditClient(optionsFromEnv(overrides, env));
  }

  /**
   * Resolves to one page, the newest if the query has no cursor.
   *
   * @throws {@link AuditConfigError} for an invalid query
   * @throws {@link AuditApiError} for a status of 400 or more
   * @throws {@link AuditConnectionError} if no complete response arrives, or the response is a redirect
   * @throws {@link AuditResponseError} for a response that is not a page, or that holds an invalid event (see `onInvalidEvent`)
   */
  async page(query: PageQuery = {}): Promise<AuditPage> {
    const checkedQuery = parseOptions(pageQuerySchema, query, 'page');
    const page = await this.#fetchPage(checkedQuery);
    const events = page.events.filter(hasAction(checkedQuery.actions));
    return events.length === page.events.length ? page : { ...page, events, received: page.events };
  }

  /**
   * Iterates over the pages, newest first. Each page holds the events that match `since`, `until` and `actions`, which may be none.
   * The first request starts when the first page is asked for.
   *
   * An event that PlanetScale lists twice is given once if both places are on the same page or on neighboring pages, or if the event
   * is on the first page or at the end of a page.
   *
   * @throws the errors of {@link PlanetScaleAuditClient.page}, and {@link AuditResponseError} if pages contradict each other, for
   * example because events were deleted during the iteration
   */
  pages(query: EventsQuery = {}): AsyncGenerator<AuditPage, void, undefined> {
    return this.#pages(query, 'pages');
  }

  async *#pages(query: EventsQuery, owner: 'pages' | 'events'): AsyncGenerator<AuditPage, void, undefined> {
    const options = parseOptions(eventsQuerySchema, query, owner);
    const { since, until, actions, prefetch, signal } = options;
    const isWithin = createdWithin(since, until);
    const isRequested = hasAction(actions);
    const requests = followSignal(signal);
    const followed = dropRepeats(this.#followPages(options, requests.signal), options.startingAfter);
    const pages = takeUntilBefore(since, followed);
    try {
      for await (const page of prefetch ? prefetchOne(pages) : pages) {
        yield { ...page, events: page.events.filter((event) => isWithin(event) && isRequested(event)) };
        signal?.throwIfAborted(); // If no request follows, nothing else notices the abort.
      }
    } finally {
      requests.abort(); // No request outlives the iteration.
      requests.release();
    }
  }

  /**
   * Iterates over the events of all pages, newest first. The first request starts when the first event is asked for, and memory
   * holds one page at a time, or two with `prefetch`.
   *
   * An abort of `signal` ends the iteration at once. `return()` waits for a pending `next()`, with its request and retries, as it
   * does in any async generator.
   *
   * @throws the errors of {@link PlanetScaleAuditClient.pages}
   * @example
   * ```ts
   * import { PlanetScaleAuditClient, printable } from 'planetscale-audit';
   *
   * const client = PlanetScaleAuditClient.fromEnv();
   * for await (const event of client.events({ actions: ['database_branch.deleted', 'branch.deleted'] })) {
   *   console.log(printable(`${event.actor_display_name} deleted ${event.auditable_display_name}`));
   * }
   * ```
   */
  async *events(query: EventsQuery = {}): AsyncGenerator<AuditEvent, void, undefined> {
    for await (const page of this.#pages(query, 'events')) {
      for (const event of page.events) {
        yield event;
        query.signal?.throwIfAborted();
      }
    }
  }

  /** Iterates over the whole log, as {@link PlanetScaleAuditClient.events} does without a query. */
  [Symbol.asyncIterator](): AsyncGenerator<AuditEvent, void, undefined> {
    return this.events();
  }

  /**
   * Resolves to a report on whether the credentials can read the audit log, and if not, why. PlanetScale answers an invalid token,
   * an unknown organization and a missing permission with the same 404, and this method tells them apart.
   *
   * The method sends one request if the credentials can read the audit log, and a few more if not. The report covers failures of
   * the API. The promise rejects only for invalid options, and with the signal's reason after an abort.
   *
   * @throws {@link AuditConfigError} for invalid options
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
      // An event that cannot be read does not matter here, so nothing reports it.
      parsePage(await this.#http.get(this.#auditLogPath, new URLSearchParams({ limit: '1' }), signal));
      return { ok: true };
    } catch (error) {
      signal?.throwIfAborted();
      return isAccessDenied(error) ? diagnoseAccess(this.#http, this.organization, signal) : unreachableProblem(error);
    }
  }

  #followPages(query: z.output<typeof eventsQuerySchema>, signal: AbortSignal): AsyncIterable<FollowedPage> {
    const { limit, actions, startingAfter } = query;
    const pages = followPages(
      (cursor) => this.#fetchPage({ limit, actions, startingAfter: cursor, signal }),
      startingAfter,
      inconsistentPagesError,
    );
    if (startingAfter === undefined) return pages;
    const fetchUnfiltered = (cursor: string | undefined) =>
      this.#fetchPage({ limit: maxPageSize, startingAfter: cursor, signal });
    return verifyStartCursor(pages, startingAfter, fetchUnfiltered, inconsistentPagesError);
  }

  /** Fetches a page without its invalid events. PlanetScale may ignore `actions`, so the caller filters again. */
  async #fetchPage(query: z.output<typeof pageQuerySchema>): Promise<AuditPage> {
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

/** Yields the pages up to and including the first that lies entirely before the date. */
async function* takeUntilBefore(
  since: Date | undefined,
  pages: AsyncIterable<FollowedPage>,
): AsyncGenerator<AuditPage, void, undefined> {
  for await (const { page } of pages) {
    yield page;
    if (isEntirelyBefore(page.events, since)) return;
  }
}

/** Yields each item after the next one has been requested. An error is thrown when its item is asked for. */
async function* prefetchOne<Item>(items: AsyncGenerator<Item, void, undefined>): AsyncGenerator<Item, void, undefined> {
  for (let next = items.next(); ; ) {
    const { done, value } = await next;
    if (done) return;
    next = items.next();
    next.catch(() => {}); // The consumer may leave before it asks for this item.
    yield value;
  }
}
