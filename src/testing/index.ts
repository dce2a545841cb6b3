/**
 * A PlanetScale that lives in memory, to test against.
 *
 * @module planetscale-audit/testing
 */

export {
  type CursorStoreCheck,
  type CursorStoreUnderTest,
  cursorStoreChecks,
} from './cursor-store-checks.ts';
export type { FakeFailure } from './fake-failure.ts';
export { type FakePlanetScale, type FakePlanetScaleOptions, fakePlanetScale } from './fake-planetscale.ts';
export { listen } from './listen.ts';
