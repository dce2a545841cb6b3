import { type Contender, costOf, expectCount, type Row, type Setup } from '../row.ts';
import { credentials, organization, pageSize } from '../sample-log.ts';

const pages = 100;

/** Reads a list from its newest page to its end, and returns the number of events. */
export type ReadList = (serverUrl: string) => Promise<number>;

const pathOfList = `/v1/organizations/${organization}/audit-log?limit=${pageSize}`;
const headers = { authorization: `${credentials.serviceTokenId}:${credentials.serviceToken}` };

/** Requests one page, and parses it. */
export async function fetchRaw(serverUrl: string, cursor?: string) {
  const query = cursor === undefined ? '' : `&starting_after=${cursor}`;
  const response = await fetch(`${serverUrl}${pathOfList}${query}`, { headers });
  return JSON.parse(await response.text());
}

/** Yields page after page, as a script without a library would. */
export async function* rawPages(serverUrl: string) {
  for (let cursor: string | undefined; ; ) {
    const page = await fetchRaw(serverUrl, cursor);
    yield page;
    if (!page.has_next) return;
    cursor = page.cursor_end;
  }
}

const readRaw: ReadList = async (serverUrl) => {
  let events = 0;
  for await (const page of rawPages(serverUrl)) events += page.data.length;
  return events;
};

/** Returns a client of the library for one of the server's logs. */
export async function clientOf({ library }: Setup, serverUrl: string, name = organization) {
  const { PlanetScaleAuditClient } = await library();
  return new PlanetScaleAuditClient({
    organization: name,
    ...credentials,
    baseUrl: `${serverUrl}/v1`,
    requestsPerMinute: 1_000_000_000,
  });
}

const reading = (kind: Contender['kind'], readerOf: (setup: Setup) => Promise<ReadList>): Contender => ({
  kind,
  async prepare(setup) {
    const read = await readerOf(setup);
    return () => costOf(pages, async () => expectCount(await read(setup.serverUrl), pages * pageSize, 'events'));
  },
});

/** The name is that of a file in `peers`, whose packages are not installed in CI. */
const peer = (name: string): Contender =>
  reading('peer', async () => (await import(new URL(`../peers/${name}.ts`, import.meta.url).href)).read);

export const peers = ['distilled', 'octokit', 'got', 'openai-6', 'openai-7', 'stripe'] as const;

export const http: Row = {
  name: 'http',
  rounds: 15,
  contenders: {
    raw: reading('floor', async () => readRaw),
    'pages()': reading('library', async (setup) => {
      const client = await clientOf(setup, setup.serverUrl);
      return async () => {
        let events = 0;
        for await (const page of client.pages()) events += page.events.length;
        return events;
      };
    }),
    'events()': reading('library', async (setup) => {
      const client = await clientOf(setup, setup.serverUrl);
      return async () => {
        let events = 0;
        for await (const _ of client.events()) events++;
        return events;
      };
    }),
    ...Object.fromEntries(peers.map((name) => [name, peer(name)])),
  },
  figures: [
    { work: 'Read a page over HTTP with pages()', measure: 'cpuUs', of: 'pages()', to: 'raw', target: 1.5 },
    { work: 'Read a page over HTTP with events()', measure: 'cpuUs', of: 'events()', to: 'raw', target: 1.5 },
    { work: 'pages() and distilled', measure: 'cpuUs', of: 'pages()', to: 'distilled', target: 0.55 },
    { work: 'pages() and octokit', measure: 'cpuUs', of: 'pages()', to: 'octokit', target: 0.65 },
    { work: 'pages() and openai 6', measure: 'cpuUs', of: 'pages()', to: 'openai-6', target: 1.05 },
    ...peers.map((name) => ({ work: `Read a page with ${name}`, measure: 'cpuUs' as const, of: name, to: 'raw' })),
  ],
};
