import { createServer } from 'node:net';
import { AuditConnectionError, PlanetScaleAuditClient } from 'planetscale-audit';
import { expect, test } from 'vitest';
import { credentials, failure } from '../support/served.ts';

/** A port of this machine on which nothing listens any more. */
const closedPort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number }; // It listens on a port, not on a pipe.
      server.close(() => resolve(port));
    });
  });

test('a refused connection becomes a retryable AuditConnectionError that names the code and the address', async () => {
  const port = await closedPort();
  const baseUrl = `http://127.0.0.1:${port}/v1`;
  const client = new PlanetScaleAuditClient({ organization: 'acme', ...credentials, baseUrl, retries: 0 });
  const error = await failure(client.page());
  expect(error).toBeInstanceOf(AuditConnectionError);
  expect(error).toMatchObject({
    retryable: true,
    message: expect.stringContaining(`connect ECONNREFUSED 127.0.0.1:${port}`),
  });
});
