import * as fc from 'fast-check';
import { poller } from 'planetscale-audit';
import { afterAll, beforeAll, vi } from 'vitest';
import { schedule } from './schedule.ts';
import { simulate, type Trial } from './simulation.ts';

/** SEED=… repeats a run that failed. */
export const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);

/** The schedules of a file take no real time. */
export function fakeTime(): void {
  const { random } = Math;
  beforeAll(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }));
  afterAll(() => {
    vi.useRealTimers();
    Math.random = random;
  });
}

/** That no schedule makes a poller break a promise, of those that are judged. */
export const keepsItsPromises = ({ makePoller = poller, judged = /^/ }: Partial<Trial> = {}) =>
  fc.asyncProperty(schedule, fc.scheduler(), async (plan, scheduler) => {
    const { violations } = await simulate(plan, plan.pollers > 1 ? scheduler : undefined, { makePoller, judged });
    if (violations.length > 0) throw new Error(violations.join('\n'));
  });

/** I11: the same events in the same order, whatever PlanetScale answers to a cursor that it does not know. */
export const isIndifferentToUnknownCursors = () =>
  fc.asyncProperty(schedule, async ({ incidents, ...plan }) => {
    // A second incident would come at another moment: the answers take different numbers of requests to see through.
    const alone = { ...plan, pollers: 1, incidents: incidents.slice(0, 1) };
    const deliveries: string[] = [];
    for (const unknownCursor of ['not-found', 'empty', 'first-page'] as const) {
      const log = { ...plan.log, unknownCursor };
      const { delivered } = await simulate({ ...alone, log }, undefined, { makePoller: poller, judged: /^/ });
      deliveries.push(delivered.join(' '));
    }
    if (new Set(deliveries).size > 1) throw new Error(`I11: ${deliveries.join('\n')}`);
  });
