import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { FakePlanetScale } from './fake-planetscale.ts';

const headersOf = ({ rawHeaders }: IncomingMessage): Headers => {
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
  return headers;
};

const write = (outgoing: ServerResponse, chunk: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    outgoing.write(chunk, (error) => (error ? reject(error) : resolve()));
  });

const serve = async (fake: FakePlanetScale, origin: string, incoming: IncomingMessage, outgoing: ServerResponse) => {
  const clientGone = new AbortController();
  outgoing.once('close', () => clientGone.abort());
  try {
    const response = await fake.fetch(`${origin}${incoming.url}`, {
      method: incoming.method ?? 'GET',
      headers: headersOf(incoming),
      signal: clientGone.signal,
    });
    outgoing.statusCode = response.status;
    outgoing.setHeaders(response.headers);
    // The client must receive the chunks before a break, so each chunk leaves before the next one is read.
    for await (const chunk of response.body ?? []) await write(outgoing, chunk);
    outgoing.end();
  } catch {
    // After a reset the client could discard the half of the body that it has received.
    if (outgoing.headersSent) incoming.socket.destroy();
    else incoming.socket.resetAndDestroy();
  }
};

/**
 * Serves {@link FakePlanetScale.fetch} over plain HTTP on the loopback interface, for code that accepts no `fetch` and for tests
 * of real connections. `listen` needs Node.
 *
 * A {@link FakeFailure} of the network happens on the real connection. `'refused'` and `'reset'` reset the connection, `'hang'`
 * holds it open, and `'truncated'` closes it half way through the body.
 *
 * @param port The port to listen on. 0 selects a free port.
 * @throws Node's `EADDRINUSE` if the port is in use.
 *
 * @example
 * ```ts
 * import { fakePlanetScale, listen } from 'planetscale-audit/testing';
 *
 * const server = await listen(fakePlanetScale());
 * const response = await fetch(`${server.url}/organizations`, {
 *   headers: { authorization: 'faketokenid1:pscale_tkn_fake' },
 * });
 * console.log(response.status); // 200
 * await server.close();
 * ```
 */
export async function listen(
  fake: FakePlanetScale,
  port = 0,
): Promise<{
  /** The `baseUrl` for a client. */
  readonly url: string;
  /** Stops the server and ends all connections at once, including those that wait for a response. */
  close(): Promise<void>;
}> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new TypeError(`The server listens on no port (${address}).`);
  const origin = `http://127.0.0.1:${address.port}`;
  server.on('request', (incoming, outgoing) => void serve(fake, origin, incoming, outgoing));

  return {
    url: `${origin}/v1`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
