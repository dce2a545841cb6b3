import { knownAuditActions, runRevealColumns } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { tactics, techniques } from './attack.ts';
import { detections, looksAtOneEvent, sigmaNames, sigmaRules, sqlNames, yamlNames } from './detections.ts';

test('there are at least 14 detections, each a pair of files, and a Sigma rule for each that looks at one event alone', () => {
  expect(detections.length).toBeGreaterThanOrEqual(14);
  expect(sqlNames).toEqual(yamlNames);
  expect(sigmaNames).toEqual(detections.filter(looksAtOneEvent).map(({ name }) => name));
});

/** The bands that make scores of different severities comparable. */
const scores = { Low: [1, 39], Medium: [40, 69], High: [70, 89], Critical: [90, 100] } as const;

const categories = [
  'system-activity',
  'findings',
  'identity-access-management',
  'network-activity',
  'discovery',
  'application-activity',
  'audit-activity',
];

describe.each(detections)('$name', (detection) => {
  test('has the name of its files, and a title that begins with the service', () => {
    expect(yamlNames).toContain(detection.name);
    expect(detection.file).toBe(`${detection.name}.sql`);
    expect(detection.displayName).toMatch(/^PlanetScale [A-Z]/);
    expect(detection.description).toMatch(/^Detects .+\.$/s);
  });

  test('has the categories in the order of RunReveal: service, security category, signal, more', () => {
    const [service, category, signal, ...more] = detection.categories;
    expect([service, signal]).toEqual(['planetscale', 'signal']);
    expect(categories).toContain(category);
    expect(more.length).toBeGreaterThan(0);
  });

  test('has a risk score in the band of its severity', () => {
    const [least, highest] = scores[detection.severity];
    expect(detection.riskScore).toBeGreaterThanOrEqual(least);
    expect(detection.riskScore).toBeLessThanOrEqual(highest);
  });

  test('names known tactics and techniques of ATT&CK, each technique of one of the tactics', () => {
    const { mitreAttacks = [], mitreTechniques = [] } = detection;
    for (const id of mitreAttacks) expect(id).toMatch(/^TA\d{4}$/);
    for (const id of mitreTechniques) expect(id).toMatch(/^T\d{4}(\.\d{3})?$/);
    const names = mitreAttacks.map((id) => tactics.get(id) ?? expect.unreachable(`${id} is no known tactic`));
    const covered = mitreTechniques.flatMap((id) => {
      const [, ...of] = techniques.get(id) ?? expect.unreachable(`${id} is no known technique`);
      expect(of.filter((tactic) => names.includes(tactic))).not.toEqual([]);
      return of;
    });
    if (covered.length > 0) expect(names.filter((tactic) => !covered.includes(tactic))).toEqual([]);
  });

  test('runs every 15 minutes, over the time from which RunReveal gives it', () => {
    expect(detection.schedule).toBe('*/15 * * * *');
    expect(detection.sql).toContain('receivedAt < {to:DateTime}');
    expect(detection.sql).toMatch(/receivedAt\)? >= \{from:DateTime\}|lastReceived >= \{from:DateTime\}/);
    expect(detection.sql).not.toMatch(/\bFINAL\b|\bnow\(/);
  });

  test('has a default for each parameter of its query, and no other', () => {
    const used = [...detection.sql.matchAll(/\{(\w+):[\w()]+\}/g)].map(([, name = '']) => name);
    const own = new Set(used).difference(new Set(['from', 'to']));
    expect(new Set(Object.keys(detection.parameters ?? {}))).toEqual(own);
  });

  test('matches known actions only', () => {
    const names = [...detection.sql.matchAll(/'(\w+\.\w+)'/g)].map(([, name]) => name);
    expect(names.filter((name) => !knownAuditActions.some((known) => known === name))).toEqual([]);
  });
});

test('the detections without a technique of ATT&CK are those that no technique describes', () => {
  expect(detections.filter(({ mitreTechniques }) => !mitreTechniques).map(({ name }) => name)).toEqual([
    'planetscale-action-first-seen',
    'planetscale-foreign-keys-disabled',
  ]);
});

test('no two Sigma rules have the same id, and no two detections the same title', () => {
  const ids = [...sigmaRules.values()].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(detections.map(({ displayName }) => displayName)).size).toBe(detections.length);
});

describe.each([...sigmaRules])('sigma/%s', (name, rule) => {
  test('says what its twin in SQL says', () => {
    const twin = detections.find((detection) => detection.name === name);
    expect({
      displayName: rule.title,
      description: rule.description,
      severity: `${rule.level.charAt(0).toUpperCase()}${rule.level.slice(1)}`,
      riskScore: rule.riskscore,
      mitreAttacks: rule.mitreAttacks,
      mitreTechniques: rule.mitreTechniques,
      falsepositives: rule.falsepositives,
    }).toEqual({
      displayName: twin?.displayName,
      description: twin?.description,
      severity: twin?.severity,
      riskScore: twin?.riskScore,
      mitreAttacks: twin?.mitreAttacks,
      mitreTechniques: twin?.mitreTechniques,
      falsepositives: twin?.falsepositives,
    });
  });

  test('has the tags of Sigma for its tactics and techniques', () => {
    expect(rule.tags).toEqual([
      ...(rule.mitreAttacks ?? []).map((id) => `attack.${tactics.get(id)}`),
      ...(rule.mitreTechniques ?? []).map((id) => `attack.${id.toLowerCase()}`),
    ]);
  });

  test('compares fields that an event has', () => {
    const fields = Object.keys(rule.detection.selection);
    const columns = fields.map((field) => `ps_${field}`.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()));
    expect(columns.filter((column) => !runRevealColumns.some((known) => known.name === column))).toEqual([]);
  });
});
