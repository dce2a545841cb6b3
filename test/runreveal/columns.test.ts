import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AuditEvent } from '../../src/audit-log/event.ts';
import { runRevealColumns } from '../../src/runreveal/row/columns.ts';
import { toRunRevealRow } from '../../src/runreveal/row/row.ts';
import { arbitraryEvent, eventFromText } from '../support/arbitrary-events.ts';
import { receivedAt } from './row-of.ts';

const string = 'String';
const dateTime = "DateTime('UTC')";
const map = 'Map(String, String)';
const ip = (side: string) => [
  [`${side}IP`, string],
  [`${side}ASCountryCode`, string],
  [`${side}ASNumber`, 'UInt32'],
  [`${side}ASOrganization`, string],
  [`${side}City`, string],
  [`${side}ConnectionType`, string],
  [`${side}ISP`, string],
  [`${side}Latitude`, 'Float64'],
  [`${side}Longitude`, 'Float64'],
  [`${side}UserType`, string],
];

/** Copied by hand from https://docs.runreveal.com/sources/source-types/planetscale, with the zone added to DateTime. */
const documented = [
  ['workspaceID', string],
  ['sourceID', string],
  ['sourceType', string],
  ['sourceTTL', 'UInt32'],
  ['receivedAt', dateTime],
  ['id', string],
  ['eventTime', dateTime],
  ['eventName', string],
  ['eventID', string],
  ...ip('src'),
  ...ip('dst'),
  ['actor', map],
  ['tags', map],
  ['resources', 'Array(String)'],
  ['serviceName', string],
  ['enrichments', 'Array(Tuple(data Map(String, String), name String, provider String, type String, value String))'],
  ['readOnly', 'Bool'],
  ['rawLog', string],
  ...[
    ...['psId', 'psAuditAction', 'psAction', 'psActorId', 'psActorType', 'psActorDisplayName'],
    ...['psAuditableId', 'psAuditableType', 'psAuditableDisplayName'],
    ...['psTargetId', 'psTargetType', 'psTargetDisplayName'],
    ...['psLocation', 'psRemoteIp', 'psCreatedAt', 'psUpdatedAt', 'psMetadata'],
  ].map((name) => [name, string]),
];

test("runRevealColumns has the 53 columns of RunReveal's page, in its order", () => {
  expect(runRevealColumns.map(({ name, type }) => [name, type])).toEqual(documented);
  expect(documented).toHaveLength(53);
});

const columnNames = runRevealColumns.map(({ name }) => name);

test('every row has every column, in the order of the table', () => {
  fc.assert(
    fc.property(arbitraryEvent, (event) => {
      expect(Object.keys(toRunRevealRow(event))).toEqual(columnNames);
    }),
  );
});

test('the row of an event with only the required fields has every column, and no column is null', () => {
  const row = toRunRevealRow(eventFromText('{"id":"a","audit_action":"x.y","created_at":"z"}'), { receivedAt });
  expect(Object.keys(row)).toEqual(columnNames);
  expect(row).toMatchObject({ actor: {}, tags: {}, resources: [], srcIP: '', psMetadata: '', psActorId: '' });
  expect(Object.values(row)).not.toContain(null);
  expect(Object.values(row)).not.toContain(undefined);
});

test.each([
  ['with only the required fields', {}],
  ['with null fields', { actor_display_name: null, metadata: null, remote_ip: null }],
  [
    'with fields that are not text',
    { actor_id: 5, actor_display_name: true, remote_ip: ['x'], location: { city: 'x' } },
  ],
])('the row of an event made elsewhere %s has every column', (_, fields) => {
  // The assertion stands for JavaScript code, whose types nothing checks.
  const event = {
    id: 'a',
    audit_action: 'b.c',
    created_at: '2026-11-01T00:00:00Z',
    ...fields,
  } as unknown as AuditEvent;
  const row = JSON.parse(JSON.stringify(toRunRevealRow(event, { receivedAt: new Date(0) })));
  expect(Object.keys(row)).toEqual(columnNames);
  if ('actor_id' in fields)
    expect(row).toMatchObject({
      psActorId: '5',
      psActorDisplayName: 'true',
      psRemoteIp: '["x"]',
      psLocation: '{"city":"x"}',
    });
});
