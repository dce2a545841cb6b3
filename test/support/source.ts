import type { AuditSource, PageQuery } from 'planetscale-audit';
import { AuditApiError } from 'planetscale-audit';
import type { FakePlanetScale } from 'planetscale-audit/testing';
import { parsePage } from '../../src/audit-log/page.ts';
import { credentials } from './served.ts';

/** Makes a source that reads the fake without HTTP, retries or a rate limit, for the thousands of scans of a random schedule. */
export const sourceOf = (fake: FakePlanetScale): AuditSource => ({
  organization: 'acme',
  async page({ startingAfter, limit = 100, actions = [], signal }: PageQuery = {}) {
    signal?.throwIfAborted();
    const search = new URLSearchParams({ limit: String(limit) });
    if (startingAfter !== undefined) search.set('starting_after', startingAfter);
    for (const action of actions) search.append('filters[]', `audit_action:${action}`);
    const response = await fake.fetch(`https://api.example.com/v1/organizations/acme/audit-log?${search}`, {
      headers: { authorization: `${credentials.serviceTokenId}:${credentials.serviceToken}` },
    });
    const text = await response.text();
    if (!response.ok) throw new AuditApiError(`answered ${response.status}`, { status: response.status });
    const servedAt = new Date(response.headers.get('date') ?? Number.NaN);
    return parsePage({ text, json: JSON.parse(text), servedAt }).page;
  },
});
