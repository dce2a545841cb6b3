import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { AuditEvent } from '../../src/audit-log/event.ts';
import { AuditConfigError } from '../../src/errors.ts';
import type { RunRevealContext } from '../../src/runreveal/context.ts';
import { type RunRevealRow, runRevealColumns } from '../../src/runreveal/row/columns.ts';
import { toRunRevealRow } from '../../src/runreveal/row/row.ts';
import { runRevealRowSchema } from '../../src/runreveal/row/row-schema.ts';
import { arbitraryEvent, eventFromText, eventWith, publicSample } from '../support/arbitrary-events.ts';

const receivedAt = new Date('2026-11-22T11:00:00.999Z');

const rowOf = (changes: Record<string, unknown> = {}, context: RunRevealContext = {}): RunRevealRow =>
  toRunRevealRow(eventWith(changes), { receivedAt, ...context });

test('the public sample becomes this row', () => {
  expect(rowOf()).toEqual({
    workspaceID: '',
    sourceID: '',
    sourceType: 'planetscale',
    sourceTTL: 0,
    receivedAt: '2026-11-22 11:00:00',
    id: expect.stringMatching(/^[0-9A-Za-z]{27}$/),
    eventTime: '2021-07-19 17:13:45',
    eventName: 'deploy_request.queued',
    eventID: 'ecxuvovgfo95',
    srcIP: '203.0.113.24',
    srcASCountryCode: '',
    srcASNumber: 0,
    srcASOrganization: '',
    srcCity: '',
    srcConnectionType: '',
    srcISP: '',
    srcLatitude: 0,
    srcLongitude: 0,
    srcUserType: '',
    dstIP: '',
    dstASCountryCode: '',
    dstASNumber: 0,
    dstASOrganization: '',
    dstCity: '',
    dstConnectionType: '',
    dstISP: '',
    dstLatitude: 0,
    dstLongitude: 0,
    dstUserType: '',
    actor: { id: 'd4hkujnkswjk', username: 'Ada Example' },
    tags: { actor_type: 'User', auditable_type: 'DeployRequest', target_type: 'Database' },
    resources: [
      '{"type":"DeployRequest","id":"kbog8qlq6lp4","name":"deploy request #102"}',
      '{"type":"Database","id":"m40xz7x6gvvk","name":"planetscale"}',
    ],
    serviceName: 'planetscale',
    enrichments: [],
    readOnly: false,
    rawLog: JSON.stringify(publicSample),
    psId: 'ecxuvovgfo95',
    psAuditAction: 'deploy_request.queued',
    psAction: 'queued',
    psActorId: 'd4hkujnkswjk',
    psActorType: 'User',
    psActorDisplayName: 'Ada Example',
    psAuditableId: 'kbog8qlq6lp4',
    psAuditableType: 'DeployRequest',
    psAuditableDisplayName: 'deploy request #102',
    psTargetId: 'm40xz7x6gvvk',
    psTargetType: 'Database',
    psTargetDisplayName: 'planetscale',
    psLocation: 'Chicago, IL',
    psRemoteIp: '203.0.113.24',
    psCreatedAt: '2021-07-19T17:13:45.000Z',
    psUpdatedAt: '2021-07-19T17:13:45.000Z',
    psMetadata: '{"from":"add-name-to-service-tokens","into":"main"}',
  });
});

test('an event of which only the required fields are left has all 53 columns, none of them null', () => {
  const row = toRunRevealRow(eventFromText('{"id":"a","audit_action":"x.y","created_at":"z"}'), { receivedAt });
  expect(row).toMatchObject({ actor: {}, tags: {}, resources: [], srcIP: '', psMetadata: '', psActorId: '' });
  expect(Object.values(row)).not.toContain(null);
  expect(Object.values(row)).not.toContain(undefined);
});

test('every row has the 53 columns, in order', () => {
  const names = runRevealColumns.map(({ name }) => name);
  expect(names).toHaveLength(53);
  fc.assert(
    fc.property(arbitraryEvent, (event) => {
      expect(Object.keys(toRunRevealRow(event))).toEqual(names);
    }),
  );
});

test('every row is one by runRevealRowSchema, and comes out of it as it went in', () => {
  fc.assert(
    fc.property(arbitraryEvent, (event) => {
      const row = toRunRevealRow(event, { receivedAt });
      expect(runRevealRowSchema.parse(row)).toEqual(row);
    }),
  );
});

