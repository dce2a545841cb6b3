import { type Contender, expectCount, heapBytes, type Row, type Setup } from '../row.ts';
import { pageSize } from '../sample-log.ts';
import { clientOf, rawPages } from './http.ts';

const pages = 10_000;
/** The growth of the heap counts from here to the end. */
const settledEvents = 100_000;

const readAll = (
  kind: Contender['kind'],
  read: (setup: Setup, serverUrl: string, onEvents: (count: number) => void) => Promise<void>,
): Contender => ({
  kind,
  freshProcess: true,
  prepare: async (setup) => async () => {
    let events = 0;
    let before = 0;
    await read(setup, `${setup.serverUrl}/pages-${pages}`, (count) => {
      events += count;
      if (events === settledEvents) before = heapBytes();
    });
    expectCount(events, pages * pageSize, 'events');
    const mb = (process.resourceUsage().maxRSS * 1024) / 1e6;
    return { mb, growthMib: (heapBytes() - before) / 2 ** 20 };
  },
});

export const million: Row = {
  name: 'million',
  rounds: 2,
  contenders: {
    raw: readAll('floor', async (_, serverUrl, onEvents) => {
      for await (const page of rawPages(serverUrl)) onEvents(page.data.length);
    }),
    'events()': readAll('library', async (setup, serverUrl, onEvents) => {
      for await (const _ of (await clientOf(setup, serverUrl)).events()) onEvents(1);
    }),
  },
  figures: [
    {
      work: 'Peak of resident memory while 1,000,000 events are read over HTTP',
      measure: 'mb',
      of: 'events()',
      to: 'raw',
      by: 'difference',
      target: 40,
    },
    { work: 'Heap that grows during this', measure: 'growthMib', of: 'events()', target: 3 },
  ],
};
