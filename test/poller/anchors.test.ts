import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { settle } from '../../src/poller/anchors.ts';
import type { EventRef } from '../../src/poller/listed-event.ts';

const watermarkMs = Date.parse('2026-11-01T00:00:00Z');
const refAt = (id: number, ms: number): EventRef => [String(id), new Date(watermarkMs + ms).toISOString()];

describe('settle()', () => {
  test('makes anchors of the newest event before the watermark and the nine below it, and remembers the events above', () => {
    const acknowledged = Array.from({ length: 20 }, (_, index) => refAt(index, (index - 15) * 1000));
    const { anchors, seen, hasOverflowed } = settle(acknowledged, { anchoredCount: 0, watermarkMs, capacity: 10_000 });
    expect(anchors.map(([id]) => Number(id))).toEqual([14, 13, 12, 11, 10, 9, 8, 7, 6, 5]);
    expect(seen.map(([id]) => Number(id))).toEqual([15, 16, 17, 18, 19]);
    expect(hasOverflowed).toBe(false);
  });

  test('makes no anchor while no event is old enough', () => {
    const acknowledged = [refAt(0, 0), refAt(1, 1)];
    expect(settle(acknowledged, { anchoredCount: 0, watermarkMs, capacity: 10_000 })).toEqual({
      anchors: [],
      besideAnchors: [],
      forgotten: [],
      seen: acknowledged,
      hasOverflowed: false,
    });
  });

  test('makes newer events below an old one final, since no event becomes visible below it any more', () => {
    const { anchors, seen } = settle([refAt(0, 5000), refAt(1, -1000), refAt(2, 9000)], {
      anchoredCount: 0,
      watermarkMs,
      capacity: 10_000,
    });
    expect(anchors.map(([id]) => id)).toEqual(['1', '0']);
    expect(seen.map(([id]) => id)).toEqual(['2']);
  });

  test('never makes an event with an unreadable time final by its age', () => {
    expect(settle([['a', 'yesterday']], { anchoredCount: 0, watermarkMs, capacity: 10_000 }).anchors).toEqual([]);
  });

  test('keeps a final event final, even if it is younger than the watermark', () => {
    const acknowledged = [refAt(0, -1000), refAt(1, 1000), refAt(2, 2000)];
    const { anchors, seen } = settle(acknowledged, { anchoredCount: 2, watermarkMs, capacity: 10_000 });
    expect(anchors.map(([id]) => id)).toEqual(['1', '0']);
    expect(seen.map(([id]) => id)).toEqual(['2']);
  });

  test('makes the oldest events final early beyond the capacity, and reports the overflow', () => {
    const acknowledged = Array.from({ length: 5 }, (_, index) => refAt(index, 1000 + index));
    const { anchors, seen, hasOverflowed } = settle(acknowledged, { anchoredCount: 0, watermarkMs, capacity: 2 });
    expect(seen.map(([id]) => id)).toEqual(['3', '4']);
    expect(anchors.map(([id]) => id)).toEqual(['2', '1', '0']);
    expect(hasOverflowed).toBe(true);
  });

  test('changes nothing when it settles the same events again', () => {
    const timesArbitrary = fc.array(fc.integer({ min: -5000, max: 5000 }), { maxLength: 40 });
    fc.assert(
      fc.property(timesArbitrary, fc.nat(40), (times, capacity) => {
        const { anchors, seen } = settle(
          times.map((ms, index) => refAt(index, ms)),
          { anchoredCount: 0, watermarkMs, capacity },
        );
        expect(
          settle([...anchors.toReversed(), ...seen], { anchoredCount: anchors.length, watermarkMs, capacity }),
        ).toMatchObject({
          anchors,
          seen,
        });
      }),
    );
  });
});
