import { fakePlanetScale } from 'planetscale-audit/testing';
import { describe, expect, test } from 'vitest';
import { authorization, eventsNamed, getAuditLog, getPage, numberedEvents } from './fake-requests.ts';

describe('a page of the fake audit log', () => {
  test('lists the newest event first, in the envelope of the API', async () => {
    const fake = fakePlanetScale();
    const [older, newer] = fake.add({ id: 'older' }, { id: 'newer' });
    const response = await getAuditLog(fake);
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

  test('has null cursors if it is empty', async () => {
    expect(await (await getAuditLog(fakePlanetScale())).json()).toEqual({
      type: 'list',
      has_next: false,
      has_prev: false,
      cursor_start: null,
      cursor_end: null,
      data: [],
    });
  });

  test('has 25 events if the limit is missing or invalid', async () => {
    const fake = fakePlanetScale({ events: numberedEvents(30) });
    for (const query of ['', '?limit=', '?limit=0', '?limit=-3', '?limit=1.5', '?limit=many']) {
      expect((await getPage(fake, query)).ids).toHaveLength(25);
    }
  });

  test('has at most pageSize events, 100 by default', async () => {
    const events = numberedEvents(130);
    expect((await getPage(fakePlanetScale({ events }), '?limit=500')).ids).toHaveLength(100);
    expect((await getPage(fakePlanetScale({ events, pageSize: 120 }), '?limit=500')).ids).toHaveLength(120);
    expect((await getPage(fakePlanetScale({ events, pageSize: 7 }), '?limit=500')).ids).toHaveLength(7);
    expect((await getPage(fakePlanetScale({ events, pageSize: 7 }))).ids).toHaveLength(7);
  });

  test.each([0, -1, 2.5, Number.NaN])('requires a valid pageSize: %d is an AuditConfigError', (pageSize) => {
    expect(() => fakePlanetScale({ pageSize })).toThrow(expect.objectContaining({ name: 'AuditConfigError' }));
  });

  test('is served under any base path and host', async () => {
    const fake = fakePlanetScale({ events: numberedEvents(1) });
    for (const base of [
      'http://localhost:1',
      'https://proxy.example/planet/scale/v1',
      'https://api.planetscale.com/v2',
    ]) {
      const response = await fake.fetch(`${base}/organizations/acme/audit-log`, { headers: { authorization } });
      expect((await response.json()).data).toHaveLength(1);
    }
  });

  test('has the Date of the given clock', async () => {
    const fake = fakePlanetScale({ now: () => new Date('2026-03-04T05:06:07.890Z') });
    expect((await getAuditLog(fake)).headers.get('date')).toBe('Wed, 04 Mar 2026 05:06:07 GMT');
  });

  test('has the current Date if no clock is given', async () => {
    const date = (await getAuditLog(fakePlanetScale())).headers.get('date');
    expect(Math.abs(Date.now() - Date.parse(date ?? ''))).toBeLessThan(10_000);
  });
});

describe('starting_after in the fake', () => {
  test('returns the events older than the cursor, until has_next is false', async () => {
    const fake = fakePlanetScale({ events: eventsNamed('a', 'b', 'c', 'd', 'e') });
    expect(await getPage(fake, '?limit=2')).toMatchObject({ ids: ['e', 'd'], has_next: true, has_prev: false });
    expect(await getPage(fake, '?limit=2&starting_after=d')).toMatchObject({
      ids: ['c', 'b'],
      has_next: true,
      has_prev: true,
      cursor_start: 'c',
      cursor_end: 'b',
    });
    expect(await getPage(fake, '?limit=2&starting_after=b')).toMatchObject({
      ids: ['a'],
      has_next: false,
      has_prev: true,
    });
  });

  test('returns an empty page after the oldest event', async () => {
    const fake = fakePlanetScale({ events: eventsNamed('a', 'b') });
    expect(await getPage(fake, '?starting_after=a')).toMatchObject({
      ids: [],
      has_next: false,
      has_prev: true,
      cursor_start: null,
      cursor_end: null,
    });
  });

  test('returns has_next: false if the last page is exactly full', async () => {
    const fake = fakePlanetScale({ events: eventsNamed('a', 'b', 'c', 'd') });
    expect(await getPage(fake, '?limit=2&starting_after=c')).toMatchObject({ ids: ['b', 'a'], has_next: false });
  });

  test('wins over ending_before', async () => {
    const fake = fakePlanetScale({ events: eventsNamed('a', 'b', 'c') });
    expect((await getPage(fake, '?starting_after=b&ending_before=c')).ids).toEqual(['a']);
  });
});

describe('ending_before in the fake', () => {
  const events = eventsNamed('a', 'b', 'c', 'd', 'e', 'f');

  test('returns the events directly newer than the cursor by default', async () => {
    const fake = fakePlanetScale({ events });
    expect(await getPage(fake, '?limit=2&ending_before=b')).toMatchObject({
      ids: ['d', 'c'],
      has_next: true,
      has_prev: true,
    });
    expect(await getPage(fake, '?limit=2&ending_before=d')).toMatchObject({
      ids: ['f', 'e'],
      has_next: true,
      has_prev: false,
    });
    expect(await getPage(fake, '?limit=2&ending_before=f')).toMatchObject({ ids: [], has_next: true, has_prev: false });
  });

  test("returns the newest page down to the cursor with 'newest'", async () => {
    const fake = fakePlanetScale({ events, endingBefore: 'newest' });
    expect(await getPage(fake, '?limit=2&ending_before=b')).toMatchObject({
      ids: ['f', 'e'],
      has_next: true,
      has_prev: false,
    });
    expect(await getPage(fake, '?limit=3&ending_before=e')).toMatchObject({
      ids: ['f'],
      has_next: true,
      has_prev: false,
    });
  });

  test("has no effect with 'ignored'", async () => {
    const fake = fakePlanetScale({ events, endingBefore: 'ignored' });
    expect(await getPage(fake, '?limit=2&ending_before=b')).toEqual(await getPage(fake, '?limit=2'));
    expect((await getPage(fake, '?limit=2&ending_before=nowhere')).ids).toEqual(['f', 'e']);
  });
});

describe('an unknown cursor in the fake', () => {
  test.each(['starting_after', 'ending_before'])('gets a 404 by default in %s', async (parameter) => {
    const response = await getAuditLog(fakePlanetScale({ events: numberedEvents(3) }), `?${parameter}=nowhere`);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ code: 'not_found', message: 'Not Found' });
  });

  test.each(['starting_after', 'ending_before'])("gets an empty page in %s with 'empty'", async (parameter) => {
    const fake = fakePlanetScale({ events: numberedEvents(3), unknownCursor: 'empty' });
    expect(await (await getAuditLog(fake, `?${parameter}=nowhere`)).json()).toEqual({
      type: 'list',
      has_next: false,
      has_prev: false,
      cursor_start: null,
      cursor_end: null,
      data: [],
    });
  });

  test.each(['starting_after', 'ending_before'])("gets the first page in %s with 'first-page'", async (parameter) => {
    const fake = fakePlanetScale({ events: numberedEvents(3), unknownCursor: 'first-page' });
    expect(await getPage(fake, `?limit=2&${parameter}=nowhere`)).toEqual(await getPage(fake, '?limit=2'));
  });

  test('is also the id of a removed event', async () => {
    const fake = fakePlanetScale({ events: eventsNamed('a', 'b', 'c') });
    fake.remove('b');
    expect((await getAuditLog(fake, '?starting_after=b')).status).toBe(404);
  });
});

