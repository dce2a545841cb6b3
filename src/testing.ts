/**
 * A PlanetScale that lives in memory, to test against.
 *
 * @module planetscale-audit/testing
 */

export {
  type CursorStoreCheck,
  type CursorStoreUnderTest,
  cursorStoreChecks,
} from './testing/cursor-store-checks.ts';
export type { FakeFailure } from './testing/fake/failures.ts';
export { type FakePlanetScale, type FakePlanetScaleOptions, fakePlanetScale } from './testing/fake/fake-planetscale.ts';
export { listen } from './testing/fake/listen.ts';
