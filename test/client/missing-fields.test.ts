import * as fc from 'fast-check';
import type { AuditEvent } from 'planetscale-audit';
import { expect, test } from 'vitest';
import { parseEvent } from '../../src/audit-log/event.ts';

/** Every field of an event: the compiler asks for those that the type has. */
const fields = {
  id: 'required',
  audit_action: 'required',
  created_at: 'required',
  action: 'text',
  actor_id: 'text',
  actor_type: 'text',
  actor_display_name: 'text',
  auditable_id: 'text',
  auditable_type: 'text',
  auditable_display_name: 'text',
  target_id: 'text',
  target_type: 'text',
  target_display_name: 'text',
  location: 'text',
  remote_ip: 'text',
  metadata: 'any',
  updated_at: 'text',
} satisfies Record<keyof AuditEvent, 'required' | 'text' | 'any'>;

const namesOf = (kind: string) => Object.entries(fields).flatMap(([name, itsKind]) => (itsKind === kind ? [name] : []));

test('an event has each field of its type, a text or null, whichever of them PlanetScale leaves out or sends as something else', () => {
  const required = fc.record({ id: fc.string({ minLength: 1 }), audit_action: fc.string(), created_at: fc.string() });
  const others = fc.dictionary(fc.constantFrom(...namesOf('text'), 'metadata'), fc.jsonValue());
  fc.assert(
    fc.property(required, others, (requiredFields, otherFields) => {
      const read = parseEvent({ ...requiredFields, ...otherFields }, '{}');
      if (!('event' in read)) return expect.unreachable();
      expect(Object.keys(read.event).toSorted()).toEqual(Object.keys(fields).toSorted());
      const texts = new Map<string, unknown>(Object.entries(read.event));
      for (const name of namesOf('text'))
        expect(texts.get(name) === null || typeof texts.get(name) === 'string').toBe(true);
    }),
  );
});

test.each(namesOf('required'))('an event without %s is invalid', (name) => {
  const whole = { id: 'a', audit_action: 'b', created_at: 'c' };
  expect(parseEvent({ ...whole, [name]: undefined }, '{}')).toMatchObject({ issues: [{}] });
});
