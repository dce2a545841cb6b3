import * as fc from 'fast-check';
import { anySchedule } from './any-schedule.ts';
import type { Schedule } from './schedule.ts';
import * as targeted from './targeted-schedules.ts';

/** Only compareAndSet keeps pollers apart, and a poller that starts from 'newerThan' must learn its event alone. */
const withOnePollerIfRequired = (schedule: Schedule): Schedule =>
  schedule.comparesAndSets && schedule.startFrom !== 'newerThan' ? schedule : { ...schedule, pollers: 1 };

/** Draws a schedule: two of three are left to chance, the others aim at a situation that chance rarely makes. */
export const schedule: fc.Arbitrary<Schedule> = fc
  .oneof(
    { weight: 12, arbitrary: anySchedule },
    { weight: 1, arbitrary: targeted.longBacklog },
    { weight: 1, arbitrary: targeted.hiddenArrival },
    { weight: 1, arbitrary: targeted.lateAbovePostdated },
    { weight: 1, arbitrary: targeted.unseenAroundPostdated },
    { weight: 1, arbitrary: targeted.deletedCursor },
    { weight: 1, arbitrary: targeted.slowAnswer },
    { weight: 1, arbitrary: targeted.blockAboveNew },
    { weight: 1, arbitrary: targeted.longShortList },
    { weight: 1, arbitrary: targeted.wrongClockBeforeChange },
    { weight: 1, arbitrary: targeted.changingOrder },
  )
  .map(withOnePollerIfRequired);
