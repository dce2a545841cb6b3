import { PlanetScaleAuditClient } from 'planetscale-audit';

// Prints the bytes of heap of one kept event, which the client read from a page of 100 events with the text of the first argument.

const { gc } = globalThis;
if (!gc) throw new Error('Start node with --expose-gc.');
const heap = (): number => {
  gc();
  return process.memoryUsage().heapUsed;
};

let pages = 0;
const client = new PlanetScaleAuditClient({
  organization: 'acme',
  accessToken: 'pscale_oauth_fake',
  requestsPerMinute: 1_000_000_000,
  fetch: async () => {
    pages++;
    const data = Array.from({ length: 100 }, (_, index) => ({
      id: `event-${pages}-${index}`,
      audit_action: 'database.created',
      created_at: '2026-11-01T00:00:00Z',
      metadata: { note: index === 0 ? process.argv[2] : 'x'.repeat(400) },
    }));
    return new Response(JSON.stringify({ data, has_next: false, cursor_end: 'x' }));
  },
});

const kept: unknown[] = [];
const keep = async (count: number): Promise<void> => {
  for (let index = 0; index < count; index++) kept.push((await client.page()).events[50]);
};
await keep(50);
const before = heap();
await keep(300);
console.log(Math.round((heap() - before) / 300));
if (kept.length !== 350) throw new Error('too few events');
