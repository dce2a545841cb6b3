import type { FetchPage } from '../audit-log/pagination.ts';
import { parseTimestamp } from '../internal/timestamp.ts';
import { withoutFutureTimes } from './absence.ts';
import { sharesInstantWith } from './anchors.ts';
import { judgeListEnd, type ListEnd } from './list-end.ts';
import { datedRef, type EventRef, isBefore, isRequested, type ListedEvent, refOf, refReadAt } from './listed-event.ts';
import { extendOldRun } from './ordering.ts';
import { type ScanResult, scan } from './scan.ts';
import type { TimedPage } from './scan-clock.ts';
import { fromIso, type PollState } from './state.ts';
import type { StopCondition } from './stop-condition.ts';

/** The result of a scan that starts from a saved state. */
export interface ResumeScan {
  readonly result: ScanResult;
  /** The state from before the scan, without times that lie in the future. */
  readonly before: PollState;
  readonly listEnd: ListEnd;
  isWanted(event: ListedEvent): boolean;
  /** The ids of seen events that the list still has. */
  readonly stillListed: ReadonlySet<string>;
  /** The seen events that the next state has to hold even if the delivery does not pass them. */
  readonly carriedOver: readonly EventRef[];
  /** Events created before this time are old enough to be anchors. */
  readonly watermarkMs: number;
  /** Every event that the scan did not read, and that is not final, was created at or after this time. */
  readonly unreadSinceMs: number;
  /** The earliest `created_at` of the pending events that this scan may have missed; Infinity if it has missed none. */
  readonly oldestHiddenMs: number;
  /** Returns the ref of an event that the state before does not know. */
  newRef(ref: EventRef, nowMs: number): EventRef;
  /** The scan met no anchor, and events that the poller may have delivered before. */
  readonly mayRepeatEvents: boolean;
}

export interface ResumeOptions {
  readonly lookbackMs: number;
  readonly retentionMs: number;
}

interface ResumeFindings {
  /** How many events in a row, up to the last one, are older than everything pending. */
  readonly oldRunLength: number;
  readonly stillListed: readonly string[];
  /** Whether the poller would deliver an event if no anchor were listed. */
  readonly hasPending: boolean;
  /** Whether the poller may have delivered one of these events before. */
  readonly mayRepeat: boolean;
}

export async function resumeScan(
  fetchPage: FetchPage<TimedPage>,
  state: PollState,
  { lookbackMs, retentionMs }: ResumeOptions,
): Promise<ResumeScan> {
  const result = await scan(fetchPage, resumeCondition(state), lookbackMs);
  const { latestMs, watermarkMs, reachedEnd, findings } = result;
  const before = withoutFutureTimes(state, latestMs);
  const stillListed = new Set(findings.stillListed);
  const { oldRunLength } = findings;
  const listEnd = judgeListEnd({ before, result, stillListed, oldRunLength, lookbackMs, retentionMs });
  const mayBeCut = listEnd === 'too-short' || listEnd === 'unclear';

  const isNew = isNewFor(before);
  const isPending = mayBePending(before);
  const missesAnchors = reachedEnd && before.anchors.length > 0;
  const mayRepeat = listEnd === 'too-short' ? findings.hasPending : findings.mayRepeat;
  return {
    result,
    before,
    listEnd,
    isWanted: missesAnchors ? (event) => isNew(event) && isPending(event) : isNew,
    stillListed,
    carriedOver: refsToCarryOver(before, result, stillListed, latestMs - retentionMs),
    watermarkMs: listEnd === 'too-short' ? Number.NEGATIVE_INFINITY : watermarkMs,
    unreadSinceMs: mayBeCut ? Math.min(fromIso(before.pendingSince), watermarkMs) : watermarkMs,
    oldestHiddenMs: mayBeCut && before.oldestPendingAt ? Date.parse(before.oldestPendingAt) : Number.POSITIVE_INFINITY,
    newRef: (ref, nowMs) =>
      listEnd === 'unclear' ? refReadAt(nowMs, ref, lookbackMs) : datedRef(ref, nowMs, lookbackMs),
    mayRepeatEvents: listEnd === 'below-anchors' || (missesAnchors && mayRepeat),
  };
}

