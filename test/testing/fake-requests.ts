import type { FakePlanetScale } from 'planetscale-audit/testing';
import type { AuditEvent } from '../../src/audit-log/event.ts';

export const origin = 'https://api.planetscale.com';
export const authorization = 'faketokenid1:pscale_tkn_fake';

export const idsOf = (events: readonly Partial<AuditEvent>[]) => events.map(({ id }) => id);
export const eventsNamed = (...ids: string[]) => ids.map((id) => ({ id }));
export const numberedEvents = (count: number) => Array.from({ length: count }, (_, index) => ({ id: `e${index}` }));

export const getAuditLog = (fake: FakePlanetScale, query = '', headers: Record<string, string> = { authorization }) =>
  fake.fetch(`${origin}/v1/organizations/acme/audit-log${query}`, { headers });

export const getOrganizations = (
  fake: FakePlanetScale,
  query = '',
  headers: Record<string, string> = { authorization },
) => fake.fetch(`${origin}/v1/organizations${query}`, { headers });

/** Requests a page and replaces its events by their ids. */
export const getPage = async (fake: FakePlanetScale, query = '') => {
  const { data, ...rest } = await (await getAuditLog(fake, query)).json();
  return { ...rest, ids: idsOf(data) };
};

export const rejectionOf = async (promise: Promise<unknown>) => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error(`Expected a rejection with an Error, got ${error}.`);
  return error;
};
