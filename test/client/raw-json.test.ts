import fc from 'fast-check';
import { rawJson } from 'planetscale-audit';
import { describe, expect, test } from 'vitest';
import { sliceElements } from '../../src/internal/json-slices.ts';
import { serve } from '../support/served.ts';

/** The parts of a JSON text of any value, in any spelling that JSON allows. */
const whiteSpace = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const escaped = (text: string) =>
  `"${[...text].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
const stringText = fc.oneof(
  fc.string({ unit: 'binary' }).map((value) => JSON.stringify(value)),
  fc.string({ unit: 'grapheme-ascii', maxLength: 5 }).map(escaped),
  fc.constantFrom('"\\\\"', '"\\\\\\""', '"]"', '"}"', '"\\"]"', '"data"'),
);
const scalarText = fc.oneof(
  stringText,
  fc.constantFrom('null', 'true', 'false', '0', '-0', '1.0', '1e400', '12345678901234567890', '-1.5E-3'),
);
const { valueText } = fc.letrec<{ valueText: string }>((tie) => ({
  valueText: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalarText,
    fc
      .tuple(fc.array(tie('valueText'), { maxLength: 3 }), whiteSpace)
      .map(([items, gap]) => `[${gap}${items.join(`${gap},`)}${gap}]`),
    fc
      .tuple(fc.array(fc.tuple(stringText, tie('valueText')), { maxLength: 3 }), whiteSpace)
      .map(
        ([entries, gap]) =>
          `{${gap}${entries.map(([key, value]) => `${key}${gap}:${gap}${value}`).join(`${gap},${gap}`)}${gap}}`,
      ),
  ),
}));

test('sliceElements gives the exact text of each element, whatever surrounds the array', () => {
  const member = fc.tuple(
    stringText.filter((key) => JSON.parse(key) !== 'data'),
    valueText,
  );
  fc.assert(
    fc.property(
      fc.array(valueText, { maxLength: 5 }),
      fc.array(member, { maxLength: 3 }),
      fc.array(member, { maxLength: 3 }),
      whiteSpace,
      fc.boolean(),
      (elements, before, after, gap, escapeKey) => {
        const array = `[${gap}${elements.join(`${gap},${gap}`)}${gap}]`;
        const members = [...before, [escapeKey ? escaped('data') : '"data"', array] as const, ...after];
        const body = `${gap}{${gap}${members.map(([key, value]) => `${key}${gap}:${gap}${value}`).join(`${gap},${gap}`)}${gap}}${gap}`;
        expect(JSON.parse(body).data).toHaveLength(elements.length);
        expect(sliceElements(body, 'data')).toEqual(elements);
      },
    ),
    { numRuns: 2000 },
  );
});

test('sliceElements reads the last of two equal keys, as JSON.parse does', () => {
  expect(sliceElements('{"data":[1],"data":[2,3]}', 'data')).toEqual(['2', '3']);
});

describe('rawJson', () => {
  const spellings = [
    '{"id":"a","audit_action":"b","created_at":"c","big":12345678901234567890,"float":1.0,"exp":1E2}',
    '{ "id" : "a" ,\n\t"audit_action":"\\u0062","created_at":"c\\/d" }',
    '{"2":1,"1":2,"id":"a","id":"b","audit_action":"b","created_at":"c"}',
    '{"id":"a","audit_action":"b","created_at":"c","__proto__":{"x":1},"metadata":{"é":"é","emoji":"💥"}}',
  ];

  test.each(spellings)('gives the text of the event as the server sent it: %s', async (text) => {
    const { fake, client } = await serve();
    fake.failNext({ status: 200, body: `{"has_next":false,"cursor_end":null,"data":[${text}]}` });
    const [event] = (await client().page()).events;
    expect(event && rawJson(event)).toBe(text);
  });

  test('gives JSON.stringify for a changed copy of an event', async () => {
    const { fake, client } = await serve();
    fake.add({ audit_action: 'database.created' });
    const [event] = (await client().page()).events;
    const redacted = event && { ...event, remote_ip: null };
    expect(redacted && rawJson(redacted)).toBe(JSON.stringify(redacted));
  });
});

test('an event holds fields that the API adds later', async () => {
  const { fake, client } = await serve();
  fake.failNext({
    status: 200,
    body: {
      has_next: false,
      cursor_end: null,
      data: [{ id: 'a', audit_action: 'b', created_at: 'c', severity: 'high' }],
    },
  });
  expect((await client().page()).events[0]).toHaveProperty('severity', 'high');
});

test('an event holds null for a missing field, and JSON for a text field of another type', async () => {
  const { fake, client } = await serve();
  fake.failNext({
    status: 200,
    body: {
      has_next: false,
      cursor_end: null,
      data: [{ id: 'a', audit_action: 'b', created_at: 'c', actor_id: 7, location: { city: 'x' } }],
    },
  });
  expect((await client().page()).events[0]).toEqual({
    id: 'a',
    audit_action: 'b',
    action: null,
    actor_id: '7',
    actor_type: null,
    actor_display_name: null,
    auditable_id: null,
    auditable_type: null,
    auditable_display_name: null,
    target_id: null,
    target_type: null,
    target_display_name: null,
    location: '{"city":"x"}',
    remote_ip: null,
    metadata: null,
    created_at: 'c',
    updated_at: null,
  });
});