test.each([
  ['a column is missing', { psMetadata: undefined }],
  ['text is null', { psLocation: null }],
  ['a time is ISO 8601', { eventTime: '2021-07-19T17:13:45Z' }],
  ['a number does not fit its 32 bits', { srcASNumber: 4_294_967_296 }],
  ['a boolean is a number', { readOnly: 1 }],
  ['a map is a list', { tags: [] }],
  ['a list is text', { resources: '[]' }],
  ['an enrichment lacks its name', { enrichments: [{ data: {}, provider: 'p', type: 't', value: 'v' }] }],
])('what is no row by runRevealRowSchema: %s', (_, change) => {
  expect(runRevealRowSchema.safeParse({ ...rowOf(), ...change }).success).toBe(false);
});

test('every text of every row is well-formed', () => {
  fc.assert(
    fc.property(arbitraryEvent, (event) => {
      const visit = (value: unknown): void => {
        if (typeof value === 'string') expect(value.isWellFormed()).toBe(true);
        else if (typeof value === 'object' && value !== null) Object.entries(value).flat().forEach(visit);
      };
      visit(toRunRevealRow(event, { receivedAt, tags: { '\ud800': '\udfff' } }));
    }),
    { numRuns: 300 },
  );
});

test('with receivedAt the same input gives the same row', () => {
  fc.assert(
    fc.property(arbitraryEvent, (event) => {
      expect(toRunRevealRow(event, { receivedAt })).toEqual(toRunRevealRow(event, { receivedAt }));
    }),
  );
});

// ── context ──

test('the context goes into the row', () => {
  const enrichment = { data: { score: '1' }, name: 'n', provider: 'p', type: 't', value: 'v' };
  const context = {
    workspaceID: 'w',
    sourceID: 's',
    sourceType: 'custom',
    sourceTTL: 30,
    id: 'row',
    serviceName: 'database',
    enrichments: [enrichment],
  };
  expect(rowOf({}, context)).toMatchObject(context);
});

test('an empty text in the context is one, and not the default', () => {
  const context = { sourceType: '', serviceName: '' };
  expect(rowOf({}, context)).toMatchObject(context);
});

test('the id is that of the event in this source, unless the context has one', () => {
  expect(rowOf({}, { sourceID: 'a' }).id).not.toBe(rowOf({}, { sourceID: 'b' }).id);
  expect(rowOf({ id: 'a' }).id).not.toBe(rowOf({ id: 'b' }).id);
  expect(rowOf({ location: 'elsewhere' }).id).toBe(rowOf().id);
  expect(rowOf({}, { id: '' }).id).toBe('');
});

test('without receivedAt it is now', () => {
  vi.useFakeTimers({ now: new Date('2026-11-22T12:34:56Z') });
  try {
    expect(toRunRevealRow(eventWith()).receivedAt).toBe('2026-11-22 12:34:56');
  } finally {
    vi.useRealTimers();
  }
});

test.each([-1, 0.5, 4_294_967_296, Number.NaN, Number.POSITIVE_INFINITY])(
  'a sourceTTL of %d is an AuditConfigError, since ClickHouse would store another number',
  (sourceTTL) => {
    expect(() => rowOf({}, { sourceTTL })).toThrow(AuditConfigError);
    expect(() => rowOf({}, { sourceTTL })).toThrow(
      new RegExp(`sourceTTL .* is ${sourceTTL}.*whole days.*4294967295`, 'u'),
    );
  },
);

test.each([0, 1, 4_294_967_295])('a sourceTTL of %d goes in as it is', (sourceTTL) => {
  expect(rowOf({}, { sourceTTL }).sourceTTL).toBe(sourceTTL);
});

test('an invalid receivedAt is an AuditConfigError', () => {
  expect(() => rowOf({}, { receivedAt: new Date('never') })).toThrow(AuditConfigError);
  expect(() => rowOf({}, { receivedAt: new Date('never') })).toThrow(/receivedAt .*invalid Date.*leave it out/);
});

test('a receivedAt that DateTime cannot hold is its first or its last instant', () => {
  expect(rowOf({}, { receivedAt: new Date('1969-12-31T23:59:59Z') }).receivedAt).toBe('1970-01-01 00:00:00');
  expect(rowOf({}, { receivedAt: new Date(8.64e15) }).receivedAt).toBe('2106-02-07 06:28:15');
});

