// Schedules for what chance alone draws too rarely. Each one fixes what its situation needs and leaves the rest to chance.
import * as fc from 'fast-check';
import { anySchedule, events, fault, importedBlock, shortList, upTo, wrongClock } from './any-schedule.ts';
import { dayMs, type LogChange, lookbackMs, minuteMs, type Schedule } from './schedule.ts';

const plain = { outcomes: [], swallowsErrors: false, corruptState: undefined } as const;

/**
 * A backlog of more pages than the poller buffers, which reaches across the end of the look-back. Late events arrive there while
 * the poller refetches the evicted pages. Chance makes that once in many thousands of schedules.
 */
export const longBacklog: fc.Arbitrary<Schedule> = fc
  .record({
    schedule: anySchedule,
    backlog: fc.integer({ min: 560, max: 640 }),
    ageMs: fc.integer({ min: lookbackMs - 100_000, max: lookbackMs }),
    lateArrivals: fc.integer({ min: 1, max: 4 }),
    awaits: fc.integer({ min: 70, max: 180 }),
  })
  .map(({ schedule, backlog, ageMs, lateArrivals, awaits }) => ({
    ...schedule,
    log: { ...schedule.log, order: 'created', pageSize: 10, hasDateHeader: true, aheadMs: 0, tickMs: 1 },
    startFrom: 'oldest',
    initialChanges: [
      { type: 'events', count: backlog, lateMs: 0, spacingMs: 1000, isWanted: true },
      { type: 'time', ms: ageMs },
    ],
    steps: [
      [awaits, { change: { type: 'events', count: lateArrivals, lateMs: lookbackMs, spacingMs: 0, isWanted: true } }],
      ...schedule.steps,
    ],
  }));

/** New events, and at the same moment a change that could hide them from a poller that has polled before. */
export const hiddenArrival: fc.Arbitrary<Schedule> = fc
  .record({
    schedule: anySchedule,
    known: events(1, 8),
    awaits: upTo(25),
    arrival: events(1, 8),
    hiddenBy: fc.constantFrom<LogChange>({ type: 'backdated event' }, { type: 'time', ms: 16 * dayMs }),
  })
  .map(({ schedule, known, awaits, arrival, hiddenBy }) => ({
    ...schedule,
    log: { ...schedule.log, order: 'added' },
    startFrom: 'oldest',
    initialChanges: [known, { type: 'time', ms: 2 * lookbackMs }],
    steps: [[awaits, { change: arrival }], [0, { change: hiddenBy }], ...schedule.steps],
  }));

/** A fault in the first run, with late events above postdated ones. */
export const lateAbovePostdated: fc.Arbitrary<Schedule> = fc
  .record({
    schedule: anySchedule,
    postdated: fc.integer({ min: 1, max: 3 }),
    aheadMs: fc.oneof(upTo(lookbackMs), upTo(6 * lookbackMs)),
    late: fc.integer({ min: 1, max: 5 }),
    lateMs: upTo(lookbackMs),
    awaits: upTo(8),
    fault,
  })
  .map(({ schedule, postdated, aheadMs, late, lateMs, awaits, fault }) => ({
    ...schedule,
    log: { ...schedule.log, order: 'added', aheadMs: 6 * lookbackMs },
    startFrom: { newest: late },
    initialChanges: [
      { type: 'events', count: postdated, lateMs: -aheadMs, spacingMs: 0, isWanted: true },
      { type: 'events', count: late, lateMs, spacingMs: 0, isWanted: true },
      { type: 'time', ms: aheadMs },
    ],
    steps: [[awaits, { fault }], ...schedule.steps],
  }));

/**
 * A fault in the second run. Before it, two events become visible that were created before the first run: one above and one below
 * a postdated event, and both below more than a page of events that the first run delivered.
 */
