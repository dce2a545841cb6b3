import { type FakePlanetScale, type FakePlanetScaleOptions, fakePlanetScale, listen } from 'planetscale-audit/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { AuditEvent } from '../../src/audit-log/event.ts';

const origin = 'https://api.planetscale.com';
const authorization = 'faketokenid1:pscale_tkn_fake';

const ids = (events: readonly Partial<AuditEvent>[]) => events.map(({ id }) => id);
const named = (...names: string[]) => names.map((id) => ({ id }));
const numbered = (count: number) => Array.from({ length: count }, (_, index) => ({ id: `e${index}` }));

const auditLog = (fake: FakePlanetScale, query = '', headers: Record<string, string> = { authorization }) =>
  fake.fetch(`${origin}/v1/organizations/acme/audit-log${query}`, { headers });

const organizations = (fake: FakePlanetScale, query = '', headers: Record<string, string> = { authorization }) =>
  fake.fetch(`${origin}/v1/organizations${query}`, { headers });

/** The page, with ids for its events. */
const page = async (fake: FakePlanetScale, query = '') => {
  const { data, ...rest } = await (await auditLog(fake, query)).json();
  return { ...rest, ids: ids(data) };
};

const rejection = async (promise: Promise<unknown>) => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error(`Expected a rejection with an Error, got ${error}.`);
  return error;
};

const served = async (options?: FakePlanetScaleOptions) => {
  const fake = fakePlanetScale(options);
  const server = await listen(fake);
  onTestFinished(() => server.close());
  const get = (path = '/organizations/acme/audit-log', init: RequestInit = {}) =>
    fetch(server.url + path, { headers: { authorization }, ...init });
  return { fake, server, get };
};

describe('a page', () => {
  test('lists the newest first, in the envelope of the API', async () => {
    const fake = fakePlanetScale();
    const [older, newer] = fake.add({ id: 'older' }, { id: 'newer' });
    const response = await auditLog(fake);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.text()).toBe(
      JSON.stringify({
        type: 'list',
        has_next: false,
        has_prev: false,
        cursor_start: 'newer',
        cursor_end: 'older',
        data: [newer, older],
      }),
    );
  });

  test('has null cursors when it is empty', async () => {
    expect(await (await auditLog(fakePlanetScale())).json()).toEqual({
      type: 'list',
      has_next: false,
      has_prev: false,
      cursor_start: null,
      cursor_end: null,
      data: [],
    });
  });

  test('has 25 events where no limit is given, or one that is no limit', async () => {
    const fake = fakePlanetScale({ events: numbered(30) });
    for (const query of ['', '?limit=', '?limit=0', '?limit=-3', '?limit=1.5', '?limit=many']) {
      expect((await page(fake, query)).ids).toHaveLength(25);
    }
  });

  test('has no more events than pageSize, 100 by default', async () => {
    const events = numbered(130);
    expect((await page(fakePlanetScale({ events }), '?limit=500')).ids).toHaveLength(100);
    expect((await page(fakePlanetScale({ events, pageSize: 120 }), '?limit=500')).ids).toHaveLength(120);
    expect((await page(fakePlanetScale({ events, pageSize: 7 }), '?limit=500')).ids).toHaveLength(7);
    expect((await page(fakePlanetScale({ events, pageSize: 7 }))).ids).toHaveLength(7);
  });

  test.each([0, -1, 2.5, Number.NaN])('cannot be made of a pageSize of %d', (pageSize) => {
    expect(() => fakePlanetScale({ pageSize })).toThrow(expect.objectContaining({ name: 'AuditConfigError' }));
  });

  test('is served under any base path and host', async () => {
    const fake = fakePlanetScale({ events: numbered(1) });
    for (const base of [
      'http://localhost:1',
      'https://proxy.example/planet/scale/v1',
      'https://api.planetscale.com/v2',
    ]) {
      const response = await fake.fetch(`${base}/organizations/acme/audit-log`, { headers: { authorization } });
      expect((await response.json()).data).toHaveLength(1);
    }
  });

  test('carries the Date of the clock given', async () => {
    const fake = fakePlanetScale({ now: () => new Date('2026-03-04T05:06:07.890Z') });
    expect((await auditLog(fake)).headers.get('date')).toBe('Wed, 04 Mar 2026 05:06:07 GMT');
  });

  test('carries the Date of today where no clock is given', async () => {
    const date = (await auditLog(fakePlanetScale())).headers.get('date');
    expect(Math.abs(Date.now() - Date.parse(date ?? ''))).toBeLessThan(10_000);
  });
});