describe('filters[] in the fake', () => {
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

  test('selects the events with any of the given actions', async () => {
    const fake = fakePlanetScale({ events });
    expect((await getPage(fake, `?${created}`)).ids).toEqual(['f', 'c', 'a']);
    expect((await getPage(fake, `?${created}&${deleted}`)).ids).toEqual(['f', 'd', 'c', 'a']);
    expect((await getPage(fake, `?${encodeURIComponent('filters[]')}=audit_action%3Adatabase.deleted`)).ids).toEqual([
      'd',
    ]);
  });

  test('pages over the filtered list', async () => {
    const fake = fakePlanetScale({ events });
    expect(await getPage(fake, `?limit=2&${created}`)).toMatchObject({
      ids: ['f', 'c'],
      has_next: true,
      has_prev: false,
    });
    expect(await getPage(fake, `?limit=2&${created}&starting_after=c`)).toMatchObject({
      ids: ['a'],
      has_next: false,
      has_prev: true,
    });
    expect(await getPage(fake, `?limit=1&${created}&ending_before=a`)).toMatchObject({
      ids: ['c'],
      has_next: true,
      has_prev: true,
    });
    expect(await getPage(fake, `?${deleted}`)).toMatchObject({ ids: ['d'], has_next: false, has_prev: false });
  });

  test('returns empty pages if no event has the action, with and without a cursor', async () => {
    const nothing = { ids: [], has_next: false, has_prev: false, cursor_start: null, cursor_end: null };
    const fake = fakePlanetScale({ events });
    const filter = 'filters[]=audit_action:branch.created';
    expect(await getPage(fake, `?${filter}`)).toMatchObject(nothing);
    expect(await getPage(fake, `?${filter}&starting_after=c`)).toMatchObject(nothing);
    expect(await getPage(fake, `?${filter}&ending_before=c`)).toMatchObject(nothing);
  });

  test('ignores filters on other fields', async () => {
    expect((await getPage(fakePlanetScale({ events }), '?filters[]=actor_id:x')).ids).toHaveLength(6);
  });

  test("has no effect with 'ignored'", async () => {
    expect((await getPage(fakePlanetScale({ events, filters: 'ignored' }), `?${created}`)).ids).toHaveLength(6);
  });
});
