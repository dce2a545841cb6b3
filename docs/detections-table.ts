import type { Detection } from '../test/detections/detections.ts';
import { markdownTable } from './markdown-table.ts';

/** The table of docs/detections.md, from the files of examples/detections. The most severe detection is first. */
export function detectionsTable(detections: readonly Detection[], sigmaNames: readonly string[]): string {
  const rows = detections
    .toSorted((one, other) => other.riskScore - one.riskScore || (one.name < other.name ? -1 : 1))
    .map((detection) => [
      titleOf(detection, sigmaNames.includes(detection.name)),
      `${detection.severity} (${detection.riskScore})`,
      detection.description,
      [...(detection.mitreAttacks ?? []), ...(detection.mitreTechniques ?? [])].join(', '),
      detection.falsepositives.join(' '),
      detection.notes,
    ]);
  const head = ['detection', 'severity (risk score)', 'what it finds', 'ATT&CK', 'false positives', 'what to do'];
  return markdownTable([head, ...rows]);
}

const titleOf = ({ name, displayName, file }: Detection, hasSigmaRule: boolean): string => {
  const link = `[${displayName.replace('PlanetScale ', '')}](../examples/detections/${file})`;
  return hasSigmaRule ? `${link} ([Sigma](../examples/detections/sigma/${name}.yml))` : link;
};
