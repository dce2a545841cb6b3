// The tests of a user, which test/package/consumers/jest.ts runs in Jest. Errors of Node and of its `fetch` come from another realm there.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditConnectionError, PlanetScaleAuditClient, poller } from 'planetscale-audit';
import { fileCursorStore } from 'planetscale-audit/node';
import { cursorStoreChecks, fakePlanetScale, listen } from 'planetscale-audit/testing';

const credentials = { organization: 'acme', serviceTokenId: 'faketokenid1', serviceToken: 'pscale_tkn_fake' };
const directory = mkdtempSync(join(tmpdir(), 'jest-cursors-'));
afterAll(() => rmSync(directory, { recursive: true }));

test('fileCursorStore creates its directory', async () => {
  const missing = join(directory, 'not', 'there');
  expect(await fileCursorStore(missing).get('key')).toBeUndefined();
  await fileCursorStore(missing).set('key', 'value');
  expect(await fileCursorStore(missing).get('key')).toBe('value');
});

describe('the checks of fileCursorStore', () => {
  const open = () => fileCursorStore(join(directory, 'checks'));
  for (const check of cursorStoreChecks({ open, compareAndSet: true })) test(check.name, check.run);
});

test('a refused connection keeps its code', async () => {
  const port = await new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
  const client = new PlanetScaleAuditClient({ ...credentials, baseUrl: `http://127.0.0.1:${port}`, retries: 0 });
  const error = await client.page().catch((error) => error);
  expect(error).toBeInstanceOf(AuditConnectionError);
  expect(error).toMatchObject({ retryable: true, message: expect.stringContaining('ECONNREFUSED') });
});

test('a poller reads a fake over HTTP, with options that are a Date, a URL and a signal', async () => {
  const fake = fakePlanetScale();
  fake.add({ id: 'event' });
  const server = await listen(fake);
  const client = new PlanetScaleAuditClient({ ...credentials, baseUrl: new URL(server.url) });
  const { signal } = new AbortController();
  const store = fileCursorStore(join(directory, 'poller'));
  const ids = [];
  const options = { store, startFrom: { since: new Date(0) }, drain: true, signal, onNotice: () => {} };
  for await (const event of poller(client, options)) ids.push(event.id);
  expect(ids).toEqual(['event']);
  await server.close();
});
