import { setTimeout as sleep } from 'node:timers/promises';
import { type Contender, costOf, expectCount, type Row, type Setup } from '../row.ts';
import { clientOf, rawPages } from './http.ts';

const pages = 30;
const latencyMs = 20;

const consuming = (
  kind: Contender['kind'],
  workMs: number,
  pagesOf: (setup: Setup, serverUrl: string) => Promise<AsyncIterable<unknown>>,
): Contender => ({
  kind,
  async prepare(setup) {
    return () =>
      costOf(pages, async () => {
        let read = 0;
        for await (const _ of await pagesOf(setup, `${setup.serverUrl}/pages-${pages}/delay-${latencyMs}`)) {
          read++;
          if (workMs > 0) await sleep(workMs);
        }
        expectCount(read, pages, 'pages');
      });
  },
});

const raw = async (_: Setup, serverUrl: string) => rawPages(serverUrl);

export const latency: Row = {
  name: 'latency',
  rounds: 7,
  contenders: {
    raw: consuming('floor', 0, raw),
    'pages()': consuming('library', 0, async (setup, serverUrl) => (await clientOf(setup, serverUrl)).pages()),
    'raw, then work': consuming('floor', 20, raw),
    prefetch: consuming('library', 20, async (setup, serverUrl) =>
      (await clientOf(setup, serverUrl)).pages({ prefetch: true }),
    ),
  },
  figures: [
    { work: 'Wait for a page at a latency of 20 ms', measure: 'wallMs', of: 'pages()', to: 'raw', target: 1.04 },
    {
      work: 'The same with `prefetch` and 20 ms of work a page',
      measure: 'wallMs',
      of: 'prefetch',
      to: 'raw, then work',
      target: 0.56,
    },
  ],
};