// ── eventTime ──

test.each([
  ['2021-07-19T17:13:45Z', '2021-07-19 17:13:45'],
  ['2021-07-19T17:13:45.999Z', '2021-07-19 17:13:45'],
  ['2021-07-19T17:13:45.999999Z', '2021-07-19 17:13:45'],
  ['2021-07-19T17:13:45.999999999Z', '2021-07-19 17:13:45'],
  ['2021-07-19T17:13:60Z', '2021-07-19 17:13:59'],
  ['2021-07-19T17:13:60.999Z', '2021-07-19 17:13:59'],
  ['2016-12-31T23:59:60Z', '2016-12-31 23:59:59'],
  ['2021-07-19T17:13:45+02:00', '2021-07-19 15:13:45'],
  ['2021-07-19T17:13:45-0530', '2021-07-19 22:43:45'],
  ['2021-07-19t17:13:45z', '2021-07-19 17:13:45'],
  ['2021-07-19 17:13:45', '2021-07-19 17:13:45'],
  ['2024-02-29T00:00:00Z', '2024-02-29 00:00:00'],
  ['2021-12-31T23:59:59.999Z', '2021-12-31 23:59:59'],
  ['1970-01-01T00:00:00Z', '1970-01-01 00:00:00'],
  ['1969-12-31T23:59:59Z', '1970-01-01 00:00:00'],
  ['1970-01-01T00:00:00+01:00', '1970-01-01 00:00:00'],
  ['0001-01-01T00:00:00Z', '1970-01-01 00:00:00'],
  ['2099-12-28T00:00:00Z', '2099-12-28 00:00:00'],
  ['2106-02-07T06:28:15Z', '2106-02-07 06:28:15'],
  ['2106-02-07T06:28:16Z', '2106-02-07 06:28:15'],
  ['2107-01-01T00:00:00Z', '2106-02-07 06:28:15'],
  ['9999-12-31T23:59:59Z', '2106-02-07 06:28:15'],
])('%s happened at %s', (created_at, eventTime) => {
  expect(rowOf({ created_at })).toMatchObject({ eventTime, psCreatedAt: created_at });
});

test.each([
  '',
  '1',
  'yesterday',
  '2021-07-19',
  '2021-13-01T00:00:00Z',
  '2021-02-29T00:00:00Z',
  '2021-00-10T00:00:00Z',
  '2021-07-00T00:00:00Z',
  '2021-07-19T24:00:00Z',
  '2021-07-19T17:60:00Z',
  '2021-07-19T17:13:61Z',
  '2021-07-19T17:13:45.Z',
  '2021-07-19T17:13:45Z and more',
  ' 2021-07-19T17:13:45Z',
])('a created_at of %j is no time: eventTime is receivedAt', (created_at) => {
  expect(rowOf({ created_at })).toMatchObject({ eventTime: '2026-11-22 11:00:00', psCreatedAt: created_at });
});

