import Keyv5 from 'keyv';
import Keyv6 from 'keyv-6';
import { type CursorStore, memoryCursorStore, poller } from 'planetscale-audit';
import { cursorStoreChecks, fakePlanetScale } from 'planetscale-audit/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { strictKeyv } from '../../examples/strict-keyv.ts';
import { BreakableMap } from '../support/breakable-map.ts';
import { bundled } from '../support/bundled.ts';
import { credentials } from '../support/served.ts';
import { sourceOf } from '../support/source.ts';

const source = sourceOf(fakePlanetScale(credentials));

const refusal = /store: is a Keyv, or a cache like it, that returns undefined if its backend fails/;

describe('a Keyv that returns undefined after a failed read is refused by a poller before any request', () => {
  class OwnKeyv5 extends Keyv5 {}
  class OwnKeyv6 extends Keyv6 {}

  test.each<[string, CursorStore]>([
    ['Keyv 5', new Keyv5()],
    ['Keyv 6', new Keyv6()],
    ['a subclass of Keyv 5', new OwnKeyv5()],
    ['a subclass of Keyv 6', new OwnKeyv6()],
    ['Keyv 6 with a throwOnErrors, which means nothing to it', Object.assign(new Keyv6(), { throwOnErrors: true })],
  ])('(%s)', (_, store) => {
    expect(() => poller(source, { store: { get: store.get, set: store.set } })).not.toThrow();
    expect(() => poller(source, { store })).toThrow(refusal);
  });

  test('(in a minified bundle, which renames the class)', async () => {
    const bundle = await bundled('renamed-keyv.ts');
    onTestFinished(() => bundle.remove());
    const renamed: typeof import('../support/renamed-keyv.ts') = await import(bundle.path);
    expect([renamed.Keyv5.name, renamed.Keyv6.name]).not.toContain('Keyv');
    expect(() => poller(source, { store: new renamed.Keyv5() })).toThrow(refusal);
    expect(() => poller(source, { store: new renamed.Keyv6() })).toThrow(refusal);
    expect(() => poller(source, { store: new renamed.Keyv5({ throwOnErrors: true }) })).not.toThrow();
  });
});

test('a cache over Keyv with a method wrap, such as Cacheable or cache-manager, is refused by a poller', () => {
  const cache = Object.assign(new Map<string, string>(), { on: () => {}, wrap: () => {} });
  expect(() => poller(source, { store: cache })).toThrow(refusal);
});

test('a Keyv 5 with throwOnErrors, and a store with events of its own, are accepted by a poller', () => {
  class OwnKeyv5 extends Keyv5 {}
  const throwing = new Keyv5();
  throwing.throwOnErrors = true;
  const withEvents = { ...memoryCursorStore(), on: () => {} };
  for (const store of [
    throwing,
    new Keyv5({ throwOnErrors: true }),
    new OwnKeyv5({ throwOnErrors: true }),
    withEvents,
  ]) {
    expect(() => poller(source, { store })).not.toThrow();
  }
});

const backend = new BreakableMap();
const breakBackend = () => backend.break();

describe.each([
  ['Keyv 5', () => strictKeyv(new Keyv5({ store: backend }))],
  ['Keyv 6', () => strictKeyv(new Keyv6({ store: backend }))],
])('the checks of examples/strict-keyv.ts with %s', (_, open) => {
  for (const check of cursorStoreChecks({ open, breakBackend })) test(check.name, check.run);
});
