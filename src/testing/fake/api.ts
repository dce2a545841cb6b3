import { type AuditLogQuery, auditLogPage, emptyPage } from './audit-log-page.ts';
import type { EventList } from './event-list.ts';
import type { ResolvedOptions } from './options.ts';

const defaultLimit = 25;
const actionFilter = 'audit_action:';
const auditLogPath = /\/organizations\/([^/]+)\/audit-log$/;
const organizationsPath = /\/organizations$/;

export interface ApiRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
}

/** Returns PlanetScale's response to a request, without failures of the network. */
export function answerRequest(
  { method, url, headers }: ApiRequest,
  options: ResolvedOptions,
  list: EventList,
): Response {
  const organization = auditLogPath.exec(url.pathname)?.[1];
  const isOrganizations = organizationsPath.test(url.pathname);
  if (organization === undefined && !isOrganizations) return notFound();
  if (method !== 'GET') return errorResponse(405, 'method_not_allowed', 'Method Not Allowed');

  const isAccepted = isAuthorized(headers, options);
  if (isOrganizations) {
    if (!isAccepted) return errorResponse(401, 'unauthorized', 'Requires authentication');
    return answerOrganizations(url, options);
  }
  if (!isAccepted || organization !== encodeURIComponent(options.organization)) return notFound();
  if (options.missingPermissionStatus === 403) return errorResponse(403, 'forbidden', 'Forbidden');
  if (options.missingPermissionStatus === 404) return notFound();
  return answerAuditLog(url, options, list);
}

const isAuthorized = (headers: Headers, { serviceTokenId, serviceToken }: ResolvedOptions): boolean => {
  const authorization = headers.get('authorization');
  return authorization === `${serviceTokenId}:${serviceToken}` || authorization === `Bearer ${serviceToken}`;
};

const answerOrganizations = ({ searchParams }: URL, { organization }: ResolvedOptions): Response => {
  // The only organization is on the first page for every `per_page`.
  const page = Math.max(1, Number(searchParams.get('page')) || 1);
  const data = page === 1 ? [{ id: 'k2v8n4x0c6z1', type: 'Organization', name: organization }] : [];
  return Response.json({ type: 'list', current_page: page, next_page: null, data });
};

const answerAuditLog = ({ searchParams }: URL, options: ResolvedOptions, list: EventList): Response => {
  const query = queryFrom(searchParams, options);
  const readPage = (cursors: Partial<AuditLogQuery> = {}) =>
    auditLogPage(list, { ...query, ...cursors }, options.endingBefore === 'newest' ? 'newest' : 'nearest');

  const page = readPage();
  if (page) return Response.json(page);
  switch (options.unknownCursor) {
    case 'empty':
      return Response.json(emptyPage);
    case 'first-page':
      return Response.json(readPage({ startingAfter: null, endingBefore: null }));
    case 'not-found':
      return notFound();
  }
};

const queryFrom = (searchParams: URLSearchParams, options: ResolvedOptions): AuditLogQuery => {
  const { pageSize, endingBefore, filters } = options;
  const limit = Number(searchParams.get('limit'));
  const actions = searchParams
    .getAll('filters[]')
    .filter((filter) => filters === 'honoured' && filter.startsWith(actionFilter))
    .map((filter) => filter.slice(actionFilter.length));
  return {
    startingAfter: searchParams.get('starting_after'),
    endingBefore: endingBefore === 'ignored' ? null : searchParams.get('ending_before'),
    limit: Math.min(pageSize, Number.isInteger(limit) && limit > 0 ? limit : defaultLimit),
    actions: new Set(actions),
  };
};

const errorResponse = (status: number, code: string, message: string): Response =>
  Response.json({ code, message }, { status });

const notFound = (): Response => errorResponse(404, 'not_found', 'Not Found');
