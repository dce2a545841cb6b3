import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { settle } from '../../src/poller/anchors.ts';
import type { EventRef } from '../../src/poller/listed-event.ts';

const watermarkMs = Date.parse('2026-11-01T00:00:00Z');
/** What settle() needs, if no event is beside the anchors. */
const options = { besideCount: 0, watermarkMs, capacity: 10_000 };
const refAt = (id: number, ms: number): EventRef => [String(id), new Date(watermarkMs + ms).toISOString()];

describe('settle()', () => {
  test('makes anchors of the newest event before the watermark and the nine below it, and remembers the events above', () => {
    const acknowledged = Array.from({ length: 20 }, (_, index) => refAt(index, (index - 15) * 1000));
    const { anchors, seen, hasOverflowed } = settle(acknowledged, { ...options, anchoredCount: 0 });
    expect(anchors.map(([id]) => Number(id))).toEqual([14, 13, 12, 11, 10, 9, 8, 7, 6, 5]);
    expect(seen.map(([id]) => Number(id))).toEqual([15, 16, 17, 18, 19]);
    expect(hasOverflowed).toBe(false);
  });

  test('makes no anchor while no event is old enough', () => {
    const acknowledged = [refAt(0, 0), refAt(1, 1)];
    expect(settle(acknowledged, { ...options, anchoredCount: 0 })).toEqual({
      anchors: [],
      besideAnchors: [],
      forgotten: [],
      seen: acknowledged,
      hasOverflowed: false,
    });
  });

  test('makes newer events below an old one final, since no event becomes visible below it any more', () => {
    const { anchors, seen } = settle([refAt(0, 5000), refAt(1, -1000), refAt(2, 9000)], {
      ...options,
      anchoredCount: 0,
    });
    expect(anchors.map(([id]) => id)).toEqual(['1', '0']);
    expect(seen.map(([id]) => id)).toEqual(['2']);
  });

  test('never makes an event with an unreadable time final by its age', () => {
    expect(settle([['a', 'yesterday']], { ...options, anchoredCount: 0 }).anchors).toEqual([]);
  });

  test('keeps a final event final, even if it is younger than the watermark', () => {
    const acknowledged = [refAt(0, -1000), refAt(1, 1000), refAt(2, 2000)];
    const { anchors, seen } = settle(acknowledged, { ...options, anchoredCount: 2 });
    expect(anchors.map(([id]) => id)).toEqual(['1', '0']);
    expect(seen.map(([id]) => id)).toEqual(['2']);
  });

  test('makes the oldest events final early beyond the capacity, and reports the overflow', () => {
    const acknowledged = Array.from({ length: 5 }, (_, index) => refAt(index, 1000 + index));
    const { anchors, seen, hasOverflowed } = settle(acknowledged, { ...options, anchoredCount: 0, capacity: 2 });
    expect(seen.map(([id]) => id)).toEqual(['3', '4']);
    expect(anchors.map(([id]) => id)).toEqual(['2', '1', '0']);
    expect(hasOverflowed).toBe(true);
  });

  test('makes no anchor of an event beside the anchors, because unknown events may stand between', () => {
    const final = [refAt(0, -1000), refAt(1, -1000), refAt(2, -3000), refAt(3, -2000)];
    const { anchors, besideAnchors } = settle(final, { ...options, besideCount: 1, anchoredCount: 3 });
    expect(anchors.map(([id]) => id)).toEqual(['3', '2', '1']);
    expect(besideAnchors.map(([id]) => id)).toEqual(['0']);
  });

  test('changes nothing when it settles the same events again', () => {
    const timesArbitrary = fc.array(fc.integer({ min: -5000, max: 5000 }), { maxLength: 40 });
    fc.assert(
      fc.property(timesArbitrary, fc.nat(40), (times, capacity) => {
        const { anchors, seen } = settle(
          times.map((ms, index) => refAt(index, ms)),
          { ...options, anchoredCount: 0, capacity },
        );
        expect(
          settle([...anchors.toReversed(), ...seen], { ...options, anchoredCount: anchors.length, capacity }),
        ).toMatchObject({
          anchors,
          seen,
        });
      }),
    );
  });
});
