import type { Outcome } from './harness.ts';
import type { Figure, Measure, Row } from './row.ts';
import { type Spread, spreadOf } from './statistics.ts';

/** The samples or the failure of each contender of a row. */
export type Outcomes = Readonly<Record<string, Outcome>>;

/** A figure and its result, or why it has none. */
export type Line = { readonly figure: Figure } & (
  | { readonly failure: string }
  | {
      /** The median of the contender, and of the one that it is compared with. */
      readonly median: number;
      readonly otherMedian: number | undefined;
      /** The spread of what the target is for: a ratio or a difference within each round, or the figure itself. */
      readonly result: Spread;
    }
);

/** Returns one line for each figure of the row. */
export const linesOf = (row: Row, outcomes: Outcomes): readonly Line[] =>
  row.figures.map((figure) => orFailure(figure, () => lineOf(figure, outcomes)));

/** Returns one line for each figure of the library. It compares two builds, and leaves floors and peers out. */
export const comparisonOf = (row: Row, before: Outcomes, after: Outcomes): readonly Line[] =>
  ownFigures(row).map((figure) =>
    orFailure(figure, () => {
      const old = samplesOf(figure.of, figure.measure, before);
      const now = samplesOf(figure.of, figure.measure, after);
      const result = spreadOf(now.map((value, round) => value / (old[round] ?? Number.NaN)));
      return { figure, median: spreadOf(now).median, otherMedian: spreadOf(old).median, result };
    }),
  );

/** Several figures may compare the same one with different peers. */
const ownFigures = ({ contenders, figures }: Row): readonly Figure[] => {
  const own = figures.filter(({ of }) => contenders[of]?.kind === 'library');
  const isFirst = ({ of, measure }: Figure, index: number) =>
    own.findIndex((other) => other.of === of && other.measure === measure) === index;
  return own.filter(isFirst).map(({ work, of, measure }) => ({ work: `${work} (${of})`, of, measure }));
};

const orFailure = (figure: Figure, line: () => Line): Line => {
  try {
    return line();
  } catch (error) {
    return { figure, failure: error instanceof Error ? error.message : String(error) };
  }
};

const lineOf = (figure: Figure, outcomes: Outcomes): Line => {
  const own = samplesOf(figure.of, figure.measure, outcomes);
  const other = figure.to === undefined ? undefined : samplesOf(figure.to, figure.measure, outcomes);
  return {
    figure,
    median: spreadOf(own).median,
    otherMedian: other && spreadOf(other).median,
    result: spreadOf(own.map((value, round) => compare(figure, value, other?.[round]))),
  };
};

const samplesOf = (name: string, measure: Measure, outcomes: Outcomes): readonly number[] => {
  const outcome = outcomes[name];
  if (!outcome) throw new Error(`${name} was not measured.`);
  if ('failure' in outcome) throw new Error(`${name} failed: ${outcome.failure}`);
  return outcome.map((sample) => sample[measure] ?? Number.NaN);
};

const compare = ({ by = 'ratio' }: Figure, value: number, other: number | undefined): number => {
  if (other === undefined || by === 'beside') return value;
  return by === 'ratio' ? value / other : value - other;
};

/** Returns whether the median is within the target, or undefined if the figure has no target. */
export function isMet(line: Line): boolean | undefined {
  const { target } = line.figure;
  if (target === undefined) return undefined;
  return 'result' in line && line.result.median <= target;
}

/** Returns the figures and their targets as a Markdown table. */
export const reportTable = (lines: readonly Line[]): string =>
  markdownTable(
    ['work', 'median', 'compared with', 'result (quartiles)', 'target', ''],
    lines.map((line) => {
      const { figure } = line;
      const target = figure.target === undefined ? '' : `≤ ${resultText(figure, figure.target)}`;
      const verdict = { true: 'met', false: '**not met**', undefined: '' }[`${isMet(line)}`];
      return [...resultCells(line, (value) => resultText(figure, value)), target, verdict];
    }),
  );

/** Returns the figures of two builds as a Markdown table. */
export const comparisonTable = (lines: readonly Line[]): string =>
  markdownTable(
    ['work', 'after', 'before', 'after ÷ before (quartiles)'],
    lines.map((line) => resultCells(line, (value) => `${round(value)} ×`)),
  );

const resultCells = (line: Line, text: (value: number) => string): readonly string[] => {
  const { work, of, to = '', measure } = line.figure;
  if ('failure' in line) return [work, of, to, `failed: ${line.failure}`];
  const { median, otherMedian, result } = line;
  const [middle, lower, upper] = [result.median, result.lowerQuartile, result.upperQuartile].map(text);
  const quartiles = lower === upper ? '' : ` (${lower} to ${upper})`;
  return [
    work,
    amount(measure, median),
    otherMedian === undefined ? '' : [to, amount(measure, otherMedian)].join(': ').replace(/^: /, ''),
    `${middle}${quartiles}`,
  ];
};

/** Returns a ratio, or an amount with its unit. */
const resultText = ({ measure, to, by = 'ratio' }: Figure, value: number): string =>
  to !== undefined && by === 'ratio' ? `${round(value)} ×` : amount(measure, value);

const units: Readonly<Record<Measure, string>> = {
  cpuUs: 'µs',
  wallMs: 'ms',
  kib: 'KiB',
  growthMib: 'MiB',
  mb: 'MB',
  kb: 'kB',
  requests: '',
  savedBytes: 'bytes',
};

const amount = (measure: Measure, value: number): string =>
  measure === 'cpuUs' && value >= 1000 ? `${round(value / 1000)} ms` : `${round(value)} ${units[measure]}`.trim();

/** Three digits, and no fewer than those before the point. */
const round = (value: number): string =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));

const markdownTable = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`)
    .join('\n');

const startMark = '<!-- npm run bench writes from here -->';
const endMark = '<!-- to here -->';

/** Returns the document with the report between its two marks. */
export function withReport(document: string, report: string): string {
  const start = document.indexOf(startMark);
  const end = document.indexOf(endMark);
  if (start === -1 || end < start)
    throw new Error(`The document has no ${startMark} before ${endMark}. Add both lines.`);
  return `${document.slice(0, start + startMark.length)}\n\n${report}\n\n${document.slice(end)}`;
}
