import * as fc from 'fast-check';
import { poller } from 'planetscale-audit';
import { afterAll, beforeAll, vi } from 'vitest';
import { schedule } from './draws.ts';
import { simulate, type Trial } from './simulation.ts';

/** The seed of all draws: `SEED=…` repeats a run that failed. */
export const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);

/** Fakes the time for the tests of a file, so that schedules take no real time. */
export function fakeTime(): void {
  const { random } = Math;
  beforeAll(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }));
  afterAll(() => {
    vi.useRealTimers();
    Math.random = random;
  });
}

/** The property that no schedule makes a poller break any of the judged promises. */
export const keepsItsPromises = ({ makePoller = poller, judged = /^/ }: Partial<Trial> = {}) =>
  fc.asyncProperty(schedule, fc.scheduler(), async (plan, scheduler) => {
    const { violations } = await simulate(plan, plan.pollers > 1 ? scheduler : undefined, { makePoller, judged });
    if (violations.length > 0) throw new Error(violations.join('\n'));
  });

/** I11: a poller delivers the same events in the same order under every answer to an unknown cursor. */
export const isIndifferentToUnknownCursors = () =>
  fc.asyncProperty(schedule, async ({ steps, ...plan }) => {
    // A second step would come at another moment: a poller makes more requests under one answer than under another.
    const alone = { ...plan, pollers: 1, steps: steps.slice(0, 1) };
    const deliveries: string[] = [];
    for (const unknownCursor of ['not-found', 'empty', 'first-page'] as const) {
      const log = { ...plan.log, unknownCursor };
      const { delivered } = await simulate({ ...alone, log }, undefined, { makePoller: poller, judged: /^/ });
      deliveries.push(delivered.join(' '));
    }
    if (new Set(deliveries).size > 1) throw new Error(`I11: ${deliveries.join('\n')}`);
  });
