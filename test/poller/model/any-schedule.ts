import * as fc from 'fast-check';
import {
  dayMs,
  type Fault,
  hourMs,
  type LogChange,
  lookbackMs,
  maxSkewMs,
  minuteMs,
  type PollerRun,
  type Schedule,
  type Step,
  type TransactionOutcome,
} from './schedule.ts';

const maxAheadMs = 2 * minuteMs;

/** Draws a whole number from 0 to `max`. */
export const upTo = (max: number) => fc.integer({ min: 0, max });

/** The simulation cuts these down to `toleratedLatenessMs`. */
const lateMs = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: upTo(lookbackMs) },
  { weight: 1, arbitrary: fc.constant(lookbackMs) },
  { weight: 1, arbitrary: fc.integer({ min: -lookbackMs, max: 0 }) },
);

/** Draws an arrival of `min` to `max` events. */
export const events = (min: number, max: number): fc.Arbitrary<LogChange> =>
  fc.record({
    type: fc.constant('events'),
    count: fc.integer({ min, max }),
    lateMs,
    spacingMs: fc.constantFrom(0, 1000),
    isWanted: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.boolean()),
  });

/** Draws a block of old events that is longer than a page. */
export const importedBlock: fc.Arbitrary<LogChange> = fc.record({
  type: fc.constant('import'),
  count: fc.integer({ min: 100, max: 130 }),
  ageMs: fc.integer({ min: 20 * hourMs, max: 60 * hourMs }),
});

/** Draws a spell in which the list is empty, or ends too early. */
export const shortList: fc.Arbitrary<LogChange> = fc.record({
  type: fc.constant('short list'),
  shown: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 5 }) }),
  answers: fc.integer({ min: 1, max: 20 }),
  ms: upTo(30 * minuteMs),
});

const yearMs = 365 * dayMs;

/** Draws a `Date` that is wrong by minutes, hours, days or years. */
export const wrongClock: fc.Arbitrary<LogChange> = fc
  .record({
    isAhead: fc.boolean(),
    ms: fc.oneof(
      fc.integer({ min: 6 * minuteMs, max: 20 * hourMs }),
      fc.integer({ min: 25 * hourMs, max: 40 * dayMs }),
      fc.integer({ min: 25 * hourMs, max: 10 * yearMs }),
    ),
    answers: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ isAhead, ms, answers }) => ({ type: 'wrong clock', offsetMs: isAhead ? ms : -ms, answers }));

const time = (max: number): fc.Arbitrary<LogChange> => fc.record({ type: fc.constant('time'), ms: upTo(max) });

const change: fc.Arbitrary<LogChange> = fc.oneof(
  { weight: 12, arbitrary: events(1, 8) },
  { weight: 4, arbitrary: events(60, 160) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('undated event'), lateMs }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('backdated event') }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('postdated event') }) },
  { weight: 1, arbitrary: importedBlock },
  { weight: 2, arbitrary: shortList },
  { weight: 1, arbitrary: wrongClock },
  { weight: 6, arbitrary: time(30 * minuteMs) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('time'), ms: fc.constant(lookbackMs) }) },
  { weight: 1, arbitrary: time(40 * dayMs) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('deletion'),
      of: fc.constantFrom('newest', 'oldest', 'any'),
      count: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) }, fc.integer({ min: 1, max: 30 })),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
);

/** Draws a fault. */
export const fault: fc.Arbitrary<Fault> = fc.constantFrom(
  'crash before',
  'crash after',
  'fail before',
  'fail after',
  'refuse',
  'stop',
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ change }) },
  { weight: 2, arbitrary: fc.record({ fault }) },
);

const outcome: fc.Arbitrary<TransactionOutcome> = fc.constantFrom(
  'commit',
  'commit',
  'roll back',
  'lose the answer',
  'commit late',
  'never commit',
);

const run: fc.Arbitrary<PollerRun> = fc.record({
  drain: fc.boolean(),
  by: fc.constantFrom('event', 'batch', 'checkpoint'),
  outcomes: fc.array(outcome, { maxLength: 6 }),
  swallowsErrors: fc.boolean(),
  corruptState: fc.oneof(
    { weight: 12, arbitrary: fc.constant(undefined) },
    fc.constantFrom('', 'v1:', '\0\0\0\0', 'v1:{"scope":', '{}'),
  ),
});

/** A schedule in which everything is left to chance. */
export const anySchedule: fc.Arbitrary<Schedule> = fc.record({
  log: fc.record({
    order: fc.constantFrom('added', 'created', 'inserted'),
    insertedWithinMs: upTo(lookbackMs),
    unknownCursor: fc.constantFrom('not-found', 'empty', 'first-page'),
    filters: fc.constantFrom('honoured', 'ignored'),
    pageSize: fc.constantFrom(1, 2, 2, 3, 10, 100),
    hasDateHeader: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
    answersSlowly: fc.boolean(),
    skewMs: fc.oneof(fc.constant(0), fc.integer({ min: -maxSkewMs, max: maxSkewMs })),
    aheadMs: fc.constantFrom(0, 0, maxAheadMs, lookbackMs),
    tickMs: fc.constantFrom(1, 1000, minuteMs),
    shuffleSeed: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.integer()),
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
  runs: fc.array(run, { minLength: 1, maxLength: 6 }),
  initialChanges: fc.array(change, { maxLength: 4 }),
  steps: fc.array(fc.tuple(upTo(25), step), { maxLength: 16 }),
  randomSeed: fc.integer(),
});
