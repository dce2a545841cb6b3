// The organizations and their tokens. Replace readOrganizations() if yours are in a vault. A token goes to the client of its
// organization, and nowhere else.
import { readFile, stat } from 'node:fs/promises';
import { organizationsFile } from './config.ts';

export interface Credentials {
  readonly serviceTokenId: string;
  readonly serviceToken: string;
}

let organizations: ReadonlyMap<string, Credentials> = new Map();
let readMtimeMs = 0;

/** Each run asks, so that a new organization or a new token needs no restart. The file is read again only after a change. */
export async function readOrganizations(): Promise<ReadonlyMap<string, Credentials>> {
  const { mtimeMs } = await stat(organizationsFile);
  if (mtimeMs !== readMtimeMs) {
    const entries: readonly (Credentials & { readonly organization: string })[] = JSON.parse(
      await readFile(organizationsFile, 'utf8'),
    );
    organizations = new Map(entries.map(({ organization, ...credentials }) => [organization, credentials]));
    readMtimeMs = mtimeMs;
  }
  return organizations;
}
