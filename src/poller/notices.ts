import type { PlanetScaleAuditError } from '../errors.ts';

/**
 * What an operator should know and no exception should say. More types may come: handle those you know, log the others.
 * - `retrying`: something failed that may succeed later, and is tried again after `delayMs`
 * - `possible-gap`: the poller was away for so long that PlanetScale may have deleted events which it never saw. Export the
 *   time from `lastScanAt` to `oldestAvailable` from elsewhere, if you can
 * - `late-events`: events that became visible later than events delivered before them; nothing to do
 * - `possible-duplicates`: every event that the poller had remembered is gone; some may be delivered again
 * - `lookback-overflow`: more events within the look-back than the poller remembers; shorten `lookbackMs`
 * - `cursor-rolled-back`: the store had lost the last state and gave an earlier one; some events may be delivered again
 */
export type PollNotice =
  | {
      readonly type: 'retrying';
      readonly error: PlanetScaleAuditError;
      /** 1 for the first failure in a row. */
      readonly attempt: number;
      readonly delayMs: number;
    }
  | {
      readonly type: 'possible-gap';
      /** The newest event that the poller knows to have delivered. */
      readonly lastSeenId: string | undefined;
      readonly lastScanAt: Date;
      /** When the oldest event was created that PlanetScale still has. */
      readonly oldestAvailable: Date | undefined;
    }
  | { readonly type: 'late-events'; readonly ids: readonly string[] }
  | { readonly type: 'possible-duplicates' | 'lookback-overflow' | 'cursor-rolled-back'; readonly message: string };

/** Warns of what wants a person's attention. */
export function logNotice(notice: PollNotice): void {
  if (notice.type === 'retrying' || notice.type === 'late-events') return;
  const { type, ...details } = notice;
  console.warn(`planetscale-audit: ${type}`, details);
}
