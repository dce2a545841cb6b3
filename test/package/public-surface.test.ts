import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as main from 'planetscale-audit';
import * as node from 'planetscale-audit/node';
import * as testing from 'planetscale-audit/testing';
import { describe, expect, test } from 'vitest';

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

describe('the source', () => {
  const root = fileURLToPath(new URL('../../src', import.meta.url));
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ name, text: readFileSync(join(root, name), 'utf8') }));
  const filesWith = (pattern: RegExp) => files.filter(({ text }) => pattern.test(text)).map(({ name }) => name);

  test('needs Node in node/ alone, and in the server for tests', () => {
    expect(filesWith(/from 'node:/).sort()).toEqual([
      'stores/file/durable-file.ts',
      'stores/file/file-cursor-store.ts',
      'stores/file/file-generations.ts',
      'stores/file/fs-errors.ts',
      'testing/fake/listen.ts',
    ]);
  });

  test('knows ky in one file', () => {
    expect(filesWith(/from 'ky'/)).toEqual(['http/http-client.ts']);
  });

  test('imports zod whole: `import { z }` makes a bundle three times as large', () => {
    expect(filesWith(/import \{[^}]*\} from 'zod'/)).toEqual([]);
  });

  test('lets imports point one way: neither the poller nor the row knows the client, and the webhook alone knows HTTP', () => {
    expect(filesWith(/from '.*\/client\.ts'/)).toEqual(['index.ts']);
    const runReveal = files.filter(({ name }) => name.startsWith('runreveal/'));
    expect(runReveal.filter(({ text }) => /from '(?:\.\.\/)+(poller|client)/.test(text))).toEqual([]);
    const knowHttp = runReveal.filter(({ text }) => /from '(?:\.\.\/)+http\//.test(text)).map(({ name }) => name);
    expect(knowHttp).toEqual(['runreveal/webhook/webhook.ts']);
  });
});