describe('starting_after', () => {
  test('gives the events older than the cursor, until has_next is false', async () => {
    const fake = fakePlanetScale({ events: named('a', 'b', 'c', 'd', 'e') });
    expect(await page(fake, '?limit=2')).toMatchObject({ ids: ['e', 'd'], has_next: true, has_prev: false });
    expect(await page(fake, '?limit=2&starting_after=d')).toMatchObject({
      ids: ['c', 'b'],
      has_next: true,
      has_prev: true,
      cursor_start: 'c',
      cursor_end: 'b',
    });
    expect(await page(fake, '?limit=2&starting_after=b')).toMatchObject({
      ids: ['a'],
      has_next: false,
      has_prev: true,
    });
  });

  test('gives an empty page after the oldest event', async () => {
    const fake = fakePlanetScale({ events: named('a', 'b') });
    expect(await page(fake, '?starting_after=a')).toMatchObject({
      ids: [],
      has_next: false,
      has_prev: true,
      cursor_start: null,
      cursor_end: null,
    });
  });

  test('promises no further page where the last one is exactly full', async () => {
    const fake = fakePlanetScale({ events: named('a', 'b', 'c', 'd') });
    expect(await page(fake, '?limit=2&starting_after=c')).toMatchObject({ ids: ['b', 'a'], has_next: false });
  });

  test('counts, where ending_before is given too', async () => {
    const fake = fakePlanetScale({ events: named('a', 'b', 'c') });
    expect((await page(fake, '?starting_after=b&ending_before=c')).ids).toEqual(['a']);
  });
});

describe('ending_before', () => {
  const events = named('a', 'b', 'c', 'd', 'e', 'f');

  test('gives the events directly newer than the cursor by default', async () => {
    const fake = fakePlanetScale({ events });
    expect(await page(fake, '?limit=2&ending_before=b')).toMatchObject({
      ids: ['d', 'c'],
      has_next: true,
      has_prev: true,
    });
    expect(await page(fake, '?limit=2&ending_before=d')).toMatchObject({
      ids: ['f', 'e'],
      has_next: true,
      has_prev: false,
    });
    expect(await page(fake, '?limit=2&ending_before=f')).toMatchObject({ ids: [], has_next: true, has_prev: false });
  });

  test("can give the newest page down to the cursor: 'newest'", async () => {
    const fake = fakePlanetScale({ events, endingBefore: 'newest' });
    expect(await page(fake, '?limit=2&ending_before=b')).toMatchObject({
      ids: ['f', 'e'],
      has_next: true,
      has_prev: false,
    });
    expect(await page(fake, '?limit=3&ending_before=e')).toMatchObject({ ids: ['f'], has_next: true, has_prev: false });
  });

  test("can have no effect: 'ignored'", async () => {
    const fake = fakePlanetScale({ events, endingBefore: 'ignored' });
    expect(await page(fake, '?limit=2&ending_before=b')).toEqual(await page(fake, '?limit=2'));
    expect((await page(fake, '?limit=2&ending_before=nowhere')).ids).toEqual(['f', 'e']);
  });
});

