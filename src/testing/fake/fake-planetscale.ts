import type { AuditEvent } from '../../audit-log/event.ts';
import { AuditConfigError } from '../../errors.ts';
import { parseTimestamp } from '../../internal/timestamp.ts';
import { auditLogPage, emptyPage } from './audit-log-page.ts';
import { EventList } from './event-list.ts';
import { type FakeFailure, simulateFailure } from './failures.ts';
import { createSampleEvent } from './sample-event.ts';

/** Options of {@link fakePlanetScale}. What is not known of the real PlanetScale is one of them, so that each answer can be tried. */
export interface FakePlanetScaleOptions {
  /**
   * The only organization that there is.
   *
   * @default 'acme'
   */
  readonly organization?: string;

  /**
   * The first half of the only credential accepted, `Authorization: ID:TOKEN`.
   *
   * @default 'faketokenid1'
   */
  readonly serviceTokenId?: string;

  /**
   * The second half. It is accepted as an access token too: `Authorization: Bearer TOKEN`.
   *
   * @default 'pscale_tkn_fake'
   */
  readonly serviceToken?: string;

  /**
   * The events at the start, as {@link FakePlanetScale.add} takes them: newest last. Hundreds of thousands belong here,
   * as a call cannot take so many arguments.
   *
   * @default []
   */
  readonly events?: readonly Partial<AuditEvent>[];

  /**
   * What decides an event's place in the list: its `created_at`, or when it was added. With `'created'` an event added
   * with an older `created_at` than others have appears below them, which is a late event; one whose `created_at` is no
   * date counts as created when it was added. Events of the same instant lie in the order of adding.
   *
   * @default 'created'
   */
  readonly order?: 'added' | 'created';

  /**
   * The most events on a page, whatever `limit` asks for. Without a `limit` a page has 25 events, or this many if fewer.
   *
   * @default 100
   */
  readonly pageSize?: number;

  /**
   * The server's clock: for the `created_at` of events added without one, and the `Date` header.
   *
   * @default () => new Date()
   */
  readonly now?: () => Date;

  /**
   * Unknown: what `ending_before=X` gives. `'nearest'`: the events directly newer than X. `'newest'`: the newest page
   * without what is not newer than X. `'ignored'`: the newest page. Beside `starting_after` it is always ignored.
   *
   * @default 'nearest'
   */
  readonly endingBefore?: 'nearest' | 'newest' | 'ignored';

  /**
   * Unknown: the answer to a cursor that is no event's id, or that of an event removed since. `'not-found'`: a 404.
   * `'empty'`: a page without events, cursors and `has_next`. `'first-page'`: the newest page, as though there were no
   * cursor.
   *
   * @default 'not-found'
   */
  readonly unknownCursor?: 'not-found' | 'empty' | 'first-page';

  /**
   * Unknown: whether `filters[]=audit_action:x` still counts, as it does in PlanetScale's own Go client. Pages, flags
   * and cursors are then those of the list that the filters leave.
   *
   * @default 'honoured'
   */
  readonly filters?: 'honoured' | 'ignored';

  /**
   * The token lacks `read_audit_logs`, and this is the status it gets for the audit log; 404 is what people report most.
   * Left out, the token has the permission.
   *
   * @default undefined
   */
  readonly missingPermissionStatus?: 403 | 404;
}

/** A PlanetScale that lives in memory, made by {@link fakePlanetScale}. */
export interface FakePlanetScale {
  /**
   * Answers as PlanetScale does, for whatever host and base path. Hand it to the client as its `fetch`; for code that
   * cannot be handed one, see {@link listen}. It follows no redirect.
   */
  readonly fetch: typeof globalThis.fetch;

  /**
   * Adds events, newest last, and returns them as they are served. Fields that are missing or `undefined` are made up;
   * `null`, fields of other names and values of the wrong type are served as given. `updated_at` follows `created_at`,
   * `action` follows `audit_action`, and there is no `type`, as in today's API. To serve an event that lacks a field, or
   * JSON of another shape, see {@link FakePlanetScale.failNext}.
   *
   * @throws `AuditConfigError` if there is an event of that id already; those before it have been added.
   */
  add(...events: Partial<AuditEvent>[]): readonly AuditEvent[];

  /** Takes an event away, as retention does, and tells whether it was there. From then on its id is an unknown cursor. */
  remove(id: string): boolean;

  /** Sets what the next requests get, in this order and whatever they ask for: one each. More calls queue more. */
  failNext(...answers: FakeFailure[]): void;

  /** Every request so far, those that failed included; `at` is when it came, in milliseconds since 1970. Grows by itself. */
  readonly requests: readonly { readonly url: string; readonly at: number }[];
}

const defaultLimit = 25;
const actionFilter = 'audit_action:';
const auditLogPath = /\/organizations\/([^/]+)\/audit-log$/;
const organizationsPath = /\/organizations$/;

const failed = (status: number, code: string, message: string): Response =>
  Response.json({ code, message }, { status });
const notFound = (): Response => failed(404, 'not_found', 'Not Found');

