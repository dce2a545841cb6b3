import { inspect } from 'node:util';
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
  fc.constantFrom('"\\\\"', '"\\\\\\""', '"]"', '"}"', '"},{"', '"} , {\\""', '"\\"]"', '"data"'),
);
const scalarText = fc.oneof(
  stringText,
  fc.constantFrom('null', 'true', 'false', '0', '-0', '1.0', '1e400', '12345678901234567890', '-1.5E-3'),
);
const { valueText, objectText } = fc.letrec<{ valueText: string; objectText: string }>((tie) => ({
  valueText: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalarText,
    fc
      .tuple(fc.array(tie('valueText'), { maxLength: 3 }), whiteSpace)
      .map(([items, gap]) => `[${gap}${items.join(`${gap},`)}${gap}]`),
    tie('objectText'),
  ),
  objectText: fc
    .tuple(fc.array(fc.tuple(stringText, tie('valueText')), { maxLength: 3 }), whiteSpace)
    .map(
      ([entries, gap]) =>
        `{${gap}${entries.map(([key, value]) => `${key}${gap}:${gap}${value}`).join(`${gap},${gap}`)}${gap}}`,
    ),
}));

describe('sliceElements', () => {
  const slice = (body: string) => sliceElements(body, 'data', JSON.parse(body).data);
  const array = fc
    .tuple(fc.oneof(fc.array(valueText, { maxLength: 5 }), fc.array(objectText, { maxLength: 5 })), whiteSpace)
    .map(([elements, gap]) => ({ elements, text: `[${gap}${elements.join(`${gap},${gap}`)}${gap}]` }));
  const dataKey = fc.constantFrom('"data"', escaped('data'));
  const otherMember = fc.tuple(
    stringText.filter((key) => JSON.parse(key) !== 'data'),
    valueText,
  );
  const earlierMember = fc.oneof(
    otherMember,
    fc.tuple(
      dataKey,
      fc.oneof(
        valueText,
        array.map(({ text }) => text),
      ),
    ),
  );

  test('gives the exact text of each element, whatever surrounds the array, and of the last of equal keys', () => {
    fc.assert(
      fc.property(
        array,
        dataKey,
        fc.array(earlierMember, { maxLength: 3 }),
        fc.array(otherMember, { maxLength: 3 }),
        whiteSpace,
        ({ elements, text }, key, before, after, gap) => {
          const members = [...before, [key, text] as const, ...after];
          const body = `${gap}{${gap}${members.map(([name, value]) => `${name}${gap}:${gap}${value}`).join(`${gap},${gap}`)}${gap}}${gap}`;
          expect(slice(body)).toEqual(elements);
        },
      ),
      { numRuns: 5000 },
    );
  });

  const first = '{"id":"a"}';
  const second = '{"id":"b"}';
  test.each([
    ['after a shorter array', `[${first}]`, [first, second]],
    ['after a longer array', `[${first},${second}]`, [second]],
    ['after an empty array', '[]', [first, second]],
    ['after an array with a number', `[${first},1]`, [second]],
    ['after an array with a number, of the same length', `[${first},1]`, [second, first]],
    ['after null', 'null', [first, second]],
  ])('gives the last of two equal keys, as JSON.parse does: %s', (_, earlier, elements) => {
    expect(slice(`{"data":${earlier},"data":[${elements}]}`)).toEqual(elements);
  });

  test.each(['{"a":[{},{}]}', '{"a":"},{"}', '{"a":"},{\\""}', '{"a":"\\"},{\\"id\\":"}', '{"a":[{"b":[{},{}]}]}'])(
    'tells the objects of the array from text that looks like their ends: %s',
    (element) => {
      for (const elements of [[element], [element, first], [first, element], [first, element, second]]) {
        expect(slice(`{"data":[${elements.join()}]}`)).toEqual(elements);
        expect(slice(`{"data":[${elements.join(' , ')}],"more":[{},{}]}`)).toEqual(elements);
      }
    },
  );
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

  test('takes nothing from a field that the event shows, and leaves none in a copy of any kind', async () => {
    const { fake, client } = await serve();
    const raw = '{ "id": "a", "audit_action": "b", "created_at": "c" }';
    fake.failNext({ status: 200, body: `{"has_next":false,"cursor_end":null,"data":[${raw}]}` });
    const [event] = (await client().page()).events;
    if (!event) throw new Error('no event');
    const fields = Object.keys(event);
    expect(Reflect.ownKeys(event)).toEqual(fields);
    expect(Object.getPrototypeOf(event)).toBe(Object.prototype);
    expect(inspect(event, { showHidden: true })).toBe(inspect({ ...event }, { showHidden: true }));
    for (const copy of [{ ...event }, structuredClone(event), JSON.parse(JSON.stringify(event))]) {
      expect(copy).toEqual(event);
      expect(rawJson(copy)).toBe(JSON.stringify(event));
    }
    expect(rawJson(event)).toBe(raw);
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
