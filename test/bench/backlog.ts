// Polls a backlog of a million events, or of as many as the first argument says: `npm run bench:backlog`. The poller must deliver them
// oldest first without holding them in memory. PlanetScale is simulated by another process, behind real HTTP. The exit code is 1 if a
// limit is exceeded.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { memoryCursorStore, PlanetScaleAuditClient, poller } from 'planetscale-audit';
import { fakePlanetScale, listen } from 'planetscale-audit/testing';

const maxHeapGrowthMiB = 64;
const maxRequests = 20_100;
const firstMs = Date.parse('2026-11-01T00:00:00Z');
const tokens = { serviceTokenId: 'faketokenid1', serviceToken: 'pscale_tkn_fake' };

const [, , ...args] = process.argv;
if (args[0] === 'serve') await servePlanetScale(Number(args[1]));
else await measure(Number(args[0] ?? 1_000_000));

/** Prints its URL, then the number of requests for each line on standard input, and ends with standard input. */
async function servePlanetScale(count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, index) => ({
    id: `event${String(index).padStart(8, '0')}`,
    created_at: new Date(firstMs + index * 500).toISOString(),
  }));
  const fake = fakePlanetScale({ events, now: () => new Date(firstMs + count * 500 + 3_600_000) });
  const server = await listen(fake);
  console.log(server.url);
  process.stdin.on('data', () => console.log(fake.requests.length));
  await once(process.stdin, 'end');
  await server.close();
}

async function measure(count: number): Promise<void> {
  const server = spawn(process.execPath, [import.meta.filename, 'serve', String(count)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const output = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const client = new PlanetScaleAuditClient({
    organization: 'acme',
    ...tokens,
    baseUrl: (await output.next()).value ?? '',
    requestsPerMinute: 1_000_000_000,
  });
  await client.page(); // The modules that the first request loads do not count as the backlog's memory.

  const startMs = performance.now();
  const startMiB = heapMiB();
  let peakMiB = startMiB;
  let delivered = 0;
  let outOfOrder = 0;
  let lastId = '';
  for await (const batch of poller(client, {
    store: memoryCursorStore(),
    startFrom: 'oldest',
    drain: true,
  }).batches()) {
    for (const { id } of batch) {
      if (id <= lastId) outOfOrder++;
      lastId = id;
    }
    if (Math.floor(delivered / 50_000) < Math.floor((delivered + batch.length) / 50_000) || delivered === 0) {
      peakMiB = Math.max(peakMiB, heapMiB());
    }
    delivered += batch.length;
  }
  const seconds = (performance.now() - startMs) / 1000;
  server.stdin.write('requests?\n');
  const requests = Number((await output.next()).value) - 1;
  server.stdin.end();

  const growthMiB = peakMiB - startMiB;
  console.log(
    `${delivered} events in ${seconds.toFixed(0)} s, out of order ${outOfOrder}, ${requests} requests, heap after gc at most ${growthMiB.toFixed(1)} MiB above the start`,
  );
  const isWithin = delivered === count && outOfOrder === 0 && growthMiB <= maxHeapGrowthMiB && requests <= maxRequests;
  if (!isWithin) process.exitCode = 1;
}

function heapMiB(): number {
  if (!globalThis.gc)
    throw new Error(
      'The benchmark needs node --expose-gc to measure the memory that is in use. Run `npm run bench:backlog`.',
    );
  globalThis.gc();
  return process.memoryUsage().heapUsed / 2 ** 20;
}
