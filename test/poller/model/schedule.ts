import type { AuditLogOptions } from './audit-log.ts';

/** A minute in milliseconds. */
export const minuteMs = 60_000;
/** An hour in milliseconds. */
export const hourMs = 60 * minuteMs;
/** A day in milliseconds. No retention is shorter. */
export const dayMs = 24 * hourMs;

/** The time for which every simulated poller takes PlanetScale to keep events. The simulated PlanetScale keeps them a day longer. */
export const retentionMs = 14 * dayMs;

/** The `lookbackMs` of every simulated poller. */
export const lookbackMs = 10 * minuteMs;
/** How far the server's clock may run ahead of the poller's clock, or behind it. */
export const maxSkewMs = 2 * minuteMs;

/**
 * Cuts the lateness of an event down to the lateness that the poller promises to tolerate: the look-back, less the tick of
 * `created_at` and, without a Date header that the poller believes at once, the clock skew. An event that becomes visible early has
 * a negative lateness.
 */
export function toleratedLatenessMs(lateMs: number, { log, ...schedule }: Schedule): number {
  const { tickMs, aheadMs, hasDateHeader } = log;
  const maxLateMs = lookbackMs - tickMs - (hasDateHeader && !hasWrongClocks(schedule) ? 0 : maxSkewMs);
  return Math.min(Math.max(lateMs, -aheadMs), maxLateMs);
}

/** A change of the audit log or of the time. */
export type LogChange =
  | {
      readonly type: 'events';
      readonly count: number;
      readonly lateMs: number;
      /** The time between the `created_at` of one event and the next. */
      readonly spacingMs: number;
      /** Whether every event has the wanted action; every third event has it otherwise. */
      readonly isWanted: boolean;
    }
  | { readonly type: 'undated event'; readonly lateMs: number }
  | { readonly type: 'backdated event' }
  /** A block of events far older than the look-back. It stands on top of the list, unless the list is ordered by `created_at`. */
  | { readonly type: 'import'; readonly count: number; readonly ageMs: number }
  | { readonly type: 'postdated event' }
  /** The `Date` of the next answers, 1 or 2, is wrong. More such answers would move the poller's clock. */
  | { readonly type: 'wrong clock'; readonly offsetMs: number; readonly answers: number }
  /** For so many answers, or until so much time has passed, the list ends below so many of the newest events. */
  | { readonly type: 'short list'; readonly shown: number; readonly answers: number; readonly ms: number }
  | { readonly type: 'time'; readonly ms: number }
  | {
      readonly type: 'deletion';
      readonly of: 'newest' | 'oldest' | 'any';
      readonly count: number;
      /** The place of an 'any' deletion in the list: 0 is the newest event, 1 the end of the list. */
      readonly at: number;
    };

/** A fault in something that the poller awaits: a request, a call of the store, the consumer or a notice. */
export type Fault = 'crash before' | 'crash after' | 'fail before' | 'fail after' | 'refuse' | 'stop';

/** A change of the audit log just before an await of the poller, or a fault in that await. */
export type Step = { readonly change: LogChange } | { readonly fault: Fault };

/**
 * What becomes of the consumer's transaction.
 * - `commit`: it is committed
 * - `roll back`: it is rolled back, or its commit fails, and the consumer goes on
 * - `lose the answer`: it is committed, and the consumer takes it for failed and goes on
 * - `commit late`: the same, but the server commits after the poller has read the cursor
 * - `never commit`: the consumer goes on without commitTo
 */
export type TransactionOutcome = 'commit' | 'roll back' | 'lose the answer' | 'commit late' | 'never commit';

/** How a schedule uses a poller from its start to its end. */
export interface PollerRun {
  /** Whether the run ends once it has caught up. It goes on until something stops it otherwise. */
  readonly drain: boolean;
  /** Whether the consumer iterates over events, over batches or over checkpoints. */
  readonly by: 'event' | 'batch' | 'checkpoint';
  /** The outcomes of the first transactions of a run by checkpoints. Later ones are committed. */
  readonly outcomes: readonly TransactionOutcome[];
  /** Whether a consumer by checkpoints goes on after an error of its transaction. It ends the run otherwise. */
  readonly swallowsErrors: boolean;
  /** The text that replaces the saved state before the run. The simulation restores the state after the run. */
  readonly corruptState: string | undefined;
}

/** The `startFrom` of a schedule. `sinceMs` counts from the start of the simulation; 'newerThan' takes an event in mid-list. */
export type Start = 'oldest' | 'now' | { readonly newest: number } | { readonly sinceMs: number } | 'newerThan';

/** The data that decides everything in one simulation. */
export interface Schedule {
  /** How the simulated PlanetScale behaves. */
  readonly log: AuditLogOptions;
  /** The start of every poller, which counts in its first run. */
  readonly startFrom: Start;
  /** Whether the poller asks for one action. */
  readonly isFiltered: boolean;
  /** Whether the store has compareAndSet. A schedule has one poller without it, and with the start 'newerThan'. */
  readonly comparesAndSets: boolean;
  /** How many pollers share the key. */
  readonly pollers: number;
  /** The runs of each poller, one after the other. */
  readonly runs: readonly PollerRun[];
  /** The changes before the first poller starts. */
  readonly initialChanges: readonly LogChange[];
  /** Each step comes so many awaits after the step before it, whichever poller awaits. */
  readonly steps: readonly (readonly [awaits: number, step: Step])[];
  /** The seed of the jitter in the poller's waits. */
  readonly randomSeed: number;
}

/** Whether any `Date` may be wrong. */
export const hasWrongClocks = ({ initialChanges, steps }: Pick<Schedule, 'initialChanges' | 'steps'>): boolean =>
  initialChanges.some(({ type }) => type === 'wrong clock') ||
  steps.some(([, step]) => 'change' in step && step.change.type === 'wrong clock');