describe('an unknown cursor', () => {
  test.each(['starting_after', 'ending_before'])('is a 404 by default, in %s', async (parameter) => {
    const response = await auditLog(fakePlanetScale({ events: numbered(3) }), `?${parameter}=nowhere`);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ code: 'not_found', message: 'Not Found' });
  });

  test.each(['starting_after', 'ending_before'])("can be an empty page, in %s: 'empty'", async (parameter) => {
    const fake = fakePlanetScale({ events: numbered(3), unknownCursor: 'empty' });
    expect(await (await auditLog(fake, `?${parameter}=nowhere`)).json()).toEqual({
      type: 'list',
      has_next: false,
      has_prev: false,
      cursor_start: null,
      cursor_end: null,
      data: [],
    });
  });

  test.each(['starting_after', 'ending_before'])(
    "can be the first page again, in %s: 'first-page'",
    async (parameter) => {
      const fake = fakePlanetScale({ events: numbered(3), unknownCursor: 'first-page' });
      expect(await page(fake, `?limit=2&${parameter}=nowhere`)).toEqual(await page(fake, '?limit=2'));
    },
  );

  test('is what the id of a removed event becomes', async () => {
    const fake = fakePlanetScale({ events: named('a', 'b', 'c') });
    fake.remove('b');
    expect((await auditLog(fake, '?starting_after=b')).status).toBe(404);
  });
});

describe('filters', () => {
  const events = [
    { id: 'a', audit_action: 'database.created' },
    { id: 'b', audit_action: 'user.signed_in' },
    { id: 'c', audit_action: 'database.created' },
    { id: 'd', audit_action: 'database.deleted' },
    { id: 'e', audit_action: 'user.signed_in' },
    { id: 'f', audit_action: 'database.created' },
  ];
  const created = 'filters[]=audit_action:database.created';
  const deleted = 'filters[]=audit_action:database.deleted';

  test('leave the events of any of the actions', async () => {
    const fake = fakePlanetScale({ events });
    expect((await page(fake, `?${created}`)).ids).toEqual(['f', 'c', 'a']);
    expect((await page(fake, `?${created}&${deleted}`)).ids).toEqual(['f', 'd', 'c', 'a']);
    expect((await page(fake, `?${encodeURIComponent('filters[]')}=audit_action%3Adatabase.deleted`)).ids).toEqual([
      'd',
    ]);
  });

  test('page over the list that they leave', async () => {
    const fake = fakePlanetScale({ events });
    expect(await page(fake, `?limit=2&${created}`)).toMatchObject({ ids: ['f', 'c'], has_next: true, has_prev: false });
    expect(await page(fake, `?limit=2&${created}&starting_after=c`)).toMatchObject({
      ids: ['a'],
      has_next: false,
      has_prev: true,
    });
    expect(await page(fake, `?limit=1&${created}&ending_before=a`)).toMatchObject({
      ids: ['c'],
      has_next: true,
      has_prev: true,
    });
    expect(await page(fake, `?${deleted}`)).toMatchObject({ ids: ['d'], has_next: false, has_prev: false });
  });

  test('leave nothing of a list without such events, before a cursor and after it', async () => {
    const nothing = { ids: [], has_next: false, has_prev: false, cursor_start: null, cursor_end: null };
    const fake = fakePlanetScale({ events });
    const filter = 'filters[]=audit_action:branch.created';
    expect(await page(fake, `?${filter}`)).toMatchObject(nothing);
    expect(await page(fake, `?${filter}&starting_after=c`)).toMatchObject(nothing);
    expect(await page(fake, `?${filter}&ending_before=c`)).toMatchObject(nothing);
  });

  test('of another kind have no effect', async () => {
    expect((await page(fakePlanetScale({ events }), '?filters[]=actor_id:x')).ids).toHaveLength(6);
  });

  test("can have no effect: 'ignored'", async () => {
    expect((await page(fakePlanetScale({ events, filters: 'ignored' }), `?${created}`)).ids).toHaveLength(6);
  });
});

