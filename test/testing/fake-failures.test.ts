import { fakePlanetScale } from 'planetscale-audit/testing';
import { describe, expect, test, vi } from 'vitest';
import { getAuditLog, getOrganizations, numberedEvents, origin, rejectionOf } from './fake-requests.ts';

describe('fakePlanetScale().failNext', () => {
  test('queues answers for the next requests, whatever they ask for', async () => {
    const fake = fakePlanetScale();
    fake.failNext({ status: 500 }, { status: 502 });
    fake.failNext({ status: 503 });
    expect((await getAuditLog(fake)).status).toBe(500);
    expect((await getOrganizations(fake, '', {})).status).toBe(502);
    expect((await fake.fetch(`${origin}/elsewhere`)).status).toBe(503);
    expect((await getAuditLog(fake)).status).toBe(200);
  });

  test('sends text as it is, other bodies as JSON, and an empty body without one', async () => {
    const fake = fakePlanetScale();
    fake.failNext(
      { status: 429, body: { code: 'rate_limited' } },
      { status: 200, body: '<html>' },
      { status: 500 },
      { status: 200, body: null },
    );
    const json = await getAuditLog(fake);
    expect(json.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await json.text()).toBe('{"code":"rate_limited"}');
    expect(await (await getAuditLog(fake)).text()).toBe('<html>');
    expect(await (await getAuditLog(fake)).text()).toBe('');
    expect(await (await getAuditLog(fake)).text()).toBe('null');
  });

  test('sends the given headers and adds a Date if they have none', async () => {
    const fake = fakePlanetScale({ now: () => new Date('2026-01-01T00:00:00Z') });
    fake.failNext(
      { status: 429, headers: { 'retry-after': '1.5' } },
      { status: 503, headers: { date: 'Fri, 02 Jan 2026 00:00:00 GMT' } },
    );
    const first = await getAuditLog(fake);
    expect(first.headers.get('retry-after')).toBe('1.5');
    expect(first.headers.get('date')).toBe('Thu, 01 Jan 2026 00:00:00 GMT');
    expect((await getAuditLog(fake)).headers.get('date')).toBe('Fri, 02 Jan 2026 00:00:00 GMT');
  });

  test.each([
    ['refused', 'ECONNREFUSED'],
    ['reset', 'ECONNRESET'],
  ] as const)("rejects as the fetch of Node does for '%s'", async (network, code) => {
    const fake = fakePlanetScale();
    fake.failNext({ network });
    const error = await rejectionOf(getAuditLog(fake));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: 'fetch failed', cause: { code } });
  });

  test("rejects for 'hang' with the reason of the signal, and not before the signal aborts", async () => {
    const fake = fakePlanetScale();
    const abort = new AbortController();
    fake.failNext({ network: 'hang' });
    const settled = vi.fn();
    const answer = fake.fetch(`${origin}/v1/organizations`, { signal: abort.signal });
    answer.then(settled, settled);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(settled).not.toHaveBeenCalled();
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(answer).rejects.toBe(reason);
  });

  test("breaks off the real body half way for 'truncated'", async () => {
    const fake = fakePlanetScale({ events: numberedEvents(5) });
    const whole = await (await getAuditLog(fake)).text();
    fake.failNext({ network: 'truncated' }, { network: 'truncated' });
    const response = await getAuditLog(fake);
    expect(response.status).toBe(200);
    const error = await rejectionOf(response.text());
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe('terminated');

    const reader = (await getAuditLog(fake)).body?.getReader();
    const received = new TextDecoder().decode((await reader?.read())?.value);
    expect(received).toBe(whole.slice(0, received.length));
    expect(received.length / whole.length).toBeCloseTo(0.5);
  });
});
