import nodeFetch from 'node-fetch';
import { fetch as undici6 } from 'undici6';
import { fetch as undici7 } from 'undici7';
import { fetch as undici8 } from 'undici8';
import { describe, expect, test } from 'vitest';
import { failure, numbered, serve } from '../support/served.ts';

// Their types differ from those of the platform's fetch in details that the client does not use.
const fetches = Object.entries({ undici6, undici7, undici8, nodeFetch } as unknown as Record<string, typeof fetch>);

describe.each(fetches)('the fetch of %s', (_, otherFetch) => {
  test('reads pages and verifies the access', async () => {
    const { client } = await serve({ events: numbered(3) });
    const reading = client({ fetch: otherFetch });
    expect((await reading.page()).events).toHaveLength(3);
    expect(await reading.verifyAccess()).toEqual({ ok: true });
  });

  test.each([
    ['a redirect', { status: 302, headers: { location: 'https://example.com/' } }, 'AuditConnectionError', false],
    ['a body cut short', { network: 'truncated' }, 'AuditConnectionError', true],
    ['a lost connection', { network: 'reset' }, 'AuditConnectionError', true],
    ['404', { status: 404, body: { code: 'not_found' } }, 'AuditApiError', false],
    ['429', { status: 429, headers: { 'retry-after': '3' } }, 'AuditApiError', true],
  ] as const)('reports %s as the built-in fetch does', async (_, fault, name, retryable) => {
    const { client, fake } = await serve({ events: numbered(30) });
    fake.failNext(fault);
    expect(await failure(client({ fetch: otherFetch }).page())).toMatchObject({ name, retryable });
  });

  test('stops at maxResponseBytes, at timeoutMs and at an abort', async () => {
    const { client, fake } = await serve({ events: numbered(30) });
    const tooLarge = client({ fetch: otherFetch, maxResponseBytes: 100 });
    expect(await failure(tooLarge.page())).toMatchObject({ name: 'AuditResponseError', retryable: false });

    fake.failNext({ network: 'hang' }, { network: 'hang' });
    expect(await failure(client({ fetch: otherFetch, timeoutMs: 100 }).page())).toMatchObject({ retryable: true });

    const page = client({ fetch: otherFetch }).page({ signal: AbortSignal.timeout(100) });
    expect(await failure(page)).toMatchObject({ name: 'TimeoutError' });
  });
});
