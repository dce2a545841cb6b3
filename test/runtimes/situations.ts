import assert from 'node:assert/strict';
import { type FakeFailure, type FakePlanetScale, fakePlanetScale, listen } from '../../src/testing.ts';

/** A PlanetScale for each situation of `consumers/consume.js`. */
export interface Situations {
  /** The base URL of each of them. */
  readonly urls: Readonly<Record<string, string>>;
  /** Adds events to the one that works. */
  readonly add: FakePlanetScale['add'];
}

export const eventsOf = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => ({
    id: `event${from + index}`,
    created_at: new Date(Date.parse('2026-11-01T00:00:00Z') + (from + index) * 1000).toISOString(),
  }));

/** Runtimes and their engines could read these values in different ways. */
export const unusualEvents = [
  { created_at: '2026-11-01T00:00:00.123456789+02:00', remote_ip: '2001:0DB8:0:0:0:0:0:1' },
  { created_at: '2026-11-01T00:00:01Z', remote_ip: '::ffff:203.0.113.7' },
  { created_at: '2026-11-01T00:00:02.5Z', remote_ip: '203.0.113.010' },
  { actor_display_name: '\ud800\u0000\u2028 naïve 🐬', metadata: { large: 2 ** 53, small: 1e-7 } },
].map((event, index) => ({ ...eventsOf(index, index + 1)[0], auditable_id: 'kbog8qlq6lp4', ...event }));

const failures: Readonly<Record<string, readonly FakeFailure[]>> = {
  reset: [{ network: 'reset' }],
  truncated: [{ network: 'truncated' }],
  hang: [{ network: 'hang' }, { network: 'hang' }],
  rateLimited: [{ status: 429, headers: { 'retry-after': '0' } }],
};

/** Serves the situations over HTTP while `use` runs. */
export async function withSituations<T>(use: (situations: Situations) => Promise<T>): Promise<T> {
  const servers: { close(): Promise<void> }[] = [];
  const serve = async (fake: FakePlanetScale, ...answers: readonly FakeFailure[]): Promise<string> => {
    fake.failNext(...answers);
    const server = await listen(fake);
    servers.push(server);
    return server.url;
  };
  try {
    const normal = fakePlanetScale({ events: eventsOf(0, 250) });
    const redirectTarget = fakePlanetScale();
    const redirect: FakeFailure = { status: 302, headers: { location: await serve(redirectTarget) } };
    const urls: Record<string, string> = {
      normal: await serve(normal),
      unusualValues: await serve(fakePlanetScale({ events: unusualEvents })),
      refused: await closedAddress(),
      redirect: await serve(fakePlanetScale(), redirect),
    };
    for (const [name, answers] of Object.entries(failures)) urls[name] = await serve(fakePlanetScale(), ...answers);
    const result = await use({ urls, add: normal.add });
    assert.deepEqual(redirectTarget.requests, [], 'The client followed a redirect.');
    return result;
  } finally {
    for (const server of servers) await server.close();
  }
}

/** The address of a port on which nothing listens any more. */
async function closedAddress(): Promise<string> {
  const { url, close } = await listen(fakePlanetScale());
  await close();
  return url;
}
