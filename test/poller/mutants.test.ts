// Proves that the random model finds mistakes: model/README.md explains how it judges a poller.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fakeTime, keepsItsPromises, seed } from './model/promises.ts';
import { mutants } from './mutants.ts';

fakeTime();

describe('the random model', () => {
  // test.each would cut long mistakes short in its titles.
  for (const { mistake, breaks, poller } of mutants) {
    test(`catches within 3,000 schedules a poller that ${mistake} (seed ${seed})`, async () => {
      const found = await fc.check(keepsItsPromises({ makePoller: poller, judged: breaks }), {
        numRuns: 3000,
        seed,
        endOnFailure: true,
      });
      expect(found).toMatchObject({ failed: true, errorInstance: { message: expect.stringMatching(breaks) } });
    });
  }
});
