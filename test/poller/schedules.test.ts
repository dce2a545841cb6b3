import * as fc from 'fast-check';
import { test } from 'vitest';
import { fakeTime, isIndifferentToUnknownCursors, keepsItsPromises, seed } from './model/promises.ts';

// SCHEDULES=… makes it longer, SEED=… repeats it.
const schedules = Number(process.env.SCHEDULES ?? 10_000);

fakeTime();

test(
  `no schedule of crashes, errors, late events and deletions loses an event (${schedules} schedules, seed ${seed})`,
  {
    timeout: 24 * 3_600_000,
  },
  () => fc.assert(keepsItsPromises(), { numRuns: schedules, seed }),
);

const tenth = Math.ceil(schedules / 10);

test(
  `the same events come in the same order under every answer to an unknown cursor (${tenth} schedules, seed ${seed})`,
  {
    timeout: 24 * 3_600_000,
  },
  () => fc.assert(isIndifferentToUnknownCursors(), { numRuns: tenth, seed }),
);