export const unseenAroundPostdated: fc.Arbitrary<Schedule> = fc
  .record({
    schedule: anySchedule,
    isDated: fc.boolean(),
    seen: fc.integer({ min: 95, max: 120 }),
    awaits: fc.integer({ min: 3, max: 12 }),
    untilFault: upTo(12),
    fault,
  })
  .map(({ schedule, isDated, seen, awaits, untilFault, fault }) => ({
    ...schedule,
    log: { ...schedule.log, order: 'inserted', insertedWithinMs: 0, pageSize: 100, hasDateHeader: true, tickMs: 1 },
    startFrom: 'oldest',
    pollers: 1,
    runs: [{ drain: true, by: 'batch', ...plain }, { drain: true, by: 'event', ...plain }, ...schedule.runs],
    initialChanges: [
      { type: 'time', ms: minuteMs },
      { type: 'postdated event' },
      { type: 'time', ms: minuteMs },
      { type: 'events', count: seen, lateMs: 0, spacingMs: 0, isWanted: true },
    ],
    steps: [
      [awaits, { change: { type: 'events', count: 1, lateMs: 2 * minuteMs, spacingMs: 0, isWanted: true } }],
      [
        0,
        {
          change: isDated
            ? { type: 'events', count: 1, lateMs: minuteMs / 2, spacingMs: 0, isWanted: true }
            : { type: 'undated event', lateMs: minuteMs / 2 },
        },
      ],
      [0, { change: { type: 'time', ms: dayMs + 2 * lookbackMs } }],
      [untilFault, { fault }],
      ...schedule.steps,
    ],
  }));

/** A scan during which the event of its cursor is deleted, once all events are older than the look-back. */
export const deletedCursor: fc.Arbitrary<Schedule> = fc
  .record({
    schedule: anySchedule,
    pageSize: fc.integer({ min: 1, max: 3 }),
    pages: fc.integer({ min: 3, max: 8 }),
    afterPages: fc.integer({ min: 1, max: 7 }),
  })
  .map(({ schedule, pageSize, pages, afterPages }) => ({
    ...schedule,
    log: { ...schedule.log, pageSize },
    startFrom: 'oldest',
    pollers: 1,
    initialChanges: [
      { type: 'events', count: pages * pageSize, lateMs: 0, spacingMs: 1000, isWanted: true },
      { type: 'time', ms: 2 * lookbackMs },
    ],
    steps: [
      // The poller loads its state first, and then requests one page at a time.
      [
        2 + afterPages,
        { change: { type: 'deletion', of: 'any', count: 1, at: (afterPages * pageSize - 0.5) / (pages * pageSize) } },
      ],
      ...schedule.steps,
    ],
  }));

/** An event at the end of the look-back, and a late one below it that arrives while the scan's first page is on its way. */
export const slowAnswer: fc.Arbitrary<Schedule> = fc
  .record({
    schedule: anySchedule,
    awaits: upTo(12),
    untilScan: upTo(6),
    beforeEndMs: upTo(10_000),
    answerMs: upTo(20_000),
  })
  .map(({ schedule, awaits, untilScan, beforeEndMs, answerMs }) => ({
    ...schedule,
    log: { ...schedule.log, order: 'created', hasDateHeader: true, answersSlowly: true, tickMs: 1 },
    startFrom: 'oldest',
    steps: [
      [awaits, { change: { type: 'events', count: 1, lateMs: 0, spacingMs: 0, isWanted: true } }],
      [0, { change: { type: 'time', ms: lookbackMs - beforeEndMs } }],
      [untilScan, { change: { type: 'events', count: 1, lateMs: lookbackMs, spacingMs: 0, isWanted: true } }],
      [0, { change: { type: 'time', ms: answerMs } }],
      ...schedule.steps,
    ],
  }));

/** New events, and above them a block of old ones, once the poller has an anchor. */
export const blockAboveNew: fc.Arbitrary<Schedule> = fc
  .record({
    schedule: anySchedule,
    order: fc.constantFrom('added', 'inserted'),
    known: fc.integer({ min: 1, max: 8 }),
    awaits: fc.integer({ min: 8, max: 25 }),
    arrival: events(1, 30),
    block: importedBlock,
  })
  .map(({ schedule, order, known, awaits, arrival, block }) => ({
    ...schedule,
    log: { ...schedule.log, order },
    startFrom: 'oldest',
    initialChanges: [
      { type: 'events', count: known, lateMs: 0, spacingMs: 1000, isWanted: true },
      { type: 'time', ms: 2 * lookbackMs },
    ],
    steps: [[awaits, { change: arrival }], [0, { change: block }], ...schedule.steps],
  }));

