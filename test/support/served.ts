import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PlanetScaleAuditClient, type PlanetScaleAuditClientOptions } from 'planetscale-audit';
import { type FakePlanetScale, type FakePlanetScaleOptions, fakePlanetScale, listen } from 'planetscale-audit/testing';
import { expect, onTestFinished } from 'vitest';

export const credentials = { serviceTokenId: 'abc123def456', serviceToken: 'pscale_tkn_5pYq0Zk3vLw9' } as const;

/** A fake PlanetScale behind real HTTP for one test. */
export interface Served {
  readonly fake: FakePlanetScale;
  readonly url: string;
  /** Makes a client of the fake, without retries. */
  client(options?: Partial<PlanetScaleAuditClientOptions>): PlanetScaleAuditClient;
}

export async function serve(options: FakePlanetScaleOptions = {}): Promise<Served> {
  const fake = fakePlanetScale({ ...credentials, ...options });
  const server = await listen(fake);
  onTestFinished(() => server.close());
  return {
    fake,
    url: server.url,
    client: (overrides) =>
      new PlanetScaleAuditClient({
        organization: 'acme',
        ...credentials,
        baseUrl: server.url,
        retries: 0,
        ...overrides,
      }),
  };
}

/** Makes `count` events, a second apart, the oldest first. */
export const numbered = (count: number, from = Date.parse('2026-11-01T00:00:00Z')) =>
  Array.from({ length: count }, (_, index) => ({
    id: `event${String(index).padStart(7, '0')}`,
    audit_action: 'database_branch.created',
    created_at: new Date(from + index * 1000).toISOString(),
  }));

/** Makes an answer that the fake would not send by itself. */
export const listOf = (data: readonly unknown[], envelope: Readonly<Record<string, unknown>> = {}) => ({
  status: 200,
  body: { type: 'list', has_next: false, has_prev: false, cursor_start: null, cursor_end: null, data, ...envelope },
});

export const idsOf = (events: readonly { readonly id: string }[]): string[] => events.map(({ id }) => id);

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Starts a server that answers as the test says, for behavior that the fake does not have. */
export const serveRaw = async (answer: Parameters<typeof createServer>[1]): Promise<string> => {
  const server = createServer({}, answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // It listens on a port, not on a pipe.
  return `http://127.0.0.1:${port}/v1`;
};

/** Resolves to the error of a promise. */
export const failure = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable('the promise should reject'),
    (error: unknown) => error,
  );
