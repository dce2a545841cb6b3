import { AuditApiError, type AuditSource } from 'planetscale-audit';
import type { RunRecord } from './observation.ts';
import type { TakeTurn } from './turn.ts';
import type { World } from './world.ts';

/** The simulated audit log as one run sees it: each request takes a turn, and may meet a fault. */
export const faultySource = (world: World, run: RunRecord, takeTurn: TakeTurn): AuditSource => ({
  organization: 'acme',
  page: async (query = {}) => {
    const { log, oracle, schedule } = world;
    let dateOffsetMs = 0;
    oracle.observe({ type: 'request', run });
    const page = await takeTurn({
      effect: () => {
        const newest = world.newestAtStart;
        const isFirstPage = query.startingAfter === undefined;
        if (newest !== undefined) oracle.observe({ type: 'first scan', newest, isFirstPage });
        const { shown } = log;
        const page = log.page(query);
        if (schedule.log.answersSlowly) world.takeNextChangesEarly();
        dateOffsetMs = log.takeDateOffsetMs(run.hasHadRightDate);
        oracle.observe({ type: 'answer', run, isFirstPage, page, shown, dateOffsetMs });
        return { ...page, servedAt: log.date(dateOffsetMs) };
      },
      failure: () => new AuditApiError('answered 503', { status: 503 }),
    });
    if (dateOffsetMs === 0) run.hasHadRightDate = true;
    return page;
  },
});
