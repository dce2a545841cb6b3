import { describe, expect, test } from 'vitest';
import { measureRow } from './harness.ts';
import { comparisonOf, comparisonTable, linesOf, reportTable, withReport } from './report.ts';
import type { Row } from './row.ts';
import { orderOfRound, spreadOf } from './statistics.ts';

const build = { label: 'none', dist: '/nowhere' };
const row: Row = {
  name: 'made-up',
  rounds: 3,
  contenders: {
    raw: { kind: 'floor', prepare: () => Promise.reject(new Error('unused')) },
    library: { kind: 'library', prepare: () => Promise.reject(new Error('unused')) },
  },
  figures: [
    { work: 'a ratio', measure: 'cpuUs', of: 'library', to: 'raw', target: 1.5 },
    { work: 'a difference', measure: 'cpuUs', of: 'library', to: 'raw', by: 'difference', target: 5 },
    { work: 'beside', measure: 'cpuUs', of: 'library', to: 'raw', by: 'beside', target: 5000 },
  ],
};
const samples = (...cpuUs: number[]) => cpuUs.map((value) => ({ cpuUs: value }));

describe('the benchmark', () => {
  test('gives the median and quartiles, and interpolates between neighbors', () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, lowerQuartile: 1.75, upperQuartile: 3.25 });
    expect(spreadOf([7])).toEqual({ median: 7, lowerQuartile: 7, upperQuartile: 7 });
  });

  test('begins each round with another contender', () => {
    expect([0, 1, 2, 3].map((round) => orderOfRound(['a', 'b', 'c'], round).join(''))).toEqual([
      'abc',
      'bca',
      'cab',
      'abc',
    ]);
  });

  test('compares the contenders of the same round, and says whether the median meets the target', () => {
    const table = reportTable(linesOf(row, { raw: samples(1, 10, 100), library: samples(2, 20, 200) }));

    expect(table.split('\n').slice(2)).toEqual([
      '| a ratio | 20 µs | raw: 10 µs | 2 × | ≤ 1.5 × | **not met** |',
      '| a difference | 20 µs | raw: 10 µs | 10 µs (5.5 µs to 55 µs) | ≤ 5 µs | **not met** |',
      '| beside | 20 µs | raw: 10 µs | 20 µs (11 µs to 110 µs) | ≤ 5 ms | met |',
    ]);
  });

  test('reports the failure of a contender in the lines that need it', () => {
    const lines = linesOf(row, { raw: { failure: 'out of luck' }, library: samples(1) });

    expect(reportTable(lines)).toContain('failed: raw failed: out of luck');
  });

  test('compares two builds round by round, once for each contender', () => {
    const lines = comparisonOf(row, { library: samples(4, 8) }, { library: samples(2, 4) });

    expect(comparisonTable(lines).split('\n').slice(2)).toEqual(['| a ratio (library) | 3 µs | 6 µs | 0.5 × |']);
  });

  test('carries on after a contender that fails', async () => {
    const outcomes = await measureRow(row, [build], 'http://127.0.0.1:9');

    expect(outcomes.get(build)).toEqual({
      raw: { failure: 'The row made-up has no contender raw.' },
      library: { failure: 'The row made-up has no contender library.' },
    });
  });

  test('replaces only what is between the marks of the document', () => {
    const marks = ['<!-- npm run bench writes from here -->', '<!-- to here -->'];

    expect(withReport(`before\n${marks.join('\nold\n')}\nafter`, 'new')).toBe(
      `before\n${marks.join('\n\nnew\n\n')}\nafter`,
    );
    expect(() => withReport('no marks', 'new')).toThrow('Add both lines');
  });
});
