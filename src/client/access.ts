import * as z from 'zod';
import { AuditApiError, PlanetScaleAuditError } from '../errors.ts';
import type { PlanetScaleApi } from './planetscale-api.ts';

/** What {@link PlanetScaleAuditClient.verifyAccess} found. */
export type AccessReport =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: 'invalid-credentials' | 'unknown-organization' | 'missing-permission' | 'unreachable';
      /** What to do about it. */
      readonly message: string;
    };

type AccessProblem = Extract<AccessReport, { readonly ok: false }>;

/** `GET /organizations`: https://planetscale.com/docs/api/reference/list_organizations */
const organizationsSchema = z.object({
  data: z.array(z.object({ name: z.string() })),
  next_page: z.int().nullish().catch(null),
});

/** A list that always promises more would be read for ever. */
const maxOrganizationPages = 100;

/** How many organizations a message names. */
const maxNamedOrganizations = 20;

/** PlanetScale answers alike to wrong credentials, a wrong organization and a missing permission. */
export const isAccessDenied = (error: unknown): boolean =>
  error instanceof AuditApiError && [401, 403, 404].includes(error.status);

export const unreachable = (error: unknown): AccessProblem => ({
  ok: false,
  reason: 'unreachable',
  message:
    error instanceof PlanetScaleAuditError
      ? error.message
      : 'PlanetScale answered with something that is no list of organizations.',
});

/**
 * Why the audit log was refused: whatever else credentials may not do, they can list the organizations that they belong to.
 *
 * @throws the signal's reason
 */
export async function diagnoseAccess(
  http: PlanetScaleApi,
  organization: string,
  signal: AbortSignal | undefined,
): Promise<AccessProblem> {
  try {
    const names = await organizationNames(http, organization, signal);
    return names.includes(organization)
      ? missingPermission(organization)
      : unknownOrganization(organization, names, http);
  } catch (error) {
    signal?.throwIfAborted();
    return isAccessDenied(error) ? invalidCredentials : unreachable(error);
  }
}

/** Up to the one that is looked for. */
async function organizationNames(
  http: PlanetScaleApi,
  lookedFor: string,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const names: string[] = [];
  for (let page = 1; page <= maxOrganizationPages; page++) {
    const query = new URLSearchParams({ page: String(page), per_page: '100' });
    const { json } = await http.get('/organizations', query, signal);
    const { data, next_page } = organizationsSchema.parse(json);
    names.push(...data.map(({ name }) => name));
    if (names.includes(lookedFor) || !next_page || next_page <= page) break;
  }
  return names;
}

const missingPermission = (organization: string): AccessProblem => ({
  ok: false,
  reason: 'missing-permission',
  message: `The token may not read the audit log of ${organization}: an organization admin grants it read_audit_logs under Settings > Service tokens.`,
});

const unknownOrganization = (
  organization: string,
  names: readonly string[],
  { redact }: PlanetScaleApi,
): AccessProblem => {
  const named = names.slice(0, maxNamedOrganizations).join(', ') || 'none';
  const unnamed = names.length - maxNamedOrganizations;
  return {
    ok: false,
    reason: 'unknown-organization',
    message: `The token does not belong to an organization named ${organization}. It belongs to: ${redact(named)}${unnamed > 0 ? `, and ${unnamed} more` : ''}.`,
  };
};

const invalidCredentials: AccessProblem = {
  ok: false,
  reason: 'invalid-credentials',
  message:
    'PlanetScale does not know these credentials: check the service token and its id, and whether it has expired. Where baseUrl is set, check its path too: an API that is not there answers so to everything.',
};
