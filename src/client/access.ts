import * as z from 'zod';
import type { AccessReport } from '../audit-log/access-report.ts';
import { AuditApiError, PlanetScaleAuditError } from '../errors.ts';
import { quote } from '../http/quote.ts';
import { printable } from '../internal/printable.ts';
import type { PlanetScaleApi } from './planetscale-api.ts';

type AccessProblem = Extract<AccessReport, { readonly ok: false }>;

/** `GET /organizations`: https://planetscale.com/docs/api/reference/list_organizations */
const organizationsSchema = z.object({
  data: z.array(z.object({ name: z.string() })),
  next_page: z.int().nullish().catch(null),
});

/** Ends the reading of a list that always promises another page. */
const maxOrganizationPages = 100;

/** The number of organizations that a message names. */
const maxNamedOrganizations = 20;

/** The number of characters of each. */
const maxNameLength = 64;

/**
 * Returns whether PlanetScale refused access. PlanetScale uses these statuses alike for invalid credentials, an unknown organization
 * and a missing permission.
 */
export const isAccessDenied = (error: unknown): boolean =>
  error instanceof AuditApiError && !error.fromIntermediary && [401, 403, 404].includes(error.status);

export const unreachableProblem = (error: unknown): AccessProblem => ({
  ok: false,
  reason: 'unreachable',
  message:
    error instanceof PlanetScaleAuditError
      ? error.message
      : 'PlanetScale gave no list of organizations for GET /organizations. A proxy may have answered. Check baseUrl.',
});

/**
 * Resolves to the reason why PlanetScale refused the audit log. Valid credentials can list their organizations, whatever else they
 * lack.
 *
 * @throws the signal's reason after an abort
 */
export async function diagnoseAccess(
  api: PlanetScaleApi,
  organization: string,
  signal: AbortSignal | undefined,
): Promise<AccessProblem> {
  try {
    const names = await listOrganizationNames(api, organization, signal);
    return names.includes(organization)
      ? missingPermissionProblem(organization)
      : unknownOrganizationProblem(organization, names, api);
  } catch (error) {
    signal?.throwIfAborted();
    return isAccessDenied(error) ? invalidCredentialsProblem : unreachableProblem(error);
  }
}

/** Resolves to the organizations of the credentials, read page by page until `wanted` is among them. */
async function listOrganizationNames(
  api: PlanetScaleApi,
  wanted: string,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const names: string[] = [];
  for (let page = 1; page <= maxOrganizationPages; page++) {
    const query = new URLSearchParams({ page: String(page), per_page: '100' });
    const { json } = await api.get('/organizations', query, signal);
    const { data, next_page } = organizationsSchema.parse(json);
    names.push(...data.map(({ name }) => name));
    if (names.includes(wanted) || !next_page || next_page <= page) break;
  }
  return names;
}

const missingPermissionProblem = (organization: string): AccessProblem => ({
  ok: false,
  reason: 'missing-permission',
  message: `The token lacks the permission to read the audit log of ${printable(organization)}. Ask an organization admin to grant read_audit_logs to the token under Settings > Service tokens.`,
});

const unknownOrganizationProblem = (
  organization: string,
  names: readonly string[],
  { redact }: PlanetScaleApi,
): AccessProblem => {
  const quoted = names.slice(0, maxNamedOrganizations).map((name) => quote(name, redact, maxNameLength));
  const named = quoted.join(', ') || 'none';
  const more = names.length > maxNamedOrganizations ? `, and ${names.length - maxNamedOrganizations} more` : '';
  return {
    ok: false,
    reason: 'unknown-organization',
    message: `The token does not belong to the organization ${printable(organization)} (organizations of the token: ${named}${more}). Set organization to one that the token belongs to, or use a token of ${printable(organization)}.`,
  };
};

const invalidCredentialsProblem: AccessProblem = {
  ok: false,
  reason: 'invalid-credentials',
  message:
    'PlanetScale does not know these credentials. Check the service token, its id and whether it has expired. If you set baseUrl, check its path, because a URL without an API gives the same response to every request.',
};
