import type { AuditEvent } from '../audit-log/event.ts';
import type { ScanClock } from './scan-clock.ts';
import { isBefore, refOf } from './state.ts';

/** The place on a page at which a scan ends: at a known event, or where older events begin. */
export interface StopPoint {
  readonly reason: 'known' | 'older';
  readonly index: number;
}

/** What one page means for a scan. */
export interface Inspection<Findings> {
  /** All that the scan has found, this page included. */
  readonly findings: Findings;
  readonly stop: StopPoint | undefined;
  /** The poller will deliver an event of this page above the stop. */
  readonly hasWanted: boolean;
}

/** Decides, page by page, where a scan ends. Each inspection continues from the findings of the one before. */
export interface StopCondition<Findings> {
  readonly initialFindings: Findings;
  inspect(findings: Findings, events: readonly AuditEvent[], clock: ScanClock): Inspection<Findings>;
}

/** As many events as the largest page has. Fewer older events in a row can be late or backdated. */
const olderRunThreshold = 100;

/** A run of older events at the end of the pages that the scan has read. */
export interface OlderRun {
  readonly length: number;
  /** The start of the run on the last page, if the run is long enough to end the scan. */
  readonly stop: StopPoint | undefined;
}

/**
 * Continues a run of events created before `ms` with the next page.
 *
 * A run spans pages. A filter can leave one backdated event alone on its page, and that event must not end a scan.
 */
export function extendOlderRun(previousLength: number, events: readonly AuditEvent[], ms: number): OlderRun {
  const index = events.findLastIndex((event) => !isBefore(refOf(event), ms)) + 1;
  const length = index === 0 ? previousLength + events.length : events.length - index;
  return { length, stop: length < olderRunThreshold ? undefined : { reason: 'older', index } };
}
