import { AuditApiError, type AuditSource } from 'planetscale-audit';
import type { RunRecord } from './observation.ts';
import type { TakeTurn } from './turn.ts';
import type { World } from './world.ts';

/** The simulated audit log as one run sees it: each request takes a turn, and may meet a fault. */
export const faultySource = (world: World, run: RunRecord, takeTurn: TakeTurn): AuditSource => ({
  organization: 'acme',
  page: (query = {}) => {
    world.oracle.observe({ type: 'request', run });
    return takeTurn({
      effect: () => {
        const newest = world.newestAtStart;
        const isFirstPage = query.startingAfter === undefined;
        if (newest !== undefined) world.oracle.observe({ type: 'first scan', newest, isFirstPage });
        const page = world.log.page(query);
        if (world.schedule.log.answersSlowly) world.takeNextChangesEarly();
        return { ...page, servedAt: world.log.date() };
      },
      failure: () => new AuditApiError('answered 503', { status: 503 }),
    });
  },
});