/**
 * A PlanetScale that lives in memory: the audit log and the list of organizations, under any base path, as fast with a
 * million events as with ten. It never talks to a network.
 *
 * The only credential accepted is that of the options. As at PlanetScale, the audit log answers the same 404 to a wrong
 * token, a wrong organization and a missing permission; `GET /organizations` answers 401 to a wrong token. Other paths
 * are a 404, other methods a 405.
 *
 * @throws `AuditConfigError` if `pageSize` is not a whole number above 0, or two events have the same id.
 *
 * @example
 * ```ts
 * import { fakePlanetScale } from 'planetscale-audit/testing';
 *
 * const fake = fakePlanetScale({ serviceTokenId: 'myid', serviceToken: 'mytoken' });
 * fake.add({ audit_action: 'database.created' }, { audit_action: 'database.deleted' });
 *
 * const response = await fake.fetch('https://api.planetscale.com/v1/organizations/acme/audit-log?limit=1', {
 *   headers: { authorization: 'myid:mytoken' },
 * });
 * const page = await response.json();
 * console.log(page.data[0].audit_action, page.has_next); // database.deleted true
 * ```
 */
export function fakePlanetScale(options: FakePlanetScaleOptions = {}): FakePlanetScale {
  const {
    organization = 'acme',
    serviceTokenId = 'faketokenid1',
    serviceToken = 'pscale_tkn_fake',
    events = [],
    order = 'created',
    pageSize = 100,
    now = () => new Date(),
    endingBefore = 'nearest',
    unknownCursor = 'not-found',
    filters = 'honoured',
    missingPermissionStatus,
  } = options;
  if (!Number.isInteger(pageSize) || pageSize < 1) {
    throw new AuditConfigError(`fakePlanetScale cannot have a pageSize of ${pageSize}: give a whole number above 0.`);
  }

  const list = new EventList();
  const failures: FakeFailure[] = [];
  const requests: { readonly url: string; readonly at: number }[] = [];

  const add = (given: Partial<AuditEvent>): AuditEvent => {
    const time = now();
    const event = createSampleEvent(given, time, list.added);
    // Many may have no id: who tries what a client makes of spoilt events gives null.
    if (event.id && list.find(event.id)) {
      throw new AuditConfigError(
        `fakePlanetScale has an event "${event.id}" already: give each event an id of its own.`,
      );
    }
    list.add(event, order === 'added' ? 0 : (parseTimestamp(event.created_at) ?? time.getTime()));
    return event;
  };

  const isAuthorized = (headers: Headers): boolean => {
    const authorization = headers.get('authorization');
    return authorization === `${serviceTokenId}:${serviceToken}` || authorization === `Bearer ${serviceToken}`;
  };

  const answerOrganizations = ({ searchParams }: URL): Response => {
    // There is one, so it is on the first page whatever `per_page` is.
    const page = Math.max(1, Number(searchParams.get('page')) || 1);
    const data = page === 1 ? [{ id: 'k2v8n4x0c6z1', type: 'Organization', name: organization }] : [];
    return Response.json({ type: 'list', current_page: page, next_page: null, data });
  };

  const answerAuditLog = ({ searchParams }: URL): Response => {
    const limit = Number(searchParams.get('limit'));
    const actions = searchParams
      .getAll('filters[]')
      .filter((filter) => filters === 'honoured' && filter.startsWith(actionFilter))
      .map((filter) => filter.slice(actionFilter.length));
    const query = {
      startingAfter: searchParams.get('starting_after'),
      endingBefore: endingBefore === 'ignored' ? null : searchParams.get('ending_before'),
      limit: Math.min(pageSize, Number.isInteger(limit) && limit > 0 ? limit : defaultLimit),
      actions: new Set(actions),
    };
    const read = (cursors: Partial<typeof query>) =>
      auditLogPage(list, { ...query, ...cursors }, endingBefore === 'newest' ? 'newest' : 'nearest');

    const page = read({});
    if (page) return Response.json(page);
    if (unknownCursor === 'empty') return Response.json(emptyPage);
    if (unknownCursor === 'first-page') return Response.json(read({ startingAfter: null, endingBefore: null }));
    return notFound();
  };

  const answer = (method: string, url: URL, headers: Headers): Response => {
    const organizationAsked = auditLogPath.exec(url.pathname)?.[1];
    const isOrganizations = organizationsPath.test(url.pathname);
    if (organizationAsked === undefined && !isOrganizations) return notFound();
    if (method !== 'GET') return failed(405, 'method_not_allowed', 'Method Not Allowed');
    if (isOrganizations) {
      return isAuthorized(headers) ? answerOrganizations(url) : failed(401, 'unauthorized', 'Requires authentication');
    }
    if (!isAuthorized(headers) || organizationAsked !== encodeURIComponent(organization)) return notFound();
    if (missingPermissionStatus === 403) return failed(403, 'forbidden', 'Forbidden');
    return missingPermissionStatus === 404 ? notFound() : answerAuditLog(url);
  };

  const fetch: typeof globalThis.fetch = async (input, init) => {
    // Not `new Request(input, init)`: it would leave a listener on the caller's signal.
    const request = input instanceof Request ? input : undefined;
    const url = new URL(input instanceof Request ? input.url : input);
    const method = init?.method ?? request?.method ?? 'GET';
    const headers = new Headers(init?.headers ?? request?.headers);
    const signal = init?.signal ?? request?.signal;

    signal?.throwIfAborted();
    requests.push({ url: url.href, at: Date.now() });
    const failure = failures.shift();
    const respond = () => answer(method, url, headers);
    const response = failure ? await simulateFailure(failure, respond, signal) : respond();
    if (!response.headers.has('date')) response.headers.set('date', now().toUTCString());
    return response;
  };

  for (const event of events) add(event);

  return {
    fetch,
    add: (...added) => added.map(add),
    remove: (id) => list.remove(id),
    failNext: (...answers) => void failures.push(...answers),
    requests,
  };
}