/** A list that stays empty or short for longer than the look-back, with polls and new events meanwhile. */
export const longShortList: fc.Arbitrary<Schedule> = fc
  .record({
    schedule: anySchedule,
    old: fc.integer({ min: 1, max: 12 }),
    young: fc.integer({ min: 1, max: 8 }),
    awaits: fc.integer({ min: 8, max: 30 }),
    short: shortList,
    ms: fc.integer({ min: lookbackMs, max: 3 * lookbackMs }),
    polls: fc.integer({ min: 1, max: 4 }),
    arrival: events(1, 8),
  })
  .map(({ schedule, old, young, awaits, short, ms, polls, arrival }) => ({
    ...schedule,
    startFrom: 'oldest',
    runs: [{ drain: false, by: 'batch', ...plain }, ...schedule.runs],
    initialChanges: [
      { type: 'events', count: old, lateMs: 0, spacingMs: 1000, isWanted: true },
      { type: 'time', ms: 2 * lookbackMs },
      { type: 'events', count: young, lateMs: 0, spacingMs: 1000, isWanted: true },
    ],
    steps: [
      [awaits, { change: { ...short, answers: 40, ms } }],
      [polls, { change: arrival }],
      [polls, { change: { type: 'time', ms: lookbackMs } }],
      ...schedule.steps,
    ],
  }));

/** An answer with a wrong `Date`, and soon after it a reason to judge the poller's absence or the age of late events. */
export const wrongClockBeforeChange: fc.Arbitrary<Schedule> = fc
  .record({
    schedule: anySchedule,
    known: fc.integer({ min: 1, max: 8 }),
    awaits: fc.integer({ min: 2, max: 25 }),
    wrong: wrongClock,
    arrival: events(1, 8),
    polls: upTo(4),
    change: fc.constantFrom<LogChange>(
      { type: 'time', ms: 16 * dayMs },
      { type: 'time', ms: lookbackMs },
      { type: 'deletion', of: 'newest', count: 30, at: 0 },
      { type: 'events', count: 3, lateMs: lookbackMs, spacingMs: 0, isWanted: true },
    ),
  })
  .map(({ schedule, known, awaits, wrong, arrival, polls, change }) => ({
    ...schedule,
    log: { ...schedule.log, hasDateHeader: true },
    startFrom: 'oldest',
    initialChanges: [
      { type: 'events', count: known, lateMs: 0, spacingMs: 1000, isWanted: true },
      { type: 'time', ms: 2 * lookbackMs },
    ],
    steps: [
      [awaits, { change: wrong }],
      [polls, { change: arrival }],
      [polls, { change }],
      [polls, { change: arrival }],
      ...schedule.steps,
    ],
  }));

/** Many events of one time, whose order changes from answer to answer. */
export const changingOrder: fc.Arbitrary<Schedule> = fc
  .record({
    schedule: anySchedule,
    shuffleSeed: fc.integer(),
    pageSize: fc.constantFrom(10, 100, 100),
    count: fc.integer({ min: 20, max: 60 }),
    arrivals: fc.array(fc.tuple(fc.integer({ min: 1, max: 10 }), events(1, 8)), { minLength: 1, maxLength: 4 }),
  })
  .map(({ schedule, shuffleSeed, pageSize, count, arrivals }) => ({
    ...schedule,
    log: { ...schedule.log, order: 'created', pageSize, shuffleSeed },
    startFrom: 'oldest',
    initialChanges: [
      { type: 'events', count: 3, lateMs: 0, spacingMs: 1000, isWanted: true },
      { type: 'time', ms: minuteMs },
      { type: 'events', count, lateMs: 0, spacingMs: 0, isWanted: true },
    ],
    steps: [
      ...arrivals.flatMap(([awaits, arrival]): Schedule['steps'] => [
        [awaits, { change: { type: 'time', ms: lookbackMs / 2 } }],
        [awaits, { change: arrival }],
      ]),
      ...schedule.steps,
    ],
  }));
