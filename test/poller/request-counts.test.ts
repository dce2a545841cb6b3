import { memoryCursorStore } from 'planetscale-audit';
import { expect, test } from 'vitest';
import { createdAt, drain, minuteMs, serveAt } from '../support/polling.ts';
import { collect } from '../support/served.ts';

const pageSize = 100;

/** Returns a log with `count` events in the last minute, and functions that add to it and poll it. */
const busyLog = async (count: number) => {
  const served = await serveAt();
  const { clock, fake } = served;
  const addMinute = (events: number) => {
    clock.ms += minuteMs;
    const stepMs = minuteMs / events;
    fake.add(...Array.from({ length: events }, (_, index) => createdAt(clock.ms - (events - index) * stepMs)));
  };
  const store = memoryCursorStore();
  const poll = async () => {
    const before = fake.requests.length;
    const delivered = (await collect(drain(served, { store, startFrom: 'oldest', lookbackMs: 10 * minuteMs }))).length;
    return { delivered, requests: fake.requests.length - before };
  };
  addMinute(count);
  return { clock, addMinute, poll };
};

test('a poll reads the pages within the look-back and one more, if each minute has a page of new events', async () => {
  const { addMinute, poll } = await busyLog(pageSize);
  await poll();
  const polls: Awaited<ReturnType<typeof poll>>[] = [];
  for (let minute = 0; minute < 15; minute++) {
    addMinute(pageSize);
    polls.push(await poll());
  }
  expect(polls.map(({ delivered }) => delivered)).toEqual(polls.map(() => pageSize));
  expect(polls.slice(-3).map(({ requests }) => requests)).toEqual([12, 12, 12]);
});

test.each([
  ['each page once, up to the newest page and 50 others', 51, 51],
  ['each page once, and again those of which memory has no room', 60, 69],
])('a poll of a burst requests %s', async (_, pages, requests) => {
  const { poll } = await busyLog(pages * pageSize);
  expect(await poll()).toEqual({ delivered: pages * pageSize, requests });
});
