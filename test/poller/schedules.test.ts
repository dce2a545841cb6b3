// The random model of the poller: model/README.md explains schedules, the judge, and how to repeat a failure.
import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { fakeTime, isIndifferentToUnknownCursors, keepsItsPromises, seed } from './model/promises.ts';

/** `SCHEDULES=…` sets how many schedules are drawn. */
const schedules = Number(process.env.SCHEDULES ?? 10_000);
const fewerSchedules = Math.ceil(schedules / 10);
const timeout = 24 * 3_600_000;

fakeTime();

describe('the poller', () => {
  test(
    `keeps every promise under crashes, errors, late events and deletions (${schedules} schedules, seed ${seed})`,
    { timeout },
    () => fc.assert(keepsItsPromises(), { numRuns: schedules, seed }),
  );

  test(
    `delivers the same events in the same order under every answer to an unknown cursor (${fewerSchedules} schedules, seed ${seed})`,
    { timeout },
    () => fc.assert(isIndifferentToUnknownCursors(), { numRuns: fewerSchedules, seed }),
  );
});