/**
 * Returns the events that a later list may have above the next anchors: the seen ones, and the anchors above the one at which the scan
 * stopped. Those that the scan did not meet are deleted, or hidden by a stale list. They count until retention may have taken them.
 */
const refsToCarryOver = (
  { anchors, seen }: PollState,
  { reachedEnd, below }: ScanResult,
  stillListed: ReadonlySet<string>,
  keptSinceMs: number,
): readonly EventRef[] => {
  const found = anchors.findIndex(([id]) => id === below[0]?.id);
  const isBesideStop = sharesInstantWith(found === -1 ? [] : anchors.slice(found));
  const mayReturn = (ref: EventRef): boolean =>
    reachedEnd || stillListed.has(ref[0]) || !(isBefore(ref, keptSinceMs) || isBesideStop(ref));
  return [...anchors.slice(0, Math.max(0, found)), ...seen].filter(mayReturn);
};

/** Returns whether a poller with this state still has to deliver an event. */
const isNewFor = (state: PollState): ((event: ListedEvent) => boolean) => {
  const seenIds = new Set(state.seen.map(([id]) => id));
  const startMs = fromIso(state.start);
  return (event) => !seenIds.has(event.id) && !isBefore(refOf(event), startMs);
};

/** Returns whether an event may be pending by its age. Only a poller that has lost all anchors has to ask. */
const mayBePending = ({ pendingSince }: PollState): ((event: ListedEvent) => boolean) => {
  const pendingSinceMs = fromIso(pendingSince);
  return (event) => !isBefore(refOf(event), pendingSinceMs);
};

/**
 * Ends the scan at an anchor, and nowhere else: any number of events that are too old may stand above new ones. If no anchor is left,
 * the scan reads the whole list once, and finds new anchors.
 */
const resumeCondition = (state: PollState): StopCondition<ResumeFindings> => {
  const anchorIds = new Set(state.anchors.map(([id]) => id));
  const seenIds = new Set(state.seen.map(([id]) => id));
  const isForgotten = mayBeForgotten(state);
  return {
    knownIds: seenIds,
    initialFindings: { oldRunLength: 0, stillListed: [], hasPending: false, mayRepeat: false },
    inspect: (before, events, clock) => {
      const anchor = events.findIndex(({ id }) => anchorIds.has(id));
      const stopIndex = anchor === -1 ? undefined : anchor;
      const above = events.slice(0, stopIndex);
      const stillListed = above.filter(({ id }) => seenIds.has(id)).map(({ id }) => id);
      const trusted = withoutFutureTimes(state, clock.latestMs);
      const startMs = fromIso(trusted.start);
      const isPending = mayBePending(trusted);
      const wanted = above.filter(
        (event) => isRequested(event) && !seenIds.has(event.id) && !isBefore(refOf(event), startMs),
      );
      const pending = wanted.filter(isPending);
      return {
        findings: {
          oldRunLength: extendOldRun(before.oldRunLength, events, (event) => !isPending(event)).length,
          stillListed: stillListed.length === 0 ? before.stillListed : [...before.stillListed, ...stillListed],
          hasPending: before.hasPending || pending.length > 0,
          mayRepeat: before.mayRepeat || pending.some(isForgotten),
        },
        stopIndex,
        hasWanted: wanted.length > 0,
      };
    },
  };
};

/** Returns whether the poller may have delivered an event that it does not remember. */
const mayBeForgotten = ({ forgottenUntil }: PollState): ((event: ListedEvent) => boolean) => {
  const forgottenUntilMs = fromIso(forgottenUntil);
  return ({ created_at }) => (parseTimestamp(created_at) ?? Number.NEGATIVE_INFINITY) <= forgottenUntilMs;
};
