import fc from 'fast-check';
import { expect, test } from 'vitest';
import { settle } from '../../src/poller/anchors.ts';
import type { EventRef } from '../../src/poller/state.ts';

const floorMs = Date.parse('2026-11-01T00:00:00Z');
const mark = (id: number, ms: number): EventRef => [String(id), new Date(floorMs + ms).toISOString()];

test('the newest event older than the floor and the nine below it are the anchors, what is above is seen', () => {
  const done = Array.from({ length: 20 }, (_, index) => mark(index, (index - 15) * 1000));
  const { anchors, seen, truncated } = settle(done, 0, floorMs, 10_000);
  expect(anchors.map(([id]) => Number(id))).toEqual([14, 13, 12, 11, 10, 9, 8, 7, 6, 5]);
  expect(seen.map(([id]) => Number(id))).toEqual([15, 16, 17, 18, 19]);
  expect(truncated).toBe(false);
});

test('nothing is an anchor while nothing is old enough', () => {
  const done = [mark(0, 0), mark(1, 1)];
  expect(settle(done, 0, floorMs, 10_000)).toEqual({ anchors: [], seen: done, truncated: false });
});

test('an old event above newer ones settles them: below it nothing becomes visible any more', () => {
  const { anchors, seen } = settle([mark(0, 5000), mark(1, -1000), mark(2, 9000)], 0, floorMs, 10_000);
  expect(anchors.map(([id]) => id)).toEqual(['1', '0']);
  expect(seen.map(([id]) => id)).toEqual(['2']);
});

test('an event whose date cannot be read is never old', () => {
  expect(settle([['a', 'yesterday']], 0, floorMs, 10_000).anchors).toEqual([]);
});

test('what is settled stays so, though it is younger than the floor', () => {
  const done = [mark(0, -1000), mark(1, 1000), mark(2, 2000)];
  const { anchors, seen } = settle(done, 2, floorMs, 10_000);
  expect(anchors.map(([id]) => id)).toEqual(['1', '0']);
  expect(seen.map(([id]) => id)).toEqual(['2']);
});

test('over the room the oldest settle early, and it says so', () => {
  const done = Array.from({ length: 5 }, (_, index) => mark(index, 1000 + index));
  const { anchors, seen, truncated } = settle(done, 0, floorMs, 2);
  expect(seen.map(([id]) => id)).toEqual(['3', '4']);
  expect(anchors.map(([id]) => id)).toEqual(['2', '1', '0']);
  expect(truncated).toBe(true);
});

test('settling again what was settled changes nothing', () => {
  const marks = fc.array(fc.integer({ min: -5000, max: 5000 }), { maxLength: 40 });
  fc.assert(
    fc.property(marks, fc.nat(40), (times, room) => {
      const { anchors, seen } = settle(
        times.map((ms, index) => mark(index, ms)),
        0,
        floorMs,
        room,
      );
      expect(settle([...anchors.toReversed(), ...seen], anchors.length, floorMs, room)).toMatchObject({
        anchors,
        seen,
      });
    }),
  );
});
