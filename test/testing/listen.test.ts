import { type FakePlanetScaleOptions, fakePlanetScale, listen } from 'planetscale-audit/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { authorization, numberedEvents, rejectionOf } from './fake-requests.ts';

const startServer = async (options?: FakePlanetScaleOptions) => {
  const fake = fakePlanetScale(options);
  const server = await listen(fake);
  onTestFinished(() => server.close());
  const get = (path = '/organizations/acme/audit-log', init: RequestInit = {}) =>
    fetch(server.url + path, { headers: { authorization }, ...init });
  return { fake, server, get };
};

describe('listen', () => {
  test('serves the status, headers and body of the fake on the loopback interface', async () => {
    const { fake, server, get } = await startServer({
      events: numberedEvents(3),
      now: () => new Date('2026-01-01T00:00:00Z'),
    });
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    const response = await get('/organizations/acme/audit-log?limit=2&filters[]=audit_action:none');
    expect(response.status).toBe(200);
    expect(response.headers.get('date')).toBe('Thu, 01 Jan 2026 00:00:00 GMT');
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect((await response.json()).data).toEqual([]);
    expect((await (await get()).json()).data).toHaveLength(3);
    expect(fake.requests[1]?.url).toBe(`${server.url}/organizations/acme/audit-log`);
  });

  test('passes the method and the credentials to the fake', async () => {
    const { get } = await startServer();
    expect((await get('/organizations', { headers: { authorization: 'wrong' } })).status).toBe(401);
    expect((await get('/organizations', { method: 'POST', body: 'x' })).status).toBe(405);
    expect((await get('/organizations', { method: 'HEAD' })).status).toBe(405);
  });

  test('sends the answers of failNext unchanged', async () => {
    const { fake, get } = await startServer();
    fake.failNext({ status: 429, body: { code: 'rate_limited' }, headers: { 'retry-after': '3' } }, { status: 204 });
    const response = await get();
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('3');
    expect(await response.json()).toEqual({ code: 'rate_limited' });
    expect((await get()).status).toBe(204);
  });

  test.each(['refused', 'reset'] as const)(
    "resets the connection for '%s' and serves the next one",
    async (network) => {
      const { fake, get } = await startServer();
      fake.failNext({ network });
      const error = await rejectionOf(get());
      expect(error).toMatchObject({ message: 'fetch failed', cause: { code: 'ECONNRESET' } });
      expect((await get()).status).toBe(200);
      expect(fake.requests).toHaveLength(2);
    },
  );

  test("holds the connection open for 'hang' until the client disconnects", async () => {
    const { fake, get } = await startServer();
    const onRejected = vi.fn();
    const answering = vi.spyOn(fake, 'fetch');
    fake.failNext({ network: 'hang' });
    await expect(get(undefined, { signal: AbortSignal.timeout(100) })).rejects.toThrow(
      expect.objectContaining({ name: 'TimeoutError' }),
    );
    await answering.mock.results[0]?.value.catch(onRejected);
    expect(onRejected).toHaveBeenCalledOnce();
    expect((await get()).status).toBe(200);
  });

  test("closes the connection half way through the body for 'truncated'", async () => {
    const { fake, get } = await startServer({ events: numberedEvents(100) });
    for (let times = 0; times < 10; times++) {
      fake.failNext({ network: 'truncated' });
      const response = await get('/organizations/acme/audit-log?limit=100');
      expect(response.status).toBe(200);
      const reader = response.body?.getReader();
      const received = await reader?.read();
      expect(received?.value?.length).toBeGreaterThan(0);
      const error = await rejectionOf(
        (async () => {
          while (!(await reader?.read())?.done);
        })(),
      );
      expect(error).toMatchObject({ message: 'terminated', cause: { code: 'UND_ERR_SOCKET' } });
    }
    expect((await get()).status).toBe(200);
  });

  test('ends all connections at once on close, including those that wait for an answer', async () => {
    const { fake, server, get } = await startServer();
    await (await get()).text();
    fake.failNext({ network: 'hang' });
    const waiting = rejectionOf(get());
    await vi.waitFor(() => expect(fake.requests).toHaveLength(2));
    await server.close();
    expect((await waiting).message).toBe('fetch failed');
    expect(await rejectionOf(get())).toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  test('listens on the given port and rejects with EADDRINUSE if the port is in use', async () => {
    const { server } = await startServer();
    const port = Number(new URL(server.url).port);
    await expect(listen(fakePlanetScale(), port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await server.close();
    const again = await listen(fakePlanetScale(), port);
    onTestFinished(() => again.close());
    expect(again.url).toBe(server.url);
  });
});
