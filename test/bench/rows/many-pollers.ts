import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditSource } from 'planetscale-audit';
import { type Contender, costOf, heapBytes, type Row, type Setup } from '../row.ts';
import { clientOf } from './http.ts';

const pollers = 1000;
/** Each poller begins with this many events. */
const firstEvents = 200;
const polls = 3000;

/** Starts the pollers, each with a client and an organization of its own. */
async function startPollers(
  setup: Setup,
  intervalMs: number,
  observe: { onPage?(): void; onEvent?(): void },
): Promise<void> {
  const { memoryCursorStore, poller } = await setup.library();
  for (let index = 0; index < pollers; index++) {
    const client = await clientOf(setup, setup.serverUrl, `org-${index}`);
    const source: AuditSource = {
      organization: client.organization,
      async page(query) {
        const page = await client.page(query);
        observe.onPage?.();
        return page;
      },
    };
    const options = { store: memoryCursorStore(), startFrom: { newest: firstEvents }, intervalMs, onNotice: () => {} };
    const consume = async (): Promise<void> => {
      for await (const _ of poller(source, options)) observe.onEvent?.();
    };
    void consume();
  }
}

/** `ended` resolves when `tick` was called this often. */
const countdown = (count: number): { tick(): void; readonly ended: Promise<void> } => {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let left = count;
  const tick = () => {
    left--;
    if (left === 0) resolve();
  };
  return { tick, ended };
};

const heap: Contender = {
  kind: 'library',
  freshProcess: true,
  prepare: async (setup) => async () => {
    const client = await clientOf(setup, setup.serverUrl);
    await client.page(); // The modules that the first request loads do not count.
    const before = heapBytes();
    const delivery = countdown(pollers * firstEvents);
    await startPollers(setup, 600_000, { onEvent: delivery.tick });
    await delivery.ended;
    await sleep(500); // The loops ask for their next event, and the pollers begin to wait.
    return { kib: (heapBytes() - before) / 1024 / pollers };
  },
};

const cpu: Contender = {
  kind: 'library',
  async prepare(setup) {
    let round = countdown(polls);
    await startPollers(setup, 100, { onPage: () => round.tick() });
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
  rounds: 3,
  contenders: { heap, cpu },
  figures: [
    { work: 'Heap of each of 1,000 idle pollers in a process', measure: 'kib', of: 'heap', target: 60 },
    { work: 'Poll of one of them', measure: 'cpuUs', of: 'cpu', target: 1800 },
  ],
};