test('any instant of DateTime is written as Date writes it', () => {
  const inRange = fc.date({ min: new Date(0), max: new Date('2106-02-07T06:28:15Z'), noInvalidDate: true });
  fc.assert(
    fc.property(inRange, (date) => {
      const iso = date.toISOString();
      const expected = `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;
      expect(rowOf({ created_at: iso }, { receivedAt: date })).toMatchObject({
        eventTime: expected,
        receivedAt: expected,
      });
    }),
    { numRuns: 500 },
  );
});

// ── addresses ──

test('srcIP is the address in canonical text, psRemoteIp as it was received', () => {
  const row = rowOf({ remote_ip: ' 2001:DB8:0::1 ' });
  expect(row).toMatchObject({ srcIP: '2001:db8::1', psRemoteIp: ' 2001:DB8:0::1 ' });
  expect(rowOf({ remote_ip: '203.0.113.24:443' })).toMatchObject({ srcIP: '', psRemoteIp: '203.0.113.24:443' });
  expect(rowOf({ remote_ip: null })).toMatchObject({ srcIP: '', psRemoteIp: '' });
});

test('lookupIp gets the canonical address and fills the nine columns', () => {
  const asked: string[] = [];
  const lookupIp = (ip: string) => {
    asked.push(ip);
    return {
      asCountryCode: 'US',
      asNumber: 4_294_967_295,
      asOrganization: 'Example\ud800',
      city: 'Chicago',
      connectionType: 'Corporate',
      isp: 'Example',
      latitude: 41.85,
      longitude: -87.65,
      userType: 'business',
    };
  };
  expect(rowOf({ remote_ip: '2001:DB8::1' }, { lookupIp })).toMatchObject({
    srcASCountryCode: 'US',
    srcASNumber: 4_294_967_295,
    srcASOrganization: 'Example\ufffd',
    srcCity: 'Chicago',
    srcConnectionType: 'Corporate',
    srcISP: 'Example',
    srcLatitude: 41.85,
    srcLongitude: -87.65,
    srcUserType: 'business',
    dstCity: '',
  });
  expect(asked).toEqual(['2001:db8::1']);
});

test('lookupIp is not called where there is no address', () => {
  const lookupIp = () => expect.unreachable();
  for (const remote_ip of [null, '', 'unknown', 'fe80::1%eth0'])
    expect(rowOf({ remote_ip }, { lookupIp }).srcIP).toBe('');
});

test('what lookupIp does not know is empty, and what ClickHouse could not hold is 0', () => {
  expect(rowOf({}, { lookupIp: () => undefined })).toMatchObject({ srcCity: '', srcASNumber: 0, srcLatitude: 0 });
  for (const asNumber of [-1, 1.5, 4_294_967_296, Number.NaN]) {
    expect(rowOf({}, { lookupIp: () => ({ asNumber }) }).srcASNumber).toBe(0);
  }
  for (const degrees of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const lookupIp = () => ({ latitude: degrees, longitude: degrees });
    expect(rowOf({}, { lookupIp })).toMatchObject({ srcLatitude: 0, srcLongitude: 0 });
  }
});

test('the location is never taken for a city', () => {
  expect(rowOf({ location: 'Chicago, IL' })).toMatchObject({ srcCity: '', psLocation: 'Chicago, IL' });
});

test('what lookupIp or actorEmail throws reaches the caller', () => {
  const fail = () => {
    throw new RangeError('database closed');
  };
  expect(() => rowOf({}, { lookupIp: fail })).toThrow('database closed');
  expect(() => rowOf({}, { actorEmail: fail })).toThrow('database closed');
});

// ── actor, tags, resources ──

test.each(['ada@example.com', 'ada.example+audit@mail.example.co.uk', "o'hara@example.com", 'ada@exämple.de'])(
  'a display name that is the e-mail address %s is the e-mail address',
  (actor_display_name) => {
    expect(rowOf({ actor_display_name }).actor).toEqual({
      id: 'd4hkujnkswjk',
      username: actor_display_name,
      email: actor_display_name,
    });
  },
);

test.each([
  'Ada Example',
  '@ada',
  'ada@',
  'ada@example',
  'Ada <ada@example.com>',
  'ada@example.com, bob@example.com',
  'ada@bob@example.com',
  'ada@example..com',
])('the display name %j is no e-mail address', (actor_display_name) => {
  expect(rowOf({ actor_display_name }).actor).not.toHaveProperty('email');
});

test('a display name longer than any e-mail address is none, and no wait', () => {
  for (const name of [`ada@${'a.'.repeat(200)}com`, `a@${'.'.repeat(1_000_000)} `, 'a'.repeat(1_000_000)]) {
    expect(rowOf({ actor_display_name: name }).actor).not.toHaveProperty('email');
  }
});

test('actorEmail knows better than the display name', () => {
  const actorEmail = (event: AuditEvent) => (event.actor_id === 'd4hkujnkswjk' ? 'ada@example.com' : undefined);
  expect(rowOf({}, { actorEmail }).actor).toMatchObject({ username: 'Ada Example', email: 'ada@example.com' });
  const unknown = { actor_id: 'other', actor_display_name: 'bob@example.com' };
  expect(rowOf(unknown, { actorEmail }).actor).toMatchObject({ email: 'bob@example.com' });
  expect(rowOf(unknown, { actorEmail: () => '' }).actor).not.toHaveProperty('email');
});

test('an actor has no empty keys', () => {
  expect(rowOf({ actor_id: null, actor_display_name: '' }).actor).toEqual({});
  expect(rowOf({ actor_id: null }).actor).toEqual({ username: 'Ada Example' });
});

test('tags are added, replaced and removed, and false is for none', () => {
  expect(rowOf({ target_type: null }).tags).toEqual({ actor_type: 'User', auditable_type: 'DeployRequest' });
  expect(rowOf({}, { tags: { env: 'production', target_type: 'DB', actor_type: '' } }).tags).toEqual({
    auditable_type: 'DeployRequest',
    target_type: 'DB',
    env: 'production',
  });
  expect(rowOf({}, { tags: false }).tags).toEqual({});
});

test('tags and enrichments may have any name', () => {
  const odd = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c"}');
  expect(JSON.stringify(rowOf({ actor_type: null, auditable_type: null, target_type: null }, { tags: odd }).tags)).toBe(
    '{"__proto__":"a","constructor":"b","toString":"c"}',
  );
  const enrichments = [{ data: odd, name: '', provider: '', type: '', value: '' }];
  expect(JSON.stringify(rowOf({}, { enrichments }).enrichments[0]?.data)).toBe(JSON.stringify(odd));
});

test('resources are the auditable and the target, once where they are the same', () => {
  const same = { target_type: 'DeployRequest', target_id: 'kbog8qlq6lp4', target_display_name: 'another name' };
  expect(rowOf(same).resources).toEqual(['{"type":"DeployRequest","id":"kbog8qlq6lp4","name":"deploy request #102"}']);
  expect(rowOf({ target_type: 'DeployRequest' }).resources).toHaveLength(2);
  expect(rowOf({ target_id: 'kbog8qlq6lp4' }).resources).toHaveLength(2);
});

test('a resource without id and type is left out, and one with either of them is not', () => {
  const noTarget = { target_type: null, target_id: null };
  expect(rowOf({ ...noTarget, auditable_type: null, auditable_id: null }).resources).toEqual([]);
  expect(rowOf({ ...noTarget, auditable_type: '', auditable_id: '' }).resources).toEqual([]);
  expect(rowOf({ auditable_type: null, auditable_id: null }).resources).toEqual([
    '{"type":"Database","id":"m40xz7x6gvvk","name":"planetscale"}',
  ]);
  expect(rowOf({ ...noTarget, auditable_id: null, auditable_display_name: 'a "name"\n' }).resources).toEqual([
    '{"type":"DeployRequest","id":null,"name":"a \\"name\\"\\n"}',
  ]);
});

// ── readOnly ──

test.each([
  'user.signed_in',
  'branch.open_web_console',
  'backup.viewed',
  'backup.read',
  'backup.listed',
  'backup.downloaded',
  'audit_log.exported',
  'organization.user.signed_in',
  'signed_in',
])('%s only reads, also where action is null', (audit_action) => {
  expect(rowOf({ audit_action, action: null }).readOnly).toBe(true);
});

test.each([
  'database_branch.created',
  'user.signed_out',
  'organization.joined',
  'access_token.token_leaked',
  'database.thread',
  'read.deleted',
  'user.signed_in.again',
  'user.SIGNED_IN',
  'constructor',
  '',
])('%j may change something', (audit_action) => {
  expect(rowOf({ audit_action }).readOnly).toBe(false);
});

// ── texts as they come ──

test('rawLog is the text of the answer, to the character', () => {
  const text =
    '{ "id" : "a",\n"audit_action":"x\\u002ey", "created_at":"z", "metadata":{"2":9007199254740993,"1":1e400}, "new":[ ] }';
  expect(toRunRevealRow(eventFromText(text)).rawLog).toBe(text);
});

test('the event of another maker, or a changed copy, has its own JSON as rawLog', () => {
  const copy = { ...eventWith(), location: 'elsewhere' };
  expect(JSON.parse(toRunRevealRow(copy).rawLog)).toMatchObject({ location: 'elsewhere' });
});

test('a lone surrogate becomes U+FFFD wherever it stands', () => {
  const odd = 'a\ud800b';
  const resource = { auditable_type: odd, auditable_id: odd, auditable_display_name: odd };
  const event = { ...eventWith(), ...resource, id: odd, audit_action: odd, actor_id: odd, location: odd };
  const row = toRunRevealRow(event, { receivedAt, workspaceID: odd, tags: { [odd]: odd }, id: odd });
  const clean = 'a\ufffdb';
  expect(row).toMatchObject({ workspaceID: clean, id: clean, eventID: clean, eventName: clean, psLocation: clean });
  expect(row.actor).toMatchObject({ id: clean });
  expect(row.tags).toMatchObject({ [clean]: clean });
  expect(row.resources[0]).toBe(`{"type":"${clean}","id":"${clean}","name":"${clean}"}`);
  const text = `{"id":"a","audit_action":"x.y","created_at":"z","location":"${odd}"}`;
  expect(toRunRevealRow(eventFromText(text)).rawLog).toBe(text.toWellFormed());
});

test.each(['\0', '\u2028', '😀', '\x7f', '"\\\n\t', '\ufeff', 'مرحبا'])('%j is a text like any other', (text) => {
  const row = rowOf({ location: text, actor_display_name: text, metadata: { [text]: text } });
  expect(row).toMatchObject({ psLocation: text, actor: { username: text } });
  expect(JSON.parse(row.psMetadata)).toEqual({ [text]: text });
});

test('scalars that are no strings are their JSON', () => {
  expect(rowOf({ actor_id: 5, location: { city: 'x' }, action: true, updated_at: 1.5 })).toMatchObject({
    psActorId: '5',
    psLocation: '{"city":"x"}',
    psAction: 'true',
    psUpdatedAt: '1.5',
    actor: { id: '5' },
  });
});

test.each([
  [null, ''],
  [undefined, ''],
  [{}, '{}'],
  [{ a: [1, { b: null }] }, '{"a":[1,{"b":null}]}'],
  ['text', '"text"'],
  [[1, 2], '[1,2]'],
  [0, '0'],
  [false, 'false'],
])('metadata of %j is %j', (metadata, psMetadata) => {
  expect(rowOf({ metadata }).psMetadata).toBe(psMetadata);
});

test('keys such as __proto__ and constructor are in psMetadata, and change nothing else', () => {
  const metadata = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
  const event = eventFromText(
    `{"id":"a","audit_action":"x.y","created_at":"z","__proto__":{"location":"b"},"metadata":${metadata}}`,
  );
  const row = toRunRevealRow(event);
  expect(row).toMatchObject({ psMetadata: metadata, psLocation: '' });
  expect({}).not.toHaveProperty('polluted');
});

test('a megabyte of metadata is all there', () => {
  const metadata = { text: 'é"'.repeat(500_000) };
  expect(JSON.parse(rowOf({ metadata }).psMetadata)).toEqual(metadata);
});

const nested = (depth: number): AuditEvent =>
  eventFromText(
    `{"id":"a","audit_action":"x.y","created_at":"z","metadata":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`,
  );

test('metadata nested 2,000 deep is all there', () => {
  expect(toRunRevealRow(nested(2000)).psMetadata).toHaveLength(2000 * 6 + 1);
});

test('metadata nested deeper than JSON.stringify can write is in rawLog alone', () => {
  const row = toRunRevealRow(nested(100_000));
  expect(row.psMetadata).toBe('');
  expect(row.rawLog).toHaveLength(
    100_000 * 6 + 1 + '{"id":"a","audit_action":"x.y","created_at":"z","metadata":}'.length,
  );
});

test.each([
  ['that lacks all but what is required', {}],
  ['whose fields are null', { actor_display_name: null, metadata: null, remote_ip: null }],
  ['whose fields are no text', { actor_id: 5, actor_display_name: true, remote_ip: ['x'], location: { city: 'x' } }],
])('an event made elsewhere %s has all 53 columns', (_, fields) => {
  // Made in JavaScript, say, where nothing checks the type.
  const event = {
    id: 'a',
    audit_action: 'b.c',
    created_at: '2026-11-01T00:00:00Z',
    ...fields,
  } as unknown as AuditEvent;
  const row = JSON.parse(JSON.stringify(toRunRevealRow(event, { receivedAt: new Date(0) })));
  expect(Object.keys(row)).toEqual(runRevealColumns.map(({ name }) => name));
  if ('actor_id' in fields)
    expect(row).toMatchObject({
      psActorId: '5',
      psActorDisplayName: 'true',
      psRemoteIp: '["x"]',
      psLocation: '{"city":"x"}',
    });
});