describe('order', () => {
  const at = (id: string, created_at: string) => ({ id, created_at });

  test('is by created_at by default: an event added late lies below newer ones', async () => {
    const fake = fakePlanetScale({ events: [at('a', '2026-01-01T00:00:01Z'), at('b', '2026-01-01T00:00:03Z')] });
    fake.add(at('late', '2026-01-01T00:00:02Z'));
    expect((await page(fake)).ids).toEqual(['b', 'late', 'a']);
  });

  test('is by the instant, not by its text', async () => {
    const events = [at('newer', '2026-01-01T01:00:00+00:00'), at('older', '2026-01-01T01:30:00+01:00')];
    expect((await page(fakePlanetScale({ events }))).ids).toEqual(['newer', 'older']);
  });

  test('is that of adding among events of the same instant', async () => {
    const events = named('a', 'b', 'c').map(({ id }) => at(id, '2026-01-01T00:00:00.000Z'));
    expect((await page(fakePlanetScale({ events }))).ids).toEqual(['c', 'b', 'a']);
  });

  test('takes an event whose created_at is no date for one added now', async () => {
    const fake = fakePlanetScale({ now: () => new Date('2026-01-01T00:00:02Z') });
    fake.add(at('newest', '2026-01-01T00:00:03Z'), at('undated', 'yesterday'), at('oldest', '2026-01-01T00:00:01Z'));
    expect((await page(fake)).ids).toEqual(['newest', 'undated', 'oldest']);
  });

  test("can be that of adding alone: 'added'", async () => {
    const fake = fakePlanetScale({ order: 'added', events: [at('a', '2026-01-02T00:00:00Z')] });
    fake.add(at('b', '2026-01-01T00:00:00Z'));
    expect((await page(fake)).ids).toEqual(['b', 'a']);
  });
});

describe('add', () => {
  test('makes up a whole event, of the 17 fields that the API has today', () => {
    const events = fakePlanetScale({ now: () => new Date('2026-01-01T00:00:00.123Z') }).add({}, {}, {}, {});
    const fields = [
      'action',
      'actor_display_name',
      'actor_id',
      'actor_type',
      'audit_action',
      'auditable_display_name',
      'auditable_id',
      'auditable_type',
      'created_at',
      'id',
      'location',
      'metadata',
      'remote_ip',
      'target_display_name',
      'target_id',
      'target_type',
      'updated_at',
    ];
    for (const event of events) expect(Object.keys(event).sort()).toEqual(fields);
    expect(events[0]).toMatchObject({ created_at: '2026-01-01T00:00:00.123Z', updated_at: '2026-01-01T00:00:00.123Z' });
  });

  test('makes up ids of 12 characters, each its own', () => {
    const made = ids(fakePlanetScale().add(...Array.from({ length: 1000 }, () => ({}))));
    expect(new Set(made).size).toBe(1000);
    for (const id of made) expect(id).toMatch(/^[0-9a-z]{12}$/);
  });

  test('varies what it makes up: people, tokens and nobody, IPv4 and IPv6, metadata of every kind', () => {
    const events = fakePlanetScale().add(...Array.from({ length: 60 }, () => ({})));
    const different = (field: keyof AuditEvent) => new Set(events.map((event) => event[field]));
    expect(different('actor_type')).toEqual(new Set(['User', 'ServiceToken', null]));
    expect(different('audit_action').size).toBeGreaterThan(5);
    expect(different('target_type').size).toBeGreaterThan(1);
    expect(different('location')).toContain(null);
    expect([...different('remote_ip')].map(String)).toContainEqual(expect.stringContaining(':'));
    expect([...different('remote_ip')].map(String)).toContainEqual(expect.stringContaining('.'));
    const values = events.flatMap(({ metadata }) => Object.values(metadata ?? {}));
    expect(new Set(values.map((value) => typeof value))).toEqual(new Set(['string', 'boolean', 'number', 'object']));
  });

  test('makes up what goes with the action given', () => {
    const [event] = fakePlanetScale().add({ audit_action: 'database_branch_password.password_leaked' });
    expect(event).toMatchObject({ action: 'password_leaked', auditable_type: 'DatabaseBranchPassword' });
  });

  test('lets updated_at follow the created_at given', () => {
    const [event] = fakePlanetScale().add({ created_at: '2020-01-01T00:00:00Z' });
    expect(event?.updated_at).toBe('2020-01-01T00:00:00Z');
  });

  test('keeps what is given, and returns what is served', async () => {
    const given = {
      id: 'mine',
      audit_action: 'rocket.launched',
      action: 'launch',
      actor_id: null,
      location: null,
      metadata: { deep: { list: [1, true, null] } },
      created_at: '2026-01-01T00:00:00Z',
      updated_at: null,
      remote_ip: '::1',
    };
    const fake = fakePlanetScale();
    const added = fake.add(given, { id: 'other' });
    expect(ids(added)).toEqual(['mine', 'other']);
    expect(added[0]).toMatchObject(given);
    const { data } = await (await auditLog(fake)).json();
    expect(data).toEqual([added[1], added[0]]);
  });

  test('serves fields that it does not know', async () => {
    const fake = fakePlanetScale();
    const given = { id: 'a', type: 'AuditLogEvent', request_id: 'r1' };
    fake.add(given);
    expect((await (await auditLog(fake)).json()).data[0]).toMatchObject(given);
  });

  test('fills in what is undefined', () => {
    const fields: Record<string, undefined> = { id: undefined, location: undefined };
    const [event] = fakePlanetScale().add(fields);
    expect(event?.id).toMatch(/^[0-9a-z]{12}$/);
    expect(event?.location).toBe('Chicago, IL');
  });

  test('serves spoilt events as they are', async () => {
    const fake = fakePlanetScale();
    const spoilt: Record<string, null | number> = { id: null, audit_action: 42, created_at: null };
    fake.add(spoilt, spoilt);
    expect((await (await auditLog(fake)).json()).data).toMatchObject([spoilt, spoilt]);
  });

  test('refuses an id that is there already, and takes it again once it is removed', () => {
    const fake = fakePlanetScale({ events: named('a') });
    expect(() => fake.add({ id: 'a' })).toThrow(
      expect.objectContaining({ name: 'AuditConfigError', message: expect.stringContaining('"a"') }),
    );
    fake.remove('a');
    expect(ids(fake.add({ id: 'a' }))).toEqual(['a']);
  });
});

