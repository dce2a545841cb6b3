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
    // A poller makes more requests under one answer than under another: a second step would come at another moment, and a short list
    // would end at another scan.
    const comparable = steps.filter(([, step]) => !('change' in step && step.change.type === 'short list'));
    const alone = { ...plan, pollers: 1, steps: comparable.slice(0, 1) };
    const deliveries: string[] = [];
    for (const unknownCursor of ['not-found', 'empty', 'first-page'] as const) {
      const log = { ...plan.log, unknownCursor, shuffleSeed: undefined };
      const { delivered } = await simulate({ ...alone, log }, undefined, { makePoller: poller, judged: /^/ });
      deliveries.push(delivered.join(' '));
    }
    if (new Set(deliveries).size > 1) throw new Error(`I11: ${deliveries.join('\n')}`);
  });
