import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AuditConfigError } from '../../src/errors.ts';
import { toRunRevealRow } from '../../src/runreveal/row/row.ts';
import { arbitraryEvent, publicSample } from '../support/arbitrary-events.ts';
import { receivedAt, rowOf } from './row-of.ts';

test('the public sample of an event becomes the documented row', () => {
  const row = rowOf();
  // Starts from the row itself, so that a new column fails in columns.test.ts only.
  expect(row).toEqual({
    ...row,
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

test('a row with receivedAt is a pure function of its input', () => {
  fc.assert(
    fc.property(arbitraryEvent, (event) => {
      expect(toRunRevealRow(event, { receivedAt })).toEqual(toRunRevealRow(event, { receivedAt }));
    }),
  );
});

test('a row holds the values of its context', () => {
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

test('an empty text in the context does not become the default', () => {
  const context = { sourceType: '', serviceName: '' };
  expect(rowOf({}, context)).toMatchObject(context);
});

test('the id of a row depends on the event and the source, unless the context sets it', () => {
  expect(rowOf({}, { sourceID: 'a' }).id).not.toBe(rowOf({}, { sourceID: 'b' }).id);
  expect(rowOf({ id: 'a' }).id).not.toBe(rowOf({ id: 'b' }).id);
  expect(rowOf({ location: 'elsewhere' }).id).toBe(rowOf().id);
  expect(rowOf({}, { id: '' }).id).toBe('');
});

test.each([-1, 0.5, 4_294_967_296, Number.NaN, Number.POSITIVE_INFINITY])(
  'a sourceTTL of %d throws an AuditConfigError, because ClickHouse would store another number',
  (sourceTTL) => {
    expect(() => rowOf({}, { sourceTTL })).toThrow(AuditConfigError);
    expect(() => rowOf({}, { sourceTTL })).toThrow(
      new RegExp(`invalid sourceTTL \\(${sourceTTL}\\).*whole days.*4294967295`, 'u'),
    );
  },
);

test.each([0, 1, 4_294_967_295])('a row keeps a sourceTTL of %d', (sourceTTL) => {
  expect(rowOf({}, { sourceTTL }).sourceTTL).toBe(sourceTTL);
});