describe('remove', () => {
  test('takes an event out of the list, and tells whether it was there', async () => {
    const fake = fakePlanetScale({ events: named('a', 'b', 'c') });
    expect(fake.remove('b')).toBe(true);
    expect(fake.remove('b')).toBe(false);
    expect(fake.remove('nowhere')).toBe(false);
    expect((await page(fake)).ids).toEqual(['c', 'a']);
  });
});

describe('credentials', () => {
  const wrong: Record<string, string>[] = [
    {},
    { authorization: 'faketokenid1:wrong' },
    { authorization: 'wrong:pscale_tkn_fake' },
    { authorization: 'Bearer faketokenid1:pscale_tkn_fake' },
    { authorization: 'pscale_tkn_fake' },
  ];

  test.each(wrong)('that are wrong get a 404 for the audit log: %o', async (headers) => {
    const response = await auditLog(fakePlanetScale(), '', headers);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ code: 'not_found', message: 'Not Found' });
  });

  test.each(wrong)('that are wrong get a 401 for the organizations: %o', async (headers) => {
    const response = await organizations(fakePlanetScale(), '', headers);
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ code: 'unauthorized', message: 'Requires authentication' });
  });

  test('are the service token, or the token as an access token', async () => {
    const fake = fakePlanetScale({ serviceTokenId: 'mine', serviceToken: 'secret' });
    for (const authorization of ['mine:secret', 'Bearer secret']) {
      expect((await auditLog(fake, '', { authorization })).status).toBe(200);
      expect((await organizations(fake, '', { authorization })).status).toBe(200);
    }
    expect((await auditLog(fake)).status).toBe(404);
  });

  test.each([403, 404] as const)('without the permission get a %d for the audit log alone', async (status) => {
    const fake = fakePlanetScale({ missingPermissionStatus: status });
    expect((await auditLog(fake)).status).toBe(status);
    expect((await organizations(fake)).status).toBe(200);
    expect((await auditLog(fake, '', {})).status).toBe(404);
  });

  test('get a 404 for any organization but the one', async () => {
    const fake = fakePlanetScale({ organization: 'umbrella' });
    expect((await auditLog(fake)).status).toBe(404);
    const response = await fake.fetch(`${origin}/v1/organizations/umbrella/audit-log`, { headers: { authorization } });
    expect(response.status).toBe(200);
  });
});

