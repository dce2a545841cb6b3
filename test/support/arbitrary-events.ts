import * as fc from 'fast-check';
import { type AuditEvent, parseEvent, rawJson } from '../../src/audit-log/event.ts';
import { jsonObject, jsonValue } from './arbitrary-json.ts';

/** The only whole event that PlanetScale has published (planetscale-go planetscale/audit_logs_test.go), with an invented name. */
export const publicSample = {
  id: 'ecxuvovgfo95',
  type: 'AuditLogEvent',
  actor_id: 'd4hkujnkswjk',
  actor_type: 'User',
  auditable_id: 'kbog8qlq6lp4',
  auditable_type: 'DeployRequest',
  target_id: 'm40xz7x6gvvk',
  target_type: 'Database',
  location: 'Chicago, IL',
  target_display_name: 'planetscale',
  metadata: { from: 'add-name-to-service-tokens', into: 'main' },
  audit_action: 'deploy_request.queued',
  action: 'queued',
  actor_display_name: 'Ada Example',
  auditable_display_name: 'deploy request #102',
  remote_ip: '203.0.113.24',
  created_at: '2021-07-19T17:13:45.000Z',
  updated_at: '2021-07-19T17:13:45.000Z',
};

/** The event that the client reads from this JSON. */
export function eventFromText(text: string): AuditEvent {
  const read = parseEvent(JSON.parse(text), text);
  if ('event' in read) return read.event;
  throw new Error(`not an event: ${JSON.stringify(read.issues)}`);
}

/** The public sample with these changes, as the client reads it. */
export const eventWith = (changes: Record<string, unknown> = {}): AuditEvent =>
  eventFromText(JSON.stringify({ ...publicSample, ...changes }));

/** Any UTF-16 text, with lone surrogates and NUL. */
const anyUtf16 = fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) });

/** Ordinary text, and text that breaks naive code. */
export const arbitraryText = fc.oneof(
  { weight: 4, arbitrary: fc.string() },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme' }) },
  { weight: 1, arbitrary: anyUtf16 },
  fc.constantFrom('', '\0', '\u2028', 'a"b\\c\n', '__proto__', 'constructor', '😀', '\ud800'),
);

const eventOf = (text: fc.Arbitrary<string>, json: fc.Arbitrary<unknown>): fc.Arbitrary<AuditEvent> => {
  const field = fc.oneof(
    { weight: 6, arbitrary: text },
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: json },
  );
  // Dates of one year, since ClickHouse accepts at most 100 months in one insert, and dates beyond both ends of DateTime.
  const date = fc.date({ noInvalidDate: true, min: new Date('2026-01-01'), max: new Date('2027-01-01') });
  const timestamp = fc.oneof(
    { weight: 3, arbitrary: date.map((value) => value.toISOString()) },
    fc.constantFrom('1969-12-31T23:59:59Z', '1970-01-01T00:00:00.9Z', '2016-12-31T23:59:60Z', '2107-01-01T00:00:00Z'),
    text,
  );
  return fc
    .record(
      {
        id: text.filter((id) => id !== ''),
        audit_action: fc.oneof(text, fc.constantFrom('database_branch.created', 'user.signed_in')),
        created_at: timestamp,
        action: field,
        actor_id: field,
        actor_type: fc.oneof(fc.constantFrom('User', 'ServiceToken'), field),
        actor_display_name: fc.oneof(fc.emailAddress(), field),
        auditable_id: field,
        auditable_type: field,
        auditable_display_name: field,
        target_id: field,
        target_type: field,
        target_display_name: field,
        location: field,
        remote_ip: fc.oneof(fc.ipV4(), fc.ipV6(), field),
        metadata: fc.oneof(jsonObject(text, json), json),
        updated_at: fc.oneof(timestamp, fc.constant(null)),
        added_later: json,
      },
      { requiredKeys: ['id', 'audit_action', 'created_at'] },
    )
    .map((event) => eventFromText(JSON.stringify(event)));
};

/** Events as the client reads them, with missing fields, fields of other types and text of every kind. */
export const arbitraryEvent = eventOf(arbitraryText, jsonValue);

/** Any context without `receivedAt`. */
export const arbitraryContext = fc.record(
  {
    workspaceID: arbitraryText,
    sourceID: arbitraryText,
    sourceType: arbitraryText,
    sourceTTL: fc.nat(0xffff_ffff),
    id: arbitraryText,
    serviceName: arbitraryText,
    tags: fc.oneof(jsonObject(arbitraryText, arbitraryText), fc.constant(false as const)),
    enrichments: fc.array(
      fc.record({
        data: jsonObject(arbitraryText, arbitraryText),
        name: arbitraryText,
        provider: arbitraryText,
        type: arbitraryText,
        value: arbitraryText,
      }),
    ),
    actorEmail: fc.option(arbitraryText, { nil: undefined }).map((email) => () => email),
    lookupIp: fc
      .record({ city: arbitraryText, asNumber: fc.double(), latitude: fc.double(), longitude: fc.double() })
      .map((info) => () => info),
  },
  { requiredKeys: [] },
);

/** White space, quotes, control characters, other scripts, emoji: everything except U+2028, U+2029 and lone surrogates. */
const plainText = fc
  .oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.constantFrom('', '\0', 'a"b\\c\n/\x7f', '😀'))
  .filter((text) => !/[\u2028\u2029]/.test(text));

/** No integers beyond 2^53 and no exponents, which ClickHouse and JavaScript write differently. */
const plainNumber = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((thousandths) => thousandths / 1000),
);

const { json: plainJson } = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    plainText,
    plainNumber,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 3 }),
    // JavaScript would move a key that looks like an integer to the front.
    jsonObject(
      plainText.map((key) => `k${key}`),
      tie('json'),
      { maxKeys: 3 },
    ),
  ),
}));

/** Events whose JSON ClickHouse and JavaScript read and write alike. */
export const extractableEvent = eventOf(plainText, plainJson).filter(
  (event) => !/"metadata":null|"\d+":/.test(rawJson(event)),
);
