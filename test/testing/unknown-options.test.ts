import { AuditConfigError, memoryCursorStore } from 'planetscale-audit';
import { cursorStoreChecks, fakePlanetScale } from 'planetscale-audit/testing';
import { expect, test } from 'vitest';

// biome-ignore lint/suspicious/noExplicitAny: what a user without types can pass
type Untyped = any;

const open = () => memoryCursorStore();

test.each<[string, (options: Untyped) => unknown, Untyped, string]>([
  ['fakePlanetScale', fakePlanetScale, { event: [] }, 'fakePlanetScale: event: did you mean events?'],
  ['cursorStoreChecks', cursorStoreChecks, { open, corupt: open }, 'cursorStoreChecks: corupt: did you mean corrupt?'],
  ['cursorStoreChecks', cursorStoreChecks, { opn: open }, 'cursorStoreChecks: opn: did you mean open?'],
  ['cursorStoreChecks', cursorStoreChecks, {}, 'cursorStoreChecks: open: must be a function'],
])('%s refuses an option that is unknown or missing: %#', (_, take, options, message) => {
  expect(() => take(options)).toThrow(AuditConfigError);
  expect(() => take(options)).toThrow(message);
});
