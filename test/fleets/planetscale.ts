// The PlanetScale of a trial: many organizations behind one server, a ledger of their events, and faults.

import type { FakeFailure } from '../../src/testing.ts';
import { entryOf, type OrganizationEntry, serveOrganizations } from '../support/organizations.ts';
import { settings } from './settings.ts';

/** Its token is refused until the trial corrects it. A browser that takes the name for HTML makes an element of it. */
export const parkedOrganization = 'parked<b>&amp;"org';

const faults: readonly FakeFailure[] = [
  { status: 503 },
  { status: 429, headers: { 'retry-after': '1' } },
  { network: 'reset' },
];
const faultShare = 0.1;

const namesOf = (count: number): string[] => [
  parkedOrganization,
  ...Array.from({ length: count - 1 }, (_, index) => `org-${index + 1}`),
];

interface LedgerEntry {
  readonly id: string;
  readonly createdMs: number;
}

export async function startPlanetScale(random: () => number) {
  let isFaulty = true;
  let count = 0;
  const entries = namesOf(settings.organizations).map(entryOf);
  const ledger = new Map<string, LedgerEntry[]>(entries.map(({ organization }) => [organization, []]));
  const { fakes, url, close } = await serveOrganizations(entries, (fake) => {
    if (isFaulty && random() < faultShare)
      fake.failNext(faults[Math.floor(random() * faults.length)] ?? { status: 503 });
  });

  /** Adds some events to an organization. One in five becomes visible up to five seconds late. */
  const grow = (): void => {
    const { organization } = entries[Math.floor(random() * entries.length)] ?? entryOf(parkedOrganization, 0);
    for (let left = 1 + Math.floor(random() * 5); left > 0; left--) {
      const id = `event${String(count++).padStart(7, '0')}`;
      const createdMs = Date.now() - (random() < 0.2 ? Math.floor(random() * 5000) : 0);
      fakes.get(organization)?.add({ id, created_at: new Date(createdMs).toISOString() });
      ledger.get(organization)?.push({ id, createdMs });
    }
  };

  /** The ids of each organization, in the order of PlanetScale's list, the oldest first. */
  const idsInOrder = (): ReadonlyMap<string, readonly string[]> =>
    new Map(
      [...ledger].map(([organization, events]) => [
        organization,
        events.toSorted((a, b) => a.createdMs - b.createdMs).map(({ id }) => id), // A stable sort.
      ]),
    );

  return {
    url,
    entries,
    /** What the file of the fleet says while the token of one organization is dead. */
    entriesWithDeadToken: (): readonly OrganizationEntry[] =>
      entries.map((entry) =>
        entry.organization === parkedOrganization ? { ...entry, serviceToken: 'pscale_tkn_secretdead' } : entry,
      ),
    grow,
    idsInOrder,
    requests: () => [...fakes.values()].reduce((sum, fake) => sum + fake.requests.length, 0),
    endFaults: () => {
      isFaulty = false;
    },
    close,
  };
}
