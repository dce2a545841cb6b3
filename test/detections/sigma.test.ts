import * as fc from 'fast-check';
import { type AuditEvent, knownAuditActions, rawJson, toRunRevealRow } from 'planetscale-audit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { arbitraryEvent, eventFromText } from '../support/arbitrary-events.ts';
import { openClickHouse } from '../support/clickhouse.ts';
import { detections, type SigmaRule, sigmaRules } from './detections.ts';
import { runDetection } from './run-detection.ts';
import { matchesSigma } from './sigma.ts';

/** `SEED=…` repeats a run that failed. */
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const amount = 5000;
/** With fewer matches, the comparison would prove little. */
const leastMatches = 20;

const from = Date.parse('2026-11-20T12:00:00Z');
const to = from + 900_000;

const matchedActions = [...sigmaRules.values()].flatMap(({ detection }) => detection.selection.audit_action ?? []);

const action = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...matchedActions) },
  { weight: 3, arbitrary: fc.constantFrom<string>(...knownAuditActions) },
  // Near the names of actions.
  fc.constantFrom(...matchedActions).map((name) => `${name}s`),
  fc.constantFrom(...matchedActions).map((name) => name.slice(name.indexOf('.') + 1)),
  fc.constantFrom(...matchedActions).map((name) => ` ${name}`),
  { weight: 2, arbitrary: fc.constantFrom(...matchedActions).map((name) => name.toUpperCase()) },
  fc.string(),
);
const fields = fc.record(
  {
    audit_action: action,
    actor_type: fc.constantFrom('User', 'ServiceToken', 'SERVICETOKEN', 'ServiceTokens', null, 7, ['ServiceToken'], {
      is: 'ServiceToken',
    }),
    auditable_display_name: fc.constantFrom(
      'main',
      'Main',
      'production',
      'PROD',
      'master',
      ' main',
      'mains',
      'MAİN',
      null,
      ['main'],
    ),
  },
  { requiredKeys: ['audit_action'] },
);
const event = fc.tuple(arbitraryEvent, fields).map(([any, changes]) => ({ ...JSON.parse(rawJson(any)), ...changes }));

const clickHouse = openClickHouse();
afterAll(() => clickHouse.close());

const events = fc
  .sample(event, { seed, numRuns: amount })
  .map((fields, index) => eventFromText(JSON.stringify({ ...fields, id: `event${index}` })));

beforeAll(async () => {
  clickHouse.newTable('generated');
  const lines = events.map((each) => JSON.stringify(toRunRevealRow(each, { receivedAt: new Date(from) })));
  await clickHouse.insertLines('runreveal.generated', lines);
});

/** The queries compare actions and types of actors exactly, and Sigma compares without case. PlanetScale writes each in one case. */
const isInOtherCase = ({ audit_action, actor_type }: AuditEvent, { detection }: SigmaRule): boolean =>
  audit_action !== audit_action.toLowerCase() ||
  (detection.selection.actor_type !== undefined && actor_type === 'SERVICETOKEN');

test.each([...sigmaRules])(
  `sigma/%s finds the same of ${amount} events as its twin in SQL (SEED=${seed})`,
  (name, rule) => {
    const twin = detections.find((detection) => detection.name === name) ?? expect.unreachable(`${name} has no twin`);
    const bySql = runDetection(clickHouse, twin, { table: 'runreveal.generated', from, to }).map(
      ({ eventID }) => eventID,
    );
    const matched = events.filter((each) => matchesSigma(rule, rawJson(each)));
    const bySigma = matched.filter((each) => !isInOtherCase(each, rule)).map(({ id }) => id);
    expect(bySql.sort()).toEqual(bySigma.sort());
    expect(matched.length).toBeGreaterThan(bySigma.length);
    expect(bySigma.length).toBeGreaterThanOrEqual(leastMatches);
    expect(bySigma.length).toBeLessThan(amount / 2);
  },
);
