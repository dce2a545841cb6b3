import { isMet, type Line } from './report.ts';

const width = 800;
const labelWidth = 380;
const barWidth = width - labelWidth - 90;
const lineHeight = 22;

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly text: string;
  readonly className: 'floor' | 'library' | 'peer' | 'met' | 'missed';
}

/** Returns an SVG of the costs of a page over HTTP, and of how near each figure is to its target. */
export function chartOf(lines: readonly Line[]): string {
  const first = panel('CPU to read a page over HTTP. A raw fetch is 1.', overHttp(lines), 40);
  const second = panel('Each figure, if its target is 1. Shorter is better.', againstTargets(lines), first.bottom + 30);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${second.bottom}" role="img" font-family="system-ui, sans-serif" font-size="13">
<title>What the library costs</title>
<style>
text { fill: #24292f } .floor { fill: #8c959f } .peer { fill: #8c959f } .library { fill: #0969da } .met { fill: #1a7f37 } .missed { fill: #bc4c00 } line { stroke: #57606a; stroke-dasharray: 3 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .floor, .peer { fill: #6e7681 } .library { fill: #4493f8 } .met { fill: #3fb950 } .missed { fill: #db6d28 } line { stroke: #9198a1 } }
</style>
${first.svg}
${second.svg}
</svg>
`;
}

/** The figures that are compared with a raw fetch, the cheapest first. */
const overHttp = (lines: readonly Line[]): readonly Bar[] => {
  const bars = lines.flatMap((line): Bar[] => {
    if (!('result' in line) || line.figure.to !== 'raw' || line.figure.measure !== 'cpuUs') return [];
    const { of } = line.figure;
    const value = line.result.median;
    return [{ label: of, value, text: value.toFixed(2), className: of.endsWith('()') ? 'library' : 'peer' }];
  });
  const raw: Bar = { label: 'raw fetch and JSON.parse', value: 1, text: '1', className: 'floor' };
  return [raw, ...bars].sort((a, b) => a.value - b.value);
};

const againstTargets = (lines: readonly Line[]): readonly Bar[] =>
  lines.flatMap((line): Bar[] => {
    const { work, target } = line.figure;
    if (!('result' in line) || target === undefined) return [];
    const value = Math.max(line.result.median / target, 0);
    return [{ label: work, value, text: value.toFixed(2), className: isMet(line) ? 'met' : 'missed' }];
  });

/** A bar beyond this is cut, so that one figure far off does not flatten the others. */
const maxValue = 4;

const panel = (title: string, bars: readonly Bar[], top: number): { readonly svg: string; readonly bottom: number } => {
  const scale = barWidth / Math.min(Math.max(1.5, ...bars.map(({ value }) => value)), maxValue);
  const bottom = top + (bars.length + 1) * lineHeight;
  const rows = bars.map(({ label, value, text, className }, index) => {
    const y = top + (index + 1) * lineHeight;
    const length = Math.min(value * scale, barWidth);
    return `<text x="${labelWidth - 10}" y="${y}" text-anchor="end">${escapeXml(shorten(label))}</text><rect class="${className}" x="${labelWidth}" y="${y - 12}" width="${length.toFixed(1)}" height="15" rx="2"/><text x="${(labelWidth + length + 6).toFixed(1)}" y="${y}">${text}</text>`;
  });
  const one = (labelWidth + scale).toFixed(1);
  const svg = `<text x="10" y="${top - 12}" font-weight="600">${title}</text>\n${rows.join('\n')}\n<line x1="${one}" x2="${one}" y1="${top}" y2="${bottom - lineHeight + 6}"/>`;
  return { svg, bottom: bottom + 10 };
};

const maxLabel = 50;
const shorten = (label: string): string => (label.length > maxLabel ? `${label.slice(0, maxLabel - 1)}…` : label);
const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