describe('organizations', () => {
  test('are a list of the one, on the first page', async () => {
    const fake = fakePlanetScale({ organization: 'umbrella' });
    const first = { type: 'list', current_page: 1, next_page: null, data: [{ name: 'umbrella' }] };
    expect(await (await organizations(fake)).json()).toMatchObject(first);
    expect(await (await organizations(fake, '?page=1&per_page=100')).json()).toMatchObject(first);
    expect(await (await organizations(fake, '?page=2')).json()).toEqual({
      type: 'list',
      current_page: 2,
      next_page: null,
      data: [],
    });
  });
});

describe('anything else', () => {
  test.each([
    '/v1/organizations/acme/audit-logs',
    '/v1/organizations/acme',
    '/v1',
    '/',
    '/v1/organizations/acme/audit-log/x',
  ])('is a 404: %s', async (path) => {
    const response = await fakePlanetScale().fetch(origin + path, { headers: { authorization } });
    expect(response.status).toBe(404);
  });

  test.each(['POST', 'PUT', 'DELETE'])('is a 405: %s', async (method) => {
    for (const path of ['/v1/organizations', '/v1/organizations/acme/audit-log']) {
      const response = await fakePlanetScale().fetch(origin + path, { method, headers: { authorization } });
      expect(response.status).toBe(405);
    }
  });
});

describe('fetch', () => {
  const url = `${origin}/v1/organizations/acme/audit-log?limit=1`;

  test('takes a string, a URL or a Request, and lets init win over the Request', async () => {
    const fake = fakePlanetScale({ events: numbered(3) });
    const headers = { authorization };
    const answers = [
      await fake.fetch(url, { headers }),
      await fake.fetch(new URL(url), { headers }),
      await fake.fetch(new Request(url, { headers })),
      await fake.fetch(new Request(url, { headers: { authorization: 'wrong' } }), { headers }),
    ];
    for (const answer of answers) expect((await answer.json()).data).toHaveLength(1);
    expect((await fake.fetch(new Request(url, { method: 'POST', headers }))).status).toBe(405);
    expect((await fake.fetch(new Request(url, { headers }), { method: 'POST' })).status).toBe(405);
  });

  test('works without its object', async () => {
    const { fetch } = fakePlanetScale();
    expect((await fetch(url, { headers: { authorization } })).status).toBe(200);
  });

  test('rejects with the reason of a signal that has aborted, and no request has been made', async () => {
    const fake = fakePlanetScale();
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(fake.fetch(url, { signal })).rejects.toBe(signal.reason);
    await expect(fake.fetch(new Request(url, { signal }))).rejects.toThrow('enough');
    expect(fake.requests).toEqual([]);
  });

  test('leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    const listening = vi.spyOn(signal, 'addEventListener');
    await fakePlanetScale().fetch(url, { signal });
    expect(listening).not.toHaveBeenCalled();
  });

  test('rejects a URL that is none', async () => {
    await expect(fakePlanetScale().fetch('/v1/organizations')).rejects.toBeInstanceOf(TypeError);
  });
});

describe('requests', () => {
  test('tell the URL and the time of every request, failures included', async () => {
    const fake = fakePlanetScale();
    const before = Date.now();
    fake.failNext({ network: 'refused' });
    await rejection(auditLog(fake, '?limit=7'));
    await organizations(fake);
    expect(fake.requests.map(({ url }) => url)).toEqual([
      `${origin}/v1/organizations/acme/audit-log?limit=7`,
      `${origin}/v1/organizations`,
    ]);
    for (const { at } of fake.requests) {
      expect(at).toBeGreaterThanOrEqual(before);
      expect(at).toBeLessThanOrEqual(Date.now());
    }
  });
});

