import * as main from 'planetscale-audit';
import * as node from 'planetscale-audit/node';
import * as stores from 'planetscale-audit/stores';
import * as testing from 'planetscale-audit/testing';
import { describe, expect, test } from 'vitest';

test('the four entry points export exactly the names of the public contract', () => {
  expect(Object.keys(main).sort()).toMatchInlineSnapshot(`
    [
      "AuditApiError",
      "AuditConfigError",
      "AuditConnectionError",
      "AuditResponseError",
      "CursorConflictError",
      "CursorStoreError",
      "PlanetScaleAuditClient",
      "PlanetScaleAuditError",
      "classifyError",
      "createRateLimiter",
      "knownAuditActions",
      "maxmindLookup",
      "memoryCursorStore",
      "missingEvents",
      "planetscaleLogsDdl",
      "poller",
      "printable",
      "rawJson",
      "runRevealColumns",
      "runRevealRowSchema",
      "runRevealWebhook",
      "toJsonEachRow",
      "toOcsf",
      "toRevealdEvent",
      "toRunRevealRow",
      "toStructuredWebhook",
    ]
  `);
  expect(Object.keys(node)).toEqual(['fileCursorStore']);
  expect(Object.keys(stores).sort()).toEqual([
    'cursorTableDdl',
    'mysqlCursorStore',
    'postgresCursorStore',
    'redisCursorStore',
    'sqliteCursorStore',
  ]);
  expect(Object.keys(testing).sort()).toEqual(['cursorStoreChecks', 'fakePlanetScale', 'listen']);
});

test('knownAuditActions lists the 91 actions of the public contract, each once', () => {
  expect(new Set(main.knownAuditActions).size).toBe(91);
  expect(main.knownAuditActions).toHaveLength(91);
});

describe('the Node that runs these tests', () => {
  const major = Number(process.versions.node.split('.')[0]);

  // Without its install script, the package `node` falls back on the Node of the machine and says nothing.
  test('is one that the package supports', () => {
    expect(major).toBeGreaterThanOrEqual(22);
  });

  // `npm test` would run the Node of the package `node` in each job of the CI matrix.
  const expectedMajor = process.env.EXPECTED_NODE_MAJOR;
  test.runIf(expectedMajor)('is the one that EXPECTED_NODE_MAJOR names', () => {
    expect(major).toBe(Number(expectedMajor));
  });
});
