import type { AuditPage, AuditSource, CursorStore, PageQuery } from 'planetscale-audit';
import { type Contender, costOf, expectCount, heapBytes, type Row, type Setup } from '../row.ts';
import { eventsText, idOf, organization, pageRange, quietLog, type SampleLog } from '../sample-log.ts';

/** Returns a page without HTTP and without a client. Its events are parsed anew at each call. */
const pageOf = (log: SampleLog, { startingAfter, limit }: PageQuery = {}): AuditPage => {
  const range = pageRange(log, startingAfter, limit);
  return {
    events: JSON.parse(eventsText(log, range)),
    hasNext: range.oldest > 0,
    hasPrev: range.newest < log.length - 1,
    cursorStart: idOf(range.newest),
    cursorEnd: idOf(range.oldest),
    servedAt: new Date(),
  };
};

/** Reads each page twice, as a poller does that reads from the newest page down and delivers from the oldest page up. */
const readTwice = async (log: SampleLog): Promise<void> => {
  for (let time = 0; time < 2; time++) {
    let events = 0;
    let startingAfter: string | undefined;
    for (;;) {
      const page = pageOf(log, { startingAfter });
      events += page.events.length;
      if (!page.hasNext || page.cursorEnd === null) break;
      startingAfter = page.cursorEnd;
    }
    expectCount(events, log.length, 'events');
  }
};

const readingTwice = (logOf: () => SampleLog, freshProcess: boolean): Contender => ({
  kind: 'floor',
  freshProcess,
  prepare: async () => () => {
    const log = logOf();
    return costOf(log.length, () => readTwice(log));
  },
});

/** Polls a log from its oldest event until the poller has caught up. Returns what the poller requested and saved. */
async function pollAll({ library }: Setup, log: SampleLog, onBatch: (delivered: number) => void = () => {}) {
  const { poller } = await library();
  const work = { requests: 0, savedBytes: 0 };
  const source: AuditSource = {
    organization,
    async page(query) {
      work.requests++;
      return pageOf(log, query);
    },
  };
  const cursors = new Map<string, string>();
  const store: CursorStore = {
    get: (key) => cursors.get(key),
    set(key, value) {
      work.savedBytes += value.length / log.length;
      cursors.set(key, value);
    },
  };
  let delivered = 0;
  let lastId = '';
  const events = poller(source, { store, startFrom: 'oldest', drain: true, onNotice: () => {} });
  for await (const batch of events.batches()) {
    for (const { id } of batch) {
      if (id <= lastId) throw new Error(`The poller delivered ${id} after ${lastId}.`);
      lastId = id;
    }
    delivered += batch.length;
    onBatch(delivered);
  }
  expectCount(delivered, log.length, 'events');
  return work;
}

const polling = (logOf: () => SampleLog, freshProcess: boolean): Contender => ({
  kind: 'library',
  freshProcess,
  prepare: async (setup) => async () => {
    const log = logOf();
    let work = {};
    const cost = await costOf(log.length, async () => {
      work = await pollAll(setup, log);
    });
    return { ...cost, ...work };
  },
});

const million = 1_000_000;
const heapInterval = 50_000;

/** A process that has polled a million events is as warm as it gets, so each round takes a new one. */
export const backlog: Row = {
  name: 'backlog',
  rounds: 3,
  contenders: {
    'the same pages read twice': readingTwice(() => quietLog(million), true),
    poller: polling(() => quietLog(million), true),
    heap: {
      kind: 'library',
      freshProcess: true,
      prepare: async (setup) => async () => {
        await pollAll(setup, quietLog(heapInterval)); // Compiled code does not count.
        const before = heapBytes();
        let peak = before;
        await pollAll(setup, quietLog(million), (delivered) => {
          if (delivered % heapInterval === 0) peak = Math.max(peak, heapBytes());
        });
        return { growthMib: (peak - before) / 2 ** 20 };
      },
    },
  },
  figures: [
    {
      work: 'Poll an event of a backlog of 1,000,000',
      measure: 'cpuUs',
      of: 'poller',
      to: 'the same pages read twice',
      target: 1.7,
    },
    { work: 'Heap that grows during this backlog', measure: 'growthMib', of: 'heap', target: 3.5 },
    { work: 'Pages requested for this backlog', measure: 'requests', of: 'poller', target: 20_100 },
  ],
};

/** Returns a log of which all events lie within the look-back of ten minutes. */
const recentLog = (): SampleLog => {
  const log = { length: 20_000, stepMs: 25 };
  return { ...log, firstMs: Date.now() - log.length * log.stepMs };
};

export const lookback: Row = {
  name: 'lookback',
  rounds: 5,
  contenders: {
    'the same pages read twice': readingTwice(recentLog, false),
    poller: polling(recentLog, false),
  },
  figures: [
    {
      work: 'Poll an event of 20,000 within the look-back (rare)',
      measure: 'cpuUs',
      of: 'poller',
      to: 'the same pages read twice',
      target: 10,
    },
    { work: 'Bytes of state saved for each of these events', measure: 'savedBytes', of: 'poller' },
  ],
};
