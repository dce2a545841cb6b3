import * as fc from 'fast-check';
import type { AuditLogOptions } from './audit-log.ts';

const minuteMs = 60_000;
export const dayMs = 24 * 60 * minuteMs;

export const lookbackMs = 10 * minuteMs;
const mostAheadMs = 2 * minuteMs;
const mostSkewMs = 2 * minuteMs;

/** How late an event may become visible: by the look-back, less what the clocks blur. It may be ahead of its time too. */
export function withinContract(lateMs: number, { tickMs, aheadMs, hasDateHeader }: AuditLogOptions): number {
  const mostMs = lookbackMs - tickMs - (hasDateHeader ? 0 : mostSkewMs);
  return Math.min(Math.max(lateMs, -aheadMs), mostMs);
}

/** What happens to the audit log, or to the time. */
export type LogChange =
  | {
      readonly what: 'events';
      readonly count: number;
      readonly lateMs: number;
      /** Between the `created_at` of each and the next. */
      readonly spacingMs: number;
      readonly isWanted: boolean;
    }
  | { readonly what: 'undated event'; readonly lateMs: number }
  | { readonly what: 'backdated event' }
  | { readonly what: 'foredated event' }
  | { readonly what: 'time'; readonly ms: number }
  | {
      readonly what: 'deletion';
      readonly of: 'newest' | 'oldest' | 'any';
      readonly count: number;
      readonly at: number;
    };

/** What goes wrong with what a poller awaits: a request, a call of the store, the consumer, or a notice. */
export type Fault = 'crash before' | 'crash after' | 'fail before' | 'fail after' | 'refuse' | 'stop';

/** A happening just before an await, or a fault in it. */
export type Step = { readonly happens: LogChange } | { readonly goesWrong: Fault };

/** How a poller is used, from its start to its end. */
export interface PollerRun {
  /** Ends once it has caught up, or runs on until it is stopped. */
  readonly drain: boolean;
  readonly by: 'event' | 'batch';
  /** The state is spoilt before it starts, and restored after. */
  readonly spoilt: string | undefined;
}

export type Start = 'oldest' | 'now' | { readonly newest: number } | { readonly sinceMs: number } | 'newerThan';

export interface Schedule {
  readonly log: AuditLogOptions;
  readonly startFrom: Start;
  readonly isFiltered: boolean;
  /** Whether the store has compareAndSet: without it there is one poller, and with `startFrom` 'newerThan' too. */
  readonly comparesAndSets: boolean;
  /** How many share the key. */
  readonly pollers: number;
  readonly lives: readonly PollerRun[];
  /** What is there, or happens, before the first poller starts. */
  readonly before: readonly LogChange[];
  /** Each so many awaits after the one before, whichever poller awaits. */
  readonly incidents: readonly (readonly [awaits: number, incident: Step])[];
  readonly randomSeed: number;
}

const upTo = (max: number) => fc.integer({ min: 0, max });

/** What is more than a schedule allows is cut down to that: {@link withinContract}. */
const lateMs = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: upTo(lookbackMs) },
  { weight: 1, arbitrary: fc.constant(lookbackMs) },
  { weight: 1, arbitrary: fc.integer({ min: -lookbackMs, max: 0 }) },
);

const events = (min: number, max: number): fc.Arbitrary<LogChange> =>
  fc.record({
    what: fc.constant('events'),
    count: fc.integer({ min, max }),
    lateMs,
    spacingMs: fc.constantFrom(0, 1000),
    isWanted: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.boolean()),
  });

const time = (max: number): fc.Arbitrary<LogChange> => fc.record({ what: fc.constant('time'), ms: upTo(max) });

const happening: fc.Arbitrary<LogChange> = fc.oneof(
  { weight: 12, arbitrary: events(1, 8) },
  { weight: 4, arbitrary: events(60, 160) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('undated event'), lateMs }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('backdated event') }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('foredated event') }) },
  { weight: 6, arbitrary: time(30 * minuteMs) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('time'), ms: fc.constant(lookbackMs) }) },
  { weight: 1, arbitrary: time(40 * dayMs) },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('deletion'),
      of: fc.constantFrom('newest', 'oldest', 'any'),
      count: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) }, fc.integer({ min: 1, max: 30 })),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
);

const fault: fc.Arbitrary<Fault> = fc.constantFrom(
  'crash before',
  'crash after',
  'fail before',
  'fail after',
  'refuse',
  'stop',
);