describe('fail', () => {
  test('sets the next answers, in order, for whatever request comes', async () => {
    const fake = fakePlanetScale();
    fake.failNext({ status: 500 }, { status: 502 });
    fake.failNext({ status: 503 });
    expect((await auditLog(fake)).status).toBe(500);
    expect((await organizations(fake, '', {})).status).toBe(502);
    expect((await fake.fetch(`${origin}/elsewhere`)).status).toBe(503);
    expect((await auditLog(fake)).status).toBe(200);
  });

  test('sends a body as JSON, text as it is, and none as an empty body', async () => {
    const fake = fakePlanetScale();
    fake.failNext(
      { status: 429, body: { code: 'rate_limited' } },
      { status: 200, body: '<html>' },
      { status: 500 },
      { status: 200, body: null },
    );
    const json = await auditLog(fake);
    expect(json.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await json.text()).toBe('{"code":"rate_limited"}');
    expect(await (await auditLog(fake)).text()).toBe('<html>');
    expect(await (await auditLog(fake)).text()).toBe('');
    expect(await (await auditLog(fake)).text()).toBe('null');
  });

  test('sends the headers given, and the Date where they have none', async () => {
    const fake = fakePlanetScale({ now: () => new Date('2026-01-01T00:00:00Z') });
    fake.failNext(
      { status: 429, headers: { 'retry-after': '1.5' } },
      { status: 503, headers: { date: 'Fri, 02 Jan 2026 00:00:00 GMT' } },
    );
    const first = await auditLog(fake);
    expect(first.headers.get('retry-after')).toBe('1.5');
    expect(first.headers.get('date')).toBe('Thu, 01 Jan 2026 00:00:00 GMT');
    expect((await auditLog(fake)).headers.get('date')).toBe('Fri, 02 Jan 2026 00:00:00 GMT');
  });

  test.each([
    ['refused', 'ECONNREFUSED'],
    ['reset', 'ECONNRESET'],
  ] as const)("rejects as the fetch of Node does: '%s'", async (network, code) => {
    const fake = fakePlanetScale();
    fake.failNext({ network });
    const error = await rejection(auditLog(fake));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: 'fetch failed', cause: { code } });
  });

  test("does not answer until the signal aborts, then rejects with its reason: 'hang'", async () => {
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

  test("breaks off the real body half way: 'truncated'", async () => {
    const fake = fakePlanetScale({ events: numbered(5) });
    const whole = await (await auditLog(fake)).text();
    fake.failNext({ network: 'truncated' }, { network: 'truncated' });
    const response = await auditLog(fake);
    expect(response.status).toBe(200);
    const error = await rejection(response.text());
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe('terminated');

    const reader = (await auditLog(fake)).body?.getReader();
    const received = new TextDecoder().decode((await reader?.read())?.value);
    expect(received).toBe(whole.slice(0, received.length));
    expect(received.length / whole.length).toBeCloseTo(0.5);
  });
});

