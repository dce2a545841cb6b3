import type { AuditEvent, AuditPage, PollNotice } from 'planetscale-audit';
import type { PollState } from '../../../src/poller/state.ts';
import type { PollerRun } from './schedule.ts';

/** What a scan has met so far, as seen from outside. */
export interface ScanRecord {
  /** Whether an answer showed some of the newest events as if they were the whole list. */
  hasMetShortList: boolean;
  /** Whether the `Date` of an answer was wrong. */
  hasMetWrongDate: boolean;
  /** The server's time at the first answer. */
  readonly startedAtMs: number;
}

/** How far one run of a poller has come, as seen from outside. */
export class RunRecord {
  /** Whether the run ends once it has caught up. */
  readonly drain: boolean;
  /** Delivered events that no save covers yet. */
  inFlight: string[] = [];
  /** The ids that the consumer has acknowledged in this run. */
  readonly acknowledged = new Set<string>();
  /** The ids that the poller has reported as late. */
  readonly lateIds = new Set<string>();
  /** The last event that this run delivered for the first time and in list order. */
  lastInOrder: string | undefined;
  /** Whether the run has read its state from the store. */
  hasLoaded = false;
  /** Whether the run has saved any state. */
  hasSaved = false;
  /** Whether the run has delivered any event. */
  hasDelivered = false;
  /** The scan that is under way, or the last one. */
  scan: ScanRecord = { hasMetShortList: false, hasMetWrongDate: false, startedAtMs: Number.NEGATIVE_INFINITY };
  /** The start of the last completed scan, as far as this run's state in the store tells, by the server's clock. */
  lastScanStartedAtMs = Number.POSITIVE_INFINITY;
  /** Whether the run has had an answer with a right `Date`. */
  hasHadRightDate = false;
  /** Whether the last answer to a cursor was empty, or looked like the newest page. The poller may check it with the newest page. */
  mayCheckWithNewest = false;
  /** Whether a request or the store refused the run. */
  hasBeenRefused = false;
  /** Whether any answer to the run showed a list that ends too early. */
  hasMetShortList = false;
  /** How many events had been deleted when the run read its state. */
  deletionsAtStart: number | undefined;
  /** The types of all notices of the run. */
  readonly notices: string[] = [];
  /** How many requests the run has made. */
  requests = 0;

  constructor({ drain }: PollerRun) {
    this.drain = drain;
  }
}

/** Something that the simulation saw a poller do, or did to it. */
export type Observation =
  | { readonly type: 'load' | 'request' | 'end of run'; readonly run: RunRecord }
  /** An await begins: `isEarly` if the await before it has not ended, `isAfterEnd` if the run is over. */
  | { readonly type: 'await'; readonly isEarly: boolean; readonly isAfterEnd: boolean }
  /** A poller takes its turn, for the `count`-th time in this simulation. */
  | { readonly type: 'turn'; readonly count: number }
  /** PlanetScale answers a request. `shown` is the length of a list that ends too early, and undefined otherwise. */
  | {
      readonly type: 'answer';
      readonly run: RunRecord;
      readonly isFirstPage: boolean;
      readonly page: Omit<AuditPage, 'servedAt'>;
      readonly shown: number | undefined;
      /** How far the `Date` of the answer is from the server's time. */
      readonly dateOffsetMs: number;
    }
  /** A page of the first scan, when the poller starts with so many of the newest events. */
  | { readonly type: 'first scan'; readonly newest: number; readonly isFirstPage: boolean }
  | { readonly type: 'notice'; readonly run: RunRecord; readonly notice: PollNotice }
  | { readonly type: 'delivery'; readonly run: RunRecord; readonly event: AuditEvent }
  | { readonly type: 'acknowledgement'; readonly run: RunRecord; readonly events: readonly AuditEvent[] }
  /** The consumer committed rows for these events, and the cursor behind them, in one transaction. */
  | { readonly type: 'transaction'; readonly events: readonly AuditEvent[] }
  /** The consumer went on without such a commit. */
  | { readonly type: 'rollback'; readonly run: RunRecord; readonly events: readonly AuditEvent[] }
  /** `state` is undefined if the text does not decode. */
  | { readonly type: 'save'; readonly run: RunRecord; readonly text: string; readonly state: PollState | undefined }
  /** An error ended a run. `mayRetry` if the poller was to wait out a retryable error. */
  | { readonly type: 'error'; readonly error: unknown; readonly mayRetry: boolean }
  /** A run on a corrupt state is over. `isIntact` if the store still holds that corrupt state. */
  | { readonly type: 'corrupt run'; readonly run: RunRecord; readonly isIntact: boolean }
  /** Retention deleted events after the poller had saved its first state. */
  | { readonly type: 'retention'; readonly deleted: readonly AuditEvent[] }
  /** A run without faults is over, on a list of so many pages. */
  | { readonly type: 'calm run'; readonly run: RunRecord; readonly pages: number; readonly error: unknown }
  /** Two runs without faults are over. */
  | { readonly type: 'fixpoint' }
  /** A third run without faults is over. */
  | { readonly type: 'third run'; readonly hasDelivered: boolean; readonly hasSaved: boolean }
  /** No poller can go on: none has a turn, and no timer is left. */
  | { readonly type: 'stall' };
