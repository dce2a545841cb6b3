import { type FakePlanetScale, fakePlanetScale, listen } from '../../src/testing.ts';

/** An organization of the file that the examples for many organizations read. */
export interface OrganizationEntry {
  readonly organization: string;
  readonly serviceTokenId: string;
  readonly serviceToken: string;
}

/** Makes the entry of an organization, with a token of its own. */
export const entryOf = (organization: string, index: number): OrganizationEntry => ({
  organization,
  serviceTokenId: `tokenid${String(index).padStart(5, '0')}`,
  serviceToken: `pscale_tkn_secret${String(index).padStart(5, '0')}`,
});

/** Serves many organizations behind one HTTP server, as PlanetScale does. The caller closes it. */
export async function serveOrganizations(
  entries: readonly OrganizationEntry[],
  onRequest: (fake: FakePlanetScale) => void = () => {},
): Promise<{
  readonly fakes: ReadonlyMap<string, FakePlanetScale>;
  readonly url: string;
  close(): Promise<void>;
}> {
  const fakes = new Map(entries.map((entry) => [entry.organization, fakePlanetScale(entry)]));
  const unknown = fakePlanetScale({ organization: 'none' });
  const fetch: FakePlanetScale['fetch'] = (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const [, organization = ''] = /\/organizations\/([^/?]+)/.exec(url) ?? [];
    const fake = fakes.get(decodeURIComponent(organization)) ?? unknown;
    onRequest(fake);
    return fake.fetch(input, init);
  };
  const server = await listen({ ...unknown, fetch });
  return { fakes, url: server.url, close: () => server.close() };
}
