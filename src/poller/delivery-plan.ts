import type { EventRef, ListedEvent } from './listed-event.ts';
import type { ScanResult } from './scan.ts';
import type { MissingAnchors, PollState } from './state.ts';

/** What a scan has found to deliver, and what the states after it have to hold. */
export interface DeliveryPlan {
  /** The state from before the scan, without times that lie in the future. */
  readonly before: PollState;
  readonly result: ScanResult;
  /** The final events below those that the scan read, newest first. */
  readonly below: readonly EventRef[];
  isWanted(event: ListedEvent): boolean;
  /** The ids of seen events that the list still has. */
  readonly stillListed: ReadonlySet<string>;
  /** The seen events that each later state has to hold until the delivery passes them. */
  readonly carriedOver: readonly EventRef[];
  /** Events created before this time are old enough to be anchors. */
  readonly watermarkMs: number;
  /** Every event that the scan did not read, and that is not final, was created at or after this time. */
  readonly unreadSinceMs: number;
  /** The earliest `created_at` of the pending events that this scan may have missed; Infinity if it has missed none. */
  readonly oldestHiddenMs: number;
  /** `missingAnchors` of every later state. */
  readonly missingAnchors: MissingAnchors | null;
  /** Whether the poller has to remember an event that it passes. */
  isToRemember(ref: EventRef): boolean;
}
