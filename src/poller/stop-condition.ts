import type { ListedEvent } from './listed-event.ts';
import type { ScanClock } from './scan-clock.ts';

/** What one page means for a scan. */
export interface Inspection<Findings> {
  /** All that the scan has found, this page included. */
  readonly findings: Findings;
  /** The place on the page of the event at which the scan ends; undefined if the scan goes on. */
  readonly stopIndex: number | undefined;
  /** The poller will deliver an event of this page above the stop. */
  readonly hasWanted: boolean;
  /** The id of an event of this page that the next scan has to recognize. */
  readonly markId?: string | undefined;
}

/** Decides, page by page, where a scan ends. Each inspection continues from the findings of the one before. */
export interface StopCondition<Findings> {
  /** The seen events, which the delivery has to pass even on a page that has no event to deliver. */
  readonly knownIds: ReadonlySet<string>;
  readonly initialFindings: Findings;
  inspect(findings: Findings, events: readonly ListedEvent[], clock: ScanClock): Inspection<Findings>;
}
