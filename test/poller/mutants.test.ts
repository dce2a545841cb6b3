import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fakeTime, keepsItsPromises, seed } from './model/promises.ts';
import { mutants } from './mutants.ts';

fakeTime();

test.each(mutants)(
  `a poller that $mistake is caught within 1,000 schedules (seed ${seed})`,
  async ({ poller, breaks }) => {
    const found = await fc.check(keepsItsPromises({ makePoller: poller, judged: breaks }), {
      numRuns: 1000,
      seed,
      endOnFailure: true,
    });
    expect(found).toMatchObject({ failed: true, errorInstance: { message: expect.stringMatching(breaks) } });
  },
);
