import type { PlanetScaleAuditError } from '../errors.ts';

/**
 * A report for an operator about something that does not stop the poller. Later versions may add types: handle those that you know, and
 * log the others.
 * - `first-run`: the store held no cursor. The message says where the poller starts and what it leaves out. If the poller ran
 *   before, its store has lost the cursor: a volume was not mounted, for instance
 * - `start-ignored`: `startFrom` differs from the start of the first run, and has no effect any more. Use another key
 * - `unknown-action`: `actions` has an action that this version does not know. The poller requests it all the same
 * - `retrying`: an operation failed with an error that may pass. The poller repeats it after `delayMs`
 * - `possible-gap`: PlanetScale may have deleted events before the poller delivered them, because the poller was away for long or was
 *   interrupted in an old backlog. If you can, get the events between `lastScanAt` and `oldestAvailable` from another source
 * - `late-events`: PlanetScale listed these events below events that the poller knew already. The poller delivers the late
 *   events now. If their delay often comes close to `lookbackMs`, raise `lookbackMs`
 * - `possible-duplicates`: PlanetScale lists no event that the poller remembers as final. The poller may deliver some events again
 * - `inconsistent-list`: PlanetScale's list contradicts what it was before, so that the poller cannot rely on it
 * - `clock-skew`: a `Date` of PlanetScale, or a time in the saved state, is far from the time that the poller expects
 * - `unreadable-time`: the poller cannot read a `created_at`. The format may have changed
 * - `lookback-overflow`: the look-back holds more events than the poller can remember. Shorten `lookbackMs`
 * - `cursor-rolled-back`: the store lost the last state and returned an earlier one. The poller may deliver some events again
 */
export type PollNotice =
  | {
      /** The poller will repeat an operation that failed. */
      readonly type: 'retrying';
      /** Why the operation failed. */
      readonly error: PlanetScaleAuditError;
      /** 1 for the first failure in a row. */
      readonly attempt: number;
      /** The wait before the next attempt. */
      readonly delayMs: number;
    }
  | {
      /** PlanetScale may have deleted events that the poller never saw. */
      readonly type: 'possible-gap';
      /** The newest event in the poller's saved state. */
      readonly lastSeenId: string | undefined;
      /** When the last completed scan started, by PlanetScale's clock. */
      readonly lastScanAt: Date;
      /** `created_at` of the oldest event that PlanetScale still lists. */
      readonly oldestAvailable: Date | undefined;
    }
  | {
      /** The poller delivers events that became visible after younger ones. */
      readonly type: 'late-events';
      /** The ids of the late events. */
      readonly ids: readonly string[];
    }
  | {
      /** What the poller or the store lost track of. */
      readonly type: 'possible-duplicates' | 'lookback-overflow' | 'cursor-rolled-back';
      /** What happened, and what to do about it. */
      readonly message: string;
    }
  | {
      /** PlanetScale sent something that cannot be right. */
      readonly type: 'clock-skew' | 'unreadable-time' | 'inconsistent-list';
      /** What happened, and what to do about it. */
      readonly message: string;
    }
  | {
      /** The options of the poller do not have the effect that they may seem to have. */
      readonly type: 'first-run' | 'start-ignored' | 'unknown-action';
      /** What happened, and what to do about it. */
      readonly message: string;
    };
