import * as main from 'planetscale-audit';
import * as node from 'planetscale-audit/node';
import * as testing from 'planetscale-audit/testing';
import { expect, test } from 'vitest';

test('what is exported is what is promised, and no more', () => {
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
      "knownAuditActions",
      "maxmindLookup",
      "memoryCursorStore",
      "planetscaleLogsDdl",
      "poller",
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
  expect(Object.keys(testing).sort()).toEqual(['cursorStoreChecks', 'fakePlanetScale', 'listen']);
});

test('the 91 known actions are there, each once', () => {
  expect(new Set(main.knownAuditActions).size).toBe(91);
  expect(main.knownAuditActions).toHaveLength(91);
});

test('these tests run on a Node that the package supports', () => {
  expect(Number(process.versions.node.split('.')[0])).toBeGreaterThanOrEqual(22);
});
