import Keyv5 from 'keyv';
import Keyv6 from 'keyv-6';
import { memoryCursorStore, poller } from 'planetscale-audit';
import { cursorStoreChecks, fakePlanetScale } from 'planetscale-audit/testing';
import { describe, expect, test } from 'vitest';
import { strictKeyv } from '../../examples/strict-keyv.ts';
import { BreakableMap } from '../support/breakable-map.ts';
import { credentials } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';

const source = sourceOf(fakePlanetScale(credentials));

describe('a Keyv that returns undefined after a failed read', () => {
  test.each([
    ['Keyv 5', () => new Keyv5()],
    ['Keyv 6', () => new Keyv6()],
  ])('is refused by a poller before any request (%s)', (_, open) => {
    const store = open();
    expect(() => poller(source, { store: { get: store.get, set: store.set } })).not.toThrow();
    expect(() => poller(source, { store })).toThrow(/store: is a Keyv that returns undefined if its backend fails/);
  });

  test('is accepted if it is Keyv 5 with throwOnErrors', () => {
    expect(() => poller(source, { store: new Keyv5({ throwOnErrors: true }) })).not.toThrow();
    expect(() => poller(source, { store: memoryCursorStore() })).not.toThrow();
  });
});

describe('the checks of examples/strict-keyv.ts with Keyv 6', () => {
  const backend = new BreakableMap();
  const open = () => strictKeyv(new Keyv6({ store: backend }));
  for (const check of cursorStoreChecks({ open, breakBackend: () => backend.break() })) test(check.name, check.run);
});
