import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditSource } from 'planetscale-audit';
import { type Contender, costOf, heapBytes, type Row, type Setup } from '../row.ts';
import { clientOf } from './http.ts';

const pollers = 1000;
const polls = 3000;

/** Starts the pollers, each with a client and an organization of its own. `onPoll` sees each request for a newest page. */
async function startPollers(setup: Setup, intervalMs: number, onPoll: () => void): Promise<void> {
  const { memoryCursorStore, poller } = await setup.library();
  for (let index = 0; index < pollers; index++) {
    const client = await clientOf(setup, setup.serverUrl, `org-${index}`);
    const source: AuditSource = {
      organization: client.organization,
      async page(query) {
        const page = await client.page(query);
        onPoll();
        return page;
      },
    };
    const consume = async (): Promise<void> => {
      for await (const _ of poller(source, { store: memoryCursorStore(), intervalMs }));
    };
    void consume();
  }
}

/** Resolves when the pollers have polled this often. */
const countdown = (count: number): { tick(): void; readonly ended: Promise<void> } => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = count;
  return {
    tick() {
      left--;
      if (left === 0) resolve();
    },
    ended: promise,
  };
};

const heap: Contender = {
  kind: 'library',
  freshProcess: true,
  prepare: async (setup) => async () => {
    const client = await clientOf(setup, setup.serverUrl);
    await client.page(); // The modules that the first request loads do not count.
    const before = heapBytes();
    await startPollers(setup, 600_000, () => {});
    await sleep(10_000); // All have polled once by then, and wait.
    return { kib: (heapBytes() - before) / 1024 / pollers };
  },
};

const cpu: Contender = {
  kind: 'library',
  async prepare(setup) {
    let round = countdown(2 * pollers);
    await startPollers(setup, 100, () => round.tick());
    await round.ended; // The first polls read where to start.
    return () =>
      costOf(polls, () => {
        round = countdown(polls);
        return round.ended;
      });
  },
};

export const manyPollers: Row = {
  name: 'many-pollers',
  rounds: 5,
  contenders: { heap, cpu },
  figures: [
    { work: 'Heap of each of 1,000 idle pollers in a process', measure: 'kib', of: 'heap', target: 60 },
    { work: 'Poll of one of them', measure: 'cpuUs', of: 'cpu', target: 1800 },
  ],
};