const incident: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ happens: happening }) },
  { weight: 2, arbitrary: fc.record({ goesWrong: fault }) },
);

const life: fc.Arbitrary<PollerRun> = fc.record({
  drain: fc.boolean(),
  by: fc.constantFrom('event', 'batch'),
  spoilt: fc.oneof(
    { weight: 12, arbitrary: fc.constant(undefined) },
    fc.constantFrom('', 'v1:', '\0\0\0\0', 'v1:{"for":', '{}'),
  ),
});

const aloneWhereItMust = (schedule: Schedule): Schedule =>
  schedule.comparesAndSets && schedule.startFrom !== 'newerThan' ? schedule : { ...schedule, pollers: 1 };

const anySchedule: fc.Arbitrary<Schedule> = fc.record({
  log: fc.record({
    order: fc.constantFrom('added', 'created', 'inserted'),
    insertedWithinMs: upTo(lookbackMs),
    unknownCursor: fc.constantFrom('not-found', 'empty', 'first-page'),
    filters: fc.constantFrom('honoured', 'ignored'),
    pageSize: fc.constantFrom(1, 2, 2, 3, 10, 100),
    hasDateHeader: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
    answersSlowly: fc.boolean(),
    skewMs: fc.oneof(fc.constant(0), fc.integer({ min: -mostSkewMs, max: mostSkewMs })),
    aheadMs: fc.constantFrom(0, 0, mostAheadMs, lookbackMs),
    tickMs: fc.constantFrom(1, 1000, minuteMs),
  }),
  startFrom: fc.oneof(
    { weight: 4, arbitrary: fc.constant('oldest' as const) },
    fc.constant('now' as const),
    fc.record({ newest: upTo(5) }),
    fc.record({ sinceMs: upTo(60 * minuteMs) }),
    fc.constant('newerThan' as const),
  ),
  isFiltered: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
  comparesAndSets: fc.boolean(),
  pollers: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 3 })),
  lives: fc.array(life, { minLength: 1, maxLength: 6 }),
  before: fc.array(happening, { maxLength: 4 }),
  incidents: fc.array(fc.tuple(upTo(25), incident), { maxLength: 16 }),
  randomSeed: fc.integer(),
});

/**
 * More pages than are held in memory, across the end of the look-back, and late arrivals there while they are read again: chance
 * alone makes that once in many thousands.
 */
const longClimb: fc.Arbitrary<Schedule> = fc
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
    before: [
      { what: 'events', count: backlog, lateMs: 0, spacingMs: 1000, isWanted: true },
      { what: 'time', ms: ageMs },
    ],
    incidents: [
      [awaits, { happens: { what: 'events', count: lateArrivals, lateMs: lookbackMs, spacingMs: 0, isWanted: true } }],
      ...schedule.incidents,
    ],
  }));

/** A moment in which something arrives, and with it what could hide it from a poller that has been there before. */
const hiddenArrival: fc.Arbitrary<Schedule> = fc
  .record({
    schedule: anySchedule,
    known: events(1, 8),
    awaits: upTo(25),
    arrival: events(1, 8),
    hiddenBy: fc.constantFrom<LogChange>({ what: 'backdated event' }, { what: 'time', ms: 16 * dayMs }),
  })
  .map(({ schedule, known, awaits, arrival, hiddenBy }) => ({
    ...schedule,
    log: { ...schedule.log, order: 'added' },
    startFrom: 'oldest',
    before: [known, { what: 'time', ms: 2 * lookbackMs }],
    incidents: [[awaits, { happens: arrival }], [0, { happens: hiddenBy }], ...schedule.incidents],
  }));

/** A first run that is cut short, with late events above some that were ahead of their time, even by far. */
const lateAboveAhead: fc.Arbitrary<Schedule> = fc
  .record({
    schedule: anySchedule,
    ahead: fc.integer({ min: 1, max: 3 }),
    aheadMs: fc.oneof(upTo(lookbackMs), upTo(6 * lookbackMs)),
    late: fc.integer({ min: 1, max: 5 }),
    lateMs: upTo(lookbackMs),
    awaits: upTo(8),
    fault,
  })
  .map(({ schedule, ahead, aheadMs, late, lateMs, awaits, fault: goesWrong }) => ({
    ...schedule,
    log: { ...schedule.log, order: 'added', aheadMs: 6 * lookbackMs },
    startFrom: { newest: late },
    before: [
      { what: 'events', count: ahead, lateMs: -aheadMs, spacingMs: 0, isWanted: true },
      { what: 'events', count: late, lateMs, spacingMs: 0, isWanted: true },
      { what: 'time', ms: aheadMs },
    ],
    incidents: [[awaits, { goesWrong }], ...schedule.incidents],
  }));

