import * as fc from 'fast-check';
import { test } from 'vitest';
import { fakeTime, keepsItsPromises, seed } from './support/model/promises.ts';

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
