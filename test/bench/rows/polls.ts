import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditSource } from 'planetscale-audit';
import { type Contender, costOf, expectCount, type Row } from '../row.ts';
import { pageSize } from '../sample-log.ts';
import { clientOf, fetchRaw } from './http.ts';

const intervalMs = 1;

/** Polls as a script without a library would: from the newest page down to the last event that it knows. */
const naive = (path: string, count: number, eventsOfPoll: number): Contender => ({
  kind: 'floor',
  async prepare({ serverUrl }) {
    const url = `${serverUrl}${path}`;
    let lastId: string = (await fetchRaw(url)).data[0].id;
    const poll = async (): Promise<void> => {
      const events: { readonly id: string }[] = [];
      for (let page = await fetchRaw(url); ; page = await fetchRaw(url, page.cursor_end)) {
        const known = page.data.findIndex(({ id }: { id: string }) => id === lastId);
        events.push(...(known === -1 ? page.data : page.data.slice(0, known)));
        if (known !== -1 || !page.has_next) break;
      }
      lastId = events[0]?.id ?? lastId;
      expectCount(events.length, eventsOfPoll, 'events');
    };
    return () =>
      costOf(count, async () => {
        for (let done = 0; done < count; done++) {
          await poll();
          await sleep(intervalMs);
        }
      });
  },
});

/** Runs a poller, and counts its polls by the requests for the newest page. The first rounds see the poller's start. */
const polling = (path: string, count: number, eventsOfPoll: number): Contender => ({
  kind: 'library',
  async prepare(setup) {
    const { memoryCursorStore, poller } = await setup.library();
    const client = await clientOf(setup, `${setup.serverUrl}${path}`);
    const done = { polls: 0, requests: 0, events: 0 };
    let roundEnds = Promise.withResolvers<void>();
    let roundBegins = Promise.withResolvers<void>();
    const source: AuditSource = {
      organization: client.organization,
      async page(query) {
        if (query?.startingAfter === undefined) {
          if (done.polls === count) {
            roundEnds.resolve();
            await roundBegins.promise;
          }
          done.polls++;
        }
        done.requests++;
        return client.page(query);
      },
    };
    const consume = async (): Promise<void> => {
      const events = poller(source, { store: memoryCursorStore(), startFrom: 'now', intervalMs, onNotice: () => {} });
      for await (const batch of events.batches()) done.events += batch.length;
    };
    done.polls = count - 2; // The poller finds its start before the first round.
    consume().catch((error: unknown) => roundEnds.reject(error));
    await roundEnds.promise;
    return async () => {
      roundEnds = Promise.withResolvers();
      Object.assign(done, { polls: 0, requests: 0, events: 0 });
      const cost = await costOf(count, () => {
        roundBegins.resolve();
        roundBegins = Promise.withResolvers();
        return roundEnds.promise;
      });
      expectCount(done.events, count * eventsOfPoll, 'events');
      return { ...cost, requests: done.requests / count };
    };
  },
});
export const idlePoll: Row = {
  name: 'idle-poll',
  rounds: 15,
  contenders: {
    'naive poller': naive('', 200, 0),
    poller: polling('', 200, 0),
  },
  figures: [
    { work: 'Poll when nothing is new', measure: 'cpuUs', of: 'poller', to: 'naive poller', target: 1.5 },
    { work: 'Requests of such a poll', measure: 'requests', of: 'poller', target: 1 },
  ],
};

export const busyPoll: Row = {
  name: 'busy-poll',
  rounds: 9,
  contenders: {
    'naive poller': naive('/growing-naive', 30, pageSize),
    poller: polling(`/growing-poller${process.pid}`, 30, pageSize),
  },
  figures: [
    {
      work: 'Poll when 100 events a minute are new (rare)',
      measure: 'cpuUs',
      of: 'poller',
      to: 'naive poller',
      by: 'beside',
      target: 14_000,
    },
    { work: 'Requests of such a poll', measure: 'requests', of: 'poller', target: 12 },
  ],
};
