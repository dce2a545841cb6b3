// The two audit logs that examples/demo.ts can read.
import { type AuditEvent, knownAuditActions, PlanetScaleAuditClient } from 'planetscale-audit';
import { fakePlanetScale, listen } from 'planetscale-audit/testing';
import type { PollerArgument } from './poller.ts';

/** An audit log, and the ids that show whether an event is missing. */
export interface Source {
  readonly description: string;
  /** What a poller of this log needs in its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly options: Pick<PollerArgument, 'startFrom' | 'intervalMs'>;
  /** Whether a poller may end that has polled for so long, if these events have been delivered. */
  isOver(delivered: ReadonlySet<string>, pollingMs: number): boolean;
  /** Resolves with the ids of all events that a poller should have delivered by now. */
  made(delivered: ReadonlySet<string>): Promise<readonly string[]>;
  close(): Promise<void>;
}

export const hasCredentials = (): boolean =>
  ['PLANETSCALE_ORG', 'PLANETSCALE_SERVICE_TOKEN_ID', 'PLANETSCALE_SERVICE_TOKEN'].every((name) => process.env[name]);

/** The 200 newest events of the real PlanetScale, and those of the next seconds. */
export function createRealSource(signal: AbortSignal): Source {
  const client = PlanetScaleAuditClient.fromEnv();
  return {
    description: `The newest 200 events of ${client.organization} at PlanetScale, and those of the next seconds.`,
    env: {},
    options: { startFrom: { newest: 200 }, intervalMs: 2000 },
    isOver: (_, pollingMs) => pollingMs > 5000,
    made: async (delivered) => {
      const listed: string[] = [];
      for await (const { id } of client.events({ signal })) {
        // Without this limit, a deleted event would make the listing continue to the end of the audit log.
        if (listed.length > 2 * delivered.size) break;
        listed.push(id);
      }
      // The events below the oldest delivered one are older than `startFrom`.
      return listed.slice(0, listed.findLastIndex((id) => delivered.has(id)) + 1);
    },
    close: async () => {},
  };
}

const ada = {
  actor_id: 'd4hkujnkswjk',
  actor_type: 'User',
  actor_display_name: 'Ada Example',
  remote_ip: '203.0.113.24',
};
const bot = {
  actor_id: 'q1s9w8t3z5k7',
  actor_type: 'ServiceToken',
  actor_display_name: 'deploy-bot',
  remote_ip: '203.0.113.7',
};
const grace = {
  actor_id: 'p7x0c2vv9ma1',
  actor_type: 'User',
  actor_display_name: 'Grace Sample',
  remote_ip: '2001:db8::1a2b',
};
const planetScale = { actor_id: null, actor_type: null, actor_display_name: null, remote_ip: null };
const actors = [bot, ada, bot, bot, grace, bot, ada, bot, planetScale];

/** A made-up organization behind real HTTP, with three days of history and a steady stream of new events. */
export async function createFakeSource(): Promise<Source> {
  const historyMs = 3 * 24 * 60 * 60_000;
  const pastCount = 300;
  const liveCount = 90;
  const liveIntervalMs = 50;
  const nowMs = Date.now();

  const fake = fakePlanetScale({
    now: () => new Date(),
    serviceTokenId: 'faketokenid1',
    serviceToken: 'pscale_tkn_fake',
  });
  const made: string[] = [];
  const add = (event: Partial<AuditEvent>): void => {
    // The order of the names is mixed, so that neighbors differ.
    const audit_action = knownAuditActions[(made.length * 7) % knownAuditActions.length] ?? 'database.created';
    const actor = actors[made.length % actors.length];
    made.push(...fake.add({ audit_action, ...actor, ...event }).map(({ id }) => id));
  };
  for (let index = 0; index < pastCount; index++) {
    add({ created_at: new Date(nowMs - historyMs * (1 - index / pastCount)).toISOString() });
  }
  const server = await listen(fake);
  let liveSinceMs: number | undefined;
  const timer = setInterval(() => {
    if (fake.requests.length > 0) liveSinceMs ??= Date.now();
    const due = Math.min(liveCount, Math.floor((Date.now() - (liveSinceMs ?? Date.now())) / liveIntervalMs));
    while (made.length < pastCount + due) add({});
  }, liveIntervalMs);
  return {
    description: `A made-up PlanetScale over HTTP: ${pastCount} events in three days, and ${liveCount} more while you watch.`,
    env: {
      PLANETSCALE_ORG: 'acme',
      PLANETSCALE_SERVICE_TOKEN_ID: 'faketokenid1',
      PLANETSCALE_SERVICE_TOKEN: 'pscale_tkn_fake',
      PLANETSCALE_API_URL: server.url,
    },
    options: { startFrom: 'oldest', intervalMs: 750 },
    isOver: (delivered) => made.length === pastCount + liveCount && delivered.size >= made.length,
    made: async () => made,
    close: async () => {
      clearInterval(timer);
      await server.close();
    },
  };
}
