import { Delivery } from './delivery.ts';
import { firstScan } from './first-scan.ts';
import { datedRef, type EventRef, refOf } from './listed-event.ts';
import { futureTimesMessage, lostAnchorsMessage, shortListMessage } from './notice-messages.ts';
import type { PollNotice } from './notices.ts';
import type { ParsedPollerOptions } from './options.ts';
import type { PageReader } from './page-reader.ts';
import { type ResumeScan, resumeScan } from './resume-scan.ts';
import { type FirstStart, startChoiceOf } from './start-from.ts';
import { type CursorScope, maxSeen, type PollState, toIso } from './state.ts';

/** A scan that has found its stop point, and whose events are still to be delivered. */
export interface StartedScan {
  readonly delivery: Delivery;
  readonly pageCount: number;
  /** The state to save before the first delivery; undefined after the first run. */
  readonly firstState?: PollState;
  /**
   * The state to save before the first delivery if the anchors are no longer missing; undefined in all other cases. Without this
   * save, a consumer that fails would let two bad lists count as two in a row.
   */
  readonly recoveredState?: PollState | undefined;
  /** The notices that come before any delivery. */
  readonly notices: readonly PollNotice[];
  /** Whether the next run would report the same again if the state at the end of this scan were not saved. */
  readonly savesState: boolean;
}

export async function startFirstScan(
  reader: PageReader,
  scope: CursorScope,
  startFrom: FirstStart,
  lookbackMs: number,
): Promise<StartedScan> {
  const { result, isWanted, hasOverflowed, ...first } = await firstScan(reader.fetchPage, startFrom, lookbackMs);
  const dated = (ref: EventRef) => datedRef(ref, reader.serverNowMs(), lookbackMs);
  const below = result.below.map(refOf);
  const firstState: PollState = {
    scope,
    startedFrom: startChoiceOf(startFrom),
    anchors: first.anchors.map(dated),
    seen: first.seen.slice(-maxSeen).map(dated),
    start: first.start,
    pendingSince: toIso(Math.min(result.earliestMs, result.watermarkMs)),
    oldestPendingAt: toIso(result.earliestMs),
    // A list may have young events below older ones, and the scan did not read all that it left out.
    forgottenUntil: result.reachedEnd ? null : new Date(result.latestMs + lookbackMs).toISOString(),
    missingAnchors: null,
    lastScanStartedAt: new Date(result.startedAtMs).toISOString(),
  };
  const delivery = new Delivery({
    before: firstState,
    result,
    below,
    isWanted,
    stillListed: new Set(),
    carriedOver: firstState.seen,
    watermarkMs: result.watermarkMs,
    unreadSinceMs: result.watermarkMs,
    oldestHiddenMs: Number.POSITIVE_INFINITY,
    missingAnchors: null,
    isToRemember: () => true,
    hasOverflowed,
    lookbackMs,
    serverNowMs: reader.serverNowMs,
  });
  return { delivery, pageCount: result.pageCount, firstState, notices: [], savesState: false };
}

export async function startResumedScan(
  reader: PageReader,
  state: PollState,
  { lookbackMs, retentionMs }: Pick<ParsedPollerOptions, 'lookbackMs' | 'retentionMs'>,
): Promise<StartedScan> {
  const scan = await resumeScan(reader.fetchPage, state, { lookbackMs, retentionMs });
  const delivery = new Delivery({ ...scan, hasOverflowed: false, lookbackMs, serverNowMs: reader.serverNowMs });
  const savesState =
    scan.gap !== undefined ||
    scan.mayRepeatEvents ||
    scan.before !== state ||
    scan.missingAnchors?.listEnd !== state.missingAnchors?.listEnd;
  const hasRecovered = state.missingAnchors !== null && scan.missingAnchors === null && scan.listEnd !== 'new-start';
  const recoveredState = hasRecovered ? { ...state, missingAnchors: null } : undefined;
  return { delivery, pageCount: scan.result.pageCount, recoveredState, notices: noticesOf(scan, state), savesState };
}

const noticesOf = (scan: ResumeScan, state: PollState): PollNotice[] => {
  const notices: PollNotice[] = [];
  if (scan.gap) notices.push(scan.gap);
  if (scan.before !== state) notices.push({ type: 'clock-skew', message: futureTimesMessage });
  if (scan.mayRepeatEvents) notices.push({ type: 'possible-duplicates', message: lostAnchorsMessage });
  if (scan.listEnd === 'too-short' && state.missingAnchors?.listEnd !== 'too-short') {
    notices.push({ type: 'inconsistent-list', message: shortListMessage });
  }
  return notices;
};