/**
 * A second run that is cut short, with events from before the first, which that could not see, around one that was far ahead of its
 * time, and below more than a page that was seen.
 */
const unseenAroundAhead: fc.Arbitrary<Schedule> = fc
  .record({
    schedule: anySchedule,
    isDated: fc.boolean(),
    seen: fc.integer({ min: 95, max: 120 }),
    awaits: fc.integer({ min: 3, max: 12 }),
    untilFault: upTo(12),
    fault,
  })
  .map(({ schedule, isDated, seen, awaits, untilFault, fault: goesWrong }) => ({
    ...schedule,
    log: { ...schedule.log, order: 'inserted', insertedWithinMs: 0, pageSize: 100, hasDateHeader: true, tickMs: 1 },
    startFrom: 'oldest',
    pollers: 1,
    lives: [
      { drain: true, by: 'batch', spoilt: undefined },
      { drain: true, by: 'event', spoilt: undefined },
      ...schedule.lives,
    ],
    before: [
      { what: 'time', ms: minuteMs },
      { what: 'foredated event' },
      { what: 'time', ms: minuteMs },
      { what: 'events', count: seen, lateMs: 0, spacingMs: 0, isWanted: true },
    ],
    incidents: [
      [awaits, { happens: { what: 'events', count: 1, lateMs: 2 * minuteMs, spacingMs: 0, isWanted: true } }],
      [
        0,
        {
          happens: isDated
            ? { what: 'events', count: 1, lateMs: minuteMs / 2, spacingMs: 0, isWanted: true }
            : { what: 'undated event', lateMs: minuteMs / 2 },
        },
      ],
      [0, { happens: { what: 'time', ms: dayMs + 2 * lookbackMs } }],
      [untilFault, { goesWrong }],
      ...schedule.incidents,
    ],
  }));

/** A walk under which the event of a cursor is deleted, once all is old enough to be settled. */
const lostCursor: fc.Arbitrary<Schedule> = fc
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
    before: [
      { what: 'events', count: pages * pageSize, lateMs: 0, spacingMs: 1000, isWanted: true },
      { what: 'time', ms: 2 * lookbackMs },
    ],
    incidents: [
      // The state is loaded first, and each request after that is for one page.
      [
        2 + afterPages,
        { happens: { what: 'deletion', of: 'any', count: 1, at: (afterPages * pageSize - 0.5) / (pages * pageSize) } },
      ],
      ...schedule.incidents,
    ],
  }));

/** An event at the end of the look-back, and one below it that arrives while the scan's first page is on its way. */
const slowAnswer: fc.Arbitrary<Schedule> = fc
  .record({
    schedule: anySchedule,
    awaits: upTo(12),
    untilScan: upTo(6),
    toTheEndMs: upTo(10_000),
    answerMs: upTo(20_000),
  })
  .map(({ schedule, awaits, untilScan, toTheEndMs, answerMs }) => ({
    ...schedule,
    log: { ...schedule.log, order: 'created', hasDateHeader: true, answersSlowly: true, tickMs: 1 },
    startFrom: 'oldest',
    incidents: [
      [awaits, { happens: { what: 'events', count: 1, lateMs: 0, spacingMs: 0, isWanted: true } }],
      [0, { happens: { what: 'time', ms: lookbackMs - toTheEndMs } }],
      [untilScan, { happens: { what: 'events', count: 1, lateMs: lookbackMs, spacingMs: 0, isWanted: true } }],
      [0, { happens: { what: 'time', ms: answerMs } }],
      ...schedule.incidents,
    ],
  }));

export const schedule = fc
  .oneof(
    { weight: 12, arbitrary: anySchedule },
    { weight: 1, arbitrary: longClimb },
    { weight: 1, arbitrary: hiddenArrival },
    { weight: 1, arbitrary: lateAboveAhead },
    { weight: 1, arbitrary: unseenAroundAhead },
    { weight: 1, arbitrary: lostCursor },
    { weight: 1, arbitrary: slowAnswer },
  )
  .map(aloneWhereItMust);
