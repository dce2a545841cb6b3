import type { AuditEvent } from 'planetscale-audit';
import { type Contender, costOf, heapBytes, type Row, type Setup } from '../row.ts';
import { credentials, organization, pageSize, pageText, pageTextWithoutEvents, quietLog } from '../sample-log.ts';

const pages = 300;
const keptEvents = 1000;
const text = pageText(quietLog(3 * pageSize));
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Returns a function that reads the text as a page with the client. The client receives it from memory and not over HTTP. */
export async function readerOf({ library }: Setup, body: string) {
  const { PlanetScaleAuditClient } = await library();
  const bytes = encoder.encode(body);
  const client = new PlanetScaleAuditClient({
    organization,
    ...credentials,
    requestsPerMinute: 1_000_000_000,
    fetch: async () => new Response(bytes, { headers: { 'content-type': 'application/json' } }),
  });
  return () => client.page();
}

const repeat = async (work: () => unknown): Promise<void> => {
  for (let page = 0; page < pages; page++) await work();
};

export const readPage: Row = {
  name: 'read-page',
  rounds: 15,
  contenders: {
    'JSON.parse': {
      kind: 'floor',
      prepare: async () => () => costOf(pages * pageSize, () => repeat(() => JSON.parse(text))),
    },
    'client.page()': {
      kind: 'library',
      async prepare(setup) {
        const read = await readerOf(setup, text);
        return () => costOf(pages * pageSize, () => repeat(read));
      },
    },
    // The parts of a client that read pages are not exported. They cost what a page costs more than as many bytes without an event.
    alone: {
      kind: 'library',
      async prepare(setup) {
        const textWithoutEvents = pageTextWithoutEvents(text.length);
        const read = await readerOf(setup, text);
        const readNoEvents = await readerOf(setup, textWithoutEvents);
        return async () => {
          const whole = await costOf(pages * pageSize, () => repeat(read));
          const rest = await costOf(pages * pageSize, () => repeat(readNoEvents));
          const parse = await costOf(pages * pageSize, () => repeat(() => JSON.parse(textWithoutEvents)));
          return { cpuUs: whole.cpuUs - rest.cpuUs + parse.cpuUs };
        };
      },
    },
  },
  figures: [
    {
      work: 'Read an event of a page, without the request',
      measure: 'cpuUs',
      of: 'alone',
      to: 'JSON.parse',
      target: 1.7,
    },
    {
      work: 'Read an event of a page, with a request that memory answers',
      measure: 'cpuUs',
      of: 'client.page()',
      to: 'JSON.parse',
    },
  ],
};

/** Reads many pages, keeps one event of each, and returns the heap that each event holds. */
const keptHeap = async (read: () => unknown): Promise<{ kib: number }> => {
  const kept: unknown[] = [];
  await read();
  const before = heapBytes();
  for (let page = 0; page < keptEvents; page++) kept.push(await read());
  const kib = (heapBytes() - before) / 1024 / kept.length;
  kept.length = 0;
  return { kib };
};

const keepOne = (
  body: string,
  use: (event: AuditEvent, rawJson: (event: AuditEvent) => string) => void,
): Contender => ({
  kind: 'library',
  async prepare(setup) {
    const { rawJson } = await setup.library();
    const read = await readerOf(setup, body);
    return () =>
      keptHeap(async () => {
        const event = (await read()).events[pageSize / 2];
        if (event) use(event, rawJson);
        return event;
      });
  },
});

export const keptEvent: Row = {
  name: 'kept-event',
  rounds: 3,
  contenders: {
    'JSON.parse': {
      kind: 'floor',
      prepare: async () => {
        const bytes = encoder.encode(text);
        return () => keptHeap(() => JSON.parse(decoder.decode(bytes)).data[pageSize / 2]);
      },
    },
    ascii: keepOne(text, () => {}),
    'raw text read': keepOne(text, (event, rawJson) => rawJson(event)),
    'beyond Latin-1': keepOne(text.replace('Ada Example', 'Łucja Przykład'), () => {}),
  },
  figures: [
    { work: 'Heap of one kept event', measure: 'kib', of: 'ascii', to: 'JSON.parse', by: 'beside', target: 8 },
    {
      work: 'Heap of one kept event, after its raw text was read',
      measure: 'kib',
      of: 'raw text read',
      to: 'JSON.parse',
      by: 'beside',
      target: 8,
    },
    {
      work: 'Heap of one kept event of a page with a character beyond Latin-1',
      measure: 'kib',
      of: 'beyond Latin-1',
      to: 'JSON.parse',
      by: 'beside',
      target: 8,
    },
  ],
};