describe('listen', () => {
  test('serves on loopback what the fake answers, status, headers and body', async () => {
    const { fake, server, get } = await served({
      events: numbered(3),
      now: () => new Date('2026-01-01T00:00:00Z'),
    });
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    const response = await get('/organizations/acme/audit-log?limit=2&filters[]=audit_action:none');
    expect(response.status).toBe(200);
    expect(response.headers.get('date')).toBe('Thu, 01 Jan 2026 00:00:00 GMT');
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect((await response.json()).data).toEqual([]);
    expect((await (await get()).json()).data).toHaveLength(3);
    expect(fake.requests[1]?.url).toBe(`${server.url}/organizations/acme/audit-log`);
  });

  test('passes on method and credentials', async () => {
    const { get } = await served();
    expect((await get('/organizations', { headers: { authorization: 'wrong' } })).status).toBe(401);
    expect((await get('/organizations', { method: 'POST', body: 'x' })).status).toBe(405);
    expect((await get('/organizations', { method: 'HEAD' })).status).toBe(405);
  });

  test('sends the answers of fail as they are', async () => {
    const { fake, get } = await served();
    fake.failNext({ status: 429, body: { code: 'rate_limited' }, headers: { 'retry-after': '3' } }, { status: 204 });
    const response = await get();
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('3');
    expect(await response.json()).toEqual({ code: 'rate_limited' });
    expect((await get()).status).toBe(204);
  });

  test.each(['refused', 'reset'] as const)("resets the connection, and serves the next one: '%s'", async (network) => {
    const { fake, get } = await served();
    fake.failNext({ network });
    const error = await rejection(get());
    expect(error).toMatchObject({ message: 'fetch failed', cause: { code: 'ECONNRESET' } });
    expect((await get()).status).toBe(200);
    expect(fake.requests).toHaveLength(2);
  });

  test("holds the connection open until the client goes: 'hang'", async () => {
    const { fake, get } = await served();
    const goneAt = vi.fn();
    const answering = vi.spyOn(fake, 'fetch');
    fake.failNext({ network: 'hang' });
    await expect(get(undefined, { signal: AbortSignal.timeout(100) })).rejects.toThrow(
      expect.objectContaining({ name: 'TimeoutError' }),
    );
    await answering.mock.results[0]?.value.catch(goneAt);
    expect(goneAt).toHaveBeenCalledOnce();
    expect((await get()).status).toBe(200);
  });

  test("closes the connection half way through the body: 'truncated'", async () => {
    const { fake, get } = await served({ events: numbered(100) });
    for (let times = 0; times < 10; times++) {
      fake.failNext({ network: 'truncated' });
      const response = await get('/organizations/acme/audit-log?limit=100');
      expect(response.status).toBe(200);
      const reader = response.body?.getReader();
      const received = await reader?.read();
      expect(received?.value?.length).toBeGreaterThan(0);
      const error = await rejection(
        (async () => {
          while (!(await reader?.read())?.done);
        })(),
      );
      expect(error).toMatchObject({ message: 'terminated', cause: { code: 'UND_ERR_SOCKET' } });
    }
    expect((await get()).status).toBe(200);
  });

  test('close ends all connections at once, those that wait included', async () => {
    const { fake, server, get } = await served();
    await (await get()).text();
    fake.failNext({ network: 'hang' });
    const waiting = rejection(get());
    await vi.waitFor(() => expect(fake.requests).toHaveLength(2));
    await server.close();
    expect((await waiting).message).toBe('fetch failed');
    expect(await rejection(get())).toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  test('takes the port given, and says when it is in use', async () => {
    const { server } = await served();
    const port = Number(new URL(server.url).port);
    await expect(listen(fakePlanetScale(), port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await server.close();
    const again = await listen(fakePlanetScale(), port);
    onTestFinished(() => again.close());
    expect(again.url).toBe(server.url);
  });
});

describe('a large audit log', () => {
  /** Every id on the way from the newest page to the end. */
  const walk = async (fake: FakePlanetScale) => {
    const walked: string[] = [];
    let query = '?limit=100';
    // No fake here is larger: one that goes round in circles fails the test and does not hang it.
    while (walked.length <= 200_000) {
      const { data, has_next, cursor_end } = await (await auditLog(fake, query)).json();
      for (const { id } of data) walked.push(id);
      if (!has_next) break;
      query = `?limit=100&starting_after=${cursor_end}`;
    }
    return walked;
  };

  test('of 200,000 events can be walked to the end', async () => {
    const events = numbered(200_000);
    const walked = await walk(fakePlanetScale({ events }));
    expect(walked).toHaveLength(200_000);
    // Not toEqual: it would take minutes to show how two lists of this length differ.
    expect(walked.findIndex((id, index) => id !== `e${199_999 - index}`)).toBe(-1);
  });

  test('stays in order whatever is added late and removed', async () => {
    const fake = fakePlanetScale();
    // A walk through 0 … 4,999 that jumps: neighbours in time are far apart in the order of adding.
    const seconds = Array.from({ length: 5000 }, (_, index) => (index * 2731) % 5000);
    for (const second of seconds) fake.add({ id: `e${second}`, created_at: new Date(second * 1000).toISOString() });
    for (let second = 0; second < 1000; second++) fake.remove(`e${second}`);
    for (let second = 1000; second < 5000; second += 3) fake.remove(`e${second}`);
    const left = Array.from({ length: 4000 }, (_, index) => 1000 + index).filter((second) => (second - 1000) % 3 > 0);
    expect(await walk(fake)).toEqual(left.toReversed().map((second) => `e${second}`));
  });

  test('can be emptied and filled again', async () => {
    const fake = fakePlanetScale({ events: numbered(2000) });
    for (const { id } of numbered(2000)) fake.remove(id);
    expect((await page(fake)).ids).toEqual([]);
    fake.add({ id: 'new' });
    expect((await page(fake)).ids).toEqual(['new']);
  });
});
