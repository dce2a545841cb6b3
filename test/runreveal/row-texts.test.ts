import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AuditEvent } from '../../src/audit-log/event.ts';
import { toRunRevealRow } from '../../src/runreveal/row/row.ts';
import { arbitraryEvent, eventFromText, eventWith } from '../support/arbitrary-events.ts';
import { receivedAt, rowOf } from './row-of.ts';

test('every text of a row is well-formed', () => {
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

test('rawLog is the exact text of the event in the response', () => {
  const text =
    '{ "id" : "a",\n"audit_action":"x\\u002ey", "created_at":"z", "metadata":{"2":9007199254740993,"1":1e400}, "new":[ ] }';
  expect(toRunRevealRow(eventFromText(text)).rawLog).toBe(text);
});

test('rawLog of a changed copy of an event is the JSON of the copy', () => {
  const copy = { ...eventWith(), location: 'elsewhere' };
  expect(JSON.parse(toRunRevealRow(copy).rawLog)).toMatchObject({ location: 'elsewhere' });
});

test('a lone surrogate becomes U+FFFD in every column', () => {
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

test.each(['\0', '\u2028', '😀', '\x7f', '"\\\n\t', '\ufeff', 'مرحبا'])('a row holds the text %j unchanged', (text) => {
  const row = rowOf({ location: text, actor_display_name: text, metadata: { [text]: text } });
  expect(row).toMatchObject({ psLocation: text, actor: { username: text } });
  expect(JSON.parse(row.psMetadata)).toEqual({ [text]: text });
});

test('a value that should be text and is not becomes its JSON', () => {
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
])('psMetadata for metadata of %j is %j', (metadata, psMetadata) => {
  expect(rowOf({ metadata }).psMetadata).toBe(psMetadata);
});

test('keys such as __proto__ and constructor appear in psMetadata and pollute no prototype', () => {
  const metadata = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
  const event = eventFromText(
    `{"id":"a","audit_action":"x.y","created_at":"z","__proto__":{"location":"b"},"metadata":${metadata}}`,
  );
  const row = toRunRevealRow(event);
  expect(row).toMatchObject({ psMetadata: metadata, psLocation: '' });
  expect({}).not.toHaveProperty('polluted');
});

test('psMetadata holds a megabyte of metadata', () => {
  const metadata = { text: 'é"'.repeat(500_000) };
  expect(JSON.parse(rowOf({ metadata }).psMetadata)).toEqual(metadata);
});

const nested = (depth: number): AuditEvent =>
  eventFromText(
    `{"id":"a","audit_action":"x.y","created_at":"z","metadata":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`,
  );

test('psMetadata holds metadata nested 2,000 levels deep', () => {
  expect(toRunRevealRow(nested(2000)).psMetadata).toHaveLength(2000 * 6 + 1);
});

// JSON.stringify of Node 26 has no limit of depth.
const hasDepthLimit = Number(process.versions.node.split('.')[0]) < 26;

test('metadata nested deeper than JSON.stringify can write (on Node 24 and earlier) is in rawLog only', () => {
  const row = toRunRevealRow(nested(100_000));
  expect(row.psMetadata).toHaveLength(hasDepthLimit ? 0 : 100_000 * 6 + 1);
  expect(row.rawLog).toHaveLength(
    100_000 * 6 + 1 + '{"id":"a","audit_action":"x.y","created_at":"z","metadata":}'.length,
  );
});
