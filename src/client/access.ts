import * as z from 'zod/mini';
import type { AccessReport } from '../audit-log/access-report.ts';
import { AuditApiError, PlanetScaleAuditError } from '../errors.ts';
import { quote } from '../http/quote.ts';
import { excerpt } from '../internal/excerpt.ts';
import { listSchema } from '../internal/list-schema.ts';
import { withFallback } from '../internal/with-fallback.ts';
import type { PlanetScaleApi } from './planetscale-api.ts';

type AccessProblem = Extract<AccessReport, { readonly ok: false }>;

/** `GET /organizations`: https://planetscale.com/docs/api/reference/list_organizations */
const organizationsSchema = /* @__PURE__ */ (() =>
  z.object({
    data: listSchema,
    next_page: withFallback(z.nullish(z.int()), null),
  }))();

const organizationSchema = /* @__PURE__ */ (() => z.object({ name: z.string() }))();

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
    const { hasWanted, ...others } = await readOrganizations(api, organization, signal);
    return hasWanted ? missingPermissionProblem(organization) : unknownOrganizationProblem(organization, others);
  } catch (error) {
    signal?.throwIfAborted();
    return isAccessDenied(error) ? invalidCredentialsProblem : unreachableProblem(error);
  }
}

/** The organizations of the credentials, as a message names them. */
interface Organizations {
  /** The first of them, quoted. */
  readonly quoted: readonly string[];
  readonly count: number;
}

/** Reads the organizations of the credentials page by page, until `wanted` is among them. */
async function readOrganizations(
  api: PlanetScaleApi,
  wanted: string,
  signal: AbortSignal | undefined,
): Promise<Organizations & { readonly hasWanted: boolean }> {
  const quoted: string[] = [];
  let count = 0;
  for (let page = 1; page <= maxOrganizationPages; page++) {
    const query = new URLSearchParams({ page: String(page), per_page: '100' });
    const { json } = await api.get('/organizations', query, signal);
    const { data, next_page } = organizationsSchema.parse(json);
    const names = data.map((item) => organizationSchema.parse(item).name); // Throws at the first item without a name.
    if (names.includes(wanted)) return { hasWanted: true, quoted, count };
    quoted.push(
      ...names.slice(0, maxNamedOrganizations - quoted.length).map((name) => quote(name, api.redact, maxNameLength)),
    );
    count += names.length;
    if (!next_page || next_page <= page) break;
  }
  return { hasWanted: false, quoted, count };
}

const missingPermissionProblem = (organization: string): AccessProblem => ({
  ok: false,
  reason: 'missing-permission',
  message: `The token lacks the permission to read the audit log of ${excerpt(organization)}. Ask an organization admin to grant read_audit_logs to the token under Settings > Service tokens.`,
});

const unknownOrganizationProblem = (organization: string, { quoted, count }: Organizations): AccessProblem => {
  const named = quoted.join(', ') || 'none';
  const more = count > quoted.length ? `, and ${count - quoted.length} more` : '';
  return {
    ok: false,
    reason: 'unknown-organization',
    message: `The token does not belong to the organization ${excerpt(organization)} (organizations of the token: ${named}${more}). Set organization to one that the token belongs to, or use a token of ${excerpt(organization)}.`,
  };
};

const invalidCredentialsProblem: AccessProblem = {
  ok: false,
  reason: 'invalid-credentials',
  message:
    'PlanetScale does not know these credentials. Check the service token, its id and whether it has expired. If you set baseUrl, check its path, because a URL without an API gives the same response to every request.',
};
