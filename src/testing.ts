/**
 * A fake PlanetScale to test against, and checks for cursor stores.
 *
 * @module planetscale-audit/testing
 */

export type { CursorStoreCheck, CursorStoreUnderTest } from './testing/cursor-store-checks/store-under-test.ts';
export { cursorStoreChecks } from './testing/cursor-store-checks.ts';
export type { FakeFailure } from './testing/fake/failures.ts';
export { type FakePlanetScale, fakePlanetScale } from './testing/fake/fake-planetscale.ts';
export { listen } from './testing/fake/listen.ts';
export type { FakePlanetScaleOptions } from './testing/fake/options.ts';
