// The organizations and their tokens. Replace readOrganizations() if yours are in a vault. A token goes to the client of its
// organization, and nowhere else.
import { readFile } from 'node:fs/promises';
import { organizationsFile } from './config.ts';

export interface Credentials {
  readonly serviceTokenId: string;
  readonly serviceToken: string;
}

/** Each worker asks every few seconds, so that a new organization or a new token needs no restart. */
export async function readOrganizations(): Promise<ReadonlyMap<string, Credentials>> {
  const entries: readonly (Credentials & { readonly organization: string })[] = JSON.parse(
    await readFile(organizationsFile, 'utf8'),
  );
  return new Map(entries.map(({ organization, ...credentials }) => [organization, credentials]));
}
