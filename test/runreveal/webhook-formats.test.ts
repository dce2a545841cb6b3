import * as fc from 'fast-check';
import {
  AuditConfigError,
  type RunRevealContext,
  rawJson,
  toRevealdEvent,
  toRunRevealRow,
  toStructuredWebhook,
} from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { arbitraryEvent, eventFromText, eventWith, publicSample } from '../support/arbitrary-events.ts';

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const receivedAt = new Date('2026-11-01T12:00:00.123Z');

test('toStructuredWebhook gives the format that RunReveal documents for the public sample', () => {
  expect(toStructuredWebhook(eventWith())).toEqual({
    eventName: 'deploy_request.queued',
    eventTime: '2021-07-19T17:13:45.000Z',
    readOnly: false,
    actor: { id: 'd4hkujnkswjk', username: 'Ada Example' },
    src: { ip: '203.0.113.24' },
    service: { name: 'planetscale' },
    resources: [
      { type: 'DeployRequest', id: 'kbog8qlq6lp4', name: 'deploy request #102' },
      { type: 'Database', id: 'm40xz7x6gvvk', name: 'planetscale' },
    ],
    tags: { actor_type: 'User', auditable_type: 'DeployRequest', target_type: 'Database' },
  });
});

test('toRevealdEvent gives the format of reveald version 1 for the public sample', () => {
  expect(toRevealdEvent(eventWith())).toEqual({
    sourceType: 'planetscale',
    rawLog: publicSample,
    eventTime: '2021-07-19T17:13:45.000Z',
    eventName: 'deploy_request.queued',
    src: { ip: '203.0.113.24' },
    dst: { ip: '' },
    actor: { id: 'd4hkujnkswjk', username: 'Ada Example' },
    service: { name: 'planetscale' },
    tags: { actor_type: 'User', auditable_type: 'DeployRequest', target_type: 'Database' },
    readOnly: false,
  });
});

test(`both formats have the values of the row and can be written as JSON (seed ${seed})`, () => {
  const context: RunRevealContext = {
    receivedAt,
    sourceType: 'planetscale-eu',
    serviceName: 'databases',
    actorEmail: ({ actor_id }) => (actor_id ? `${actor_id}@example.com` : undefined),
    tags: { team: 'platform' },
  };
  fc.assert(
    fc.property(arbitraryEvent, (event) => {
      const { actor, tags, resources, readOnly, eventName, srcIP, serviceName, sourceType } = toRunRevealRow(
        event,
        context,
      );
      const shared = { eventName, readOnly, actor, tags, src: { ip: srcIP }, service: { name: serviceName } };
      const structured = toStructuredWebhook(event, context);
      const reveald = toRevealdEvent(event, context);
      expect(structured).toMatchObject({ ...shared, resources: resources.map((text) => JSON.parse(text)) });
      expect(reveald).toMatchObject({ ...shared, sourceType });
      expect(reveald.rawLog).toEqual(JSON.parse(rawJson(event)));
      for (const form of [structured, reveald]) {
        expect(JSON.parse(JSON.stringify(form))).toEqual(form);
        expect(form.eventTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(\.\d+)?Z$/);
      }
    }),
    { seed },
  );
});

describe('eventTime of both formats', () => {
  test.each([
    ['2021-07-19T17:13:45.000Z', '2021-07-19T17:13:45.000Z'],
    ['2021-07-19T17:13:45Z', '2021-07-19T17:13:45Z'],
    ['2021-07-19T17:13:45.123456789Z', '2021-07-19T17:13:45.123456789Z'],
    ['2021-07-19T17:13:45,5Z', '2021-07-19T17:13:45.5Z'],
    ['2021-07-19 17:13:45', '2021-07-19T17:13:45Z'],
    ['2021-07-19t17:13:45z', '2021-07-19T17:13:45Z'],
    ['2021-07-19T19:13:45.123456+02:00', '2021-07-19T17:13:45.123456Z'],
    ['2021-07-19T12:43:45-0430', '2021-07-19T17:13:45Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59Z'],
    ['1969-07-20T20:17:40Z', '1969-07-20T20:17:40Z'],
    ['2107-01-01T00:00:00Z', '2107-01-01T00:00:00Z'],
  ])('writes a created_at of %s in RFC 3339 as %s', (created_at, expected) => {
    expect(toStructuredWebhook(eventWith({ created_at }), { receivedAt })).toHaveProperty('eventTime', expected);
    expect(toRevealdEvent(eventWith({ created_at }), { receivedAt })).toHaveProperty('eventTime', expected);
  });

  test.each(['', 'yesterday', '1', '2021-02-30T00:00:00Z', '2021-07-19', '0000-01-01T00:00:00+01:00', '９'])(
    'is the time of arrival if created_at is %j, which is no timestamp',
    (created_at) => {
      expect(toStructuredWebhook(eventWith({ created_at }), { receivedAt }).eventTime).toBe('2026-11-01T12:00:00.123Z');
    },
  );
});

test('an address with a port gives an empty src, and an event without actor or resources gives empty ones', () => {
  const event = eventFromText(
    '{"id":"a","audit_action":"user.signed_in","created_at":"2026-11-01T00:00:00Z","remote_ip":"203.0.113.7:443"}',
  );
  expect(toStructuredWebhook(event)).toMatchObject({
    readOnly: true,
    src: { ip: '' },
    actor: {},
    resources: [],
    tags: {},
  });
});

test.each([
  ['toStructuredWebhook', toStructuredWebhook],
  ['toRevealdEvent', toRevealdEvent],
] as const)('%s throws an AuditConfigError for an invalid receivedAt', (_, toForm) => {
  expect(() => toForm(eventWith(), { receivedAt: new Date(Number.NaN) })).toThrow(AuditConfigError);
});
