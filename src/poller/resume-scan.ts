import type { FetchPage } from '../audit-log/pagination.ts';
import { parseTimestamp } from '../internal/timestamp.ts';
import { withoutFutureTimes } from './absence.ts';
import type { DeliveryPlan } from './delivery-plan.ts';
import { findGap } from './gap.ts';
import { judgeListEnd, type ListEnd, type ListEndFindings } from './list-end.ts';
import { type EventRef, isBefore, isRequested, type ListedEvent, refOf } from './listed-event.ts';
import type { PollNotice } from './notices.ts';
import { extendOldRun } from './ordering.ts';
import { type ScanResult, scan } from './scan.ts';
import type { TimedPage } from './scan-clock.ts';
import { fromIso, type PollState } from './state.ts';
import type { StopCondition } from './stop-condition.ts';

/** The result of a scan that starts from a saved state. */
export interface ResumeScan extends DeliveryPlan {
  readonly listEnd: ListEnd;
  /** The notice of a gap; undefined if retention can have taken no event unread. */
  readonly gap: PollNotice | undefined;
  /** The scan met no anchor, and events that the poller may have delivered before. */
  readonly mayRepeatEvents: boolean;
}

export interface ResumeOptions {
  readonly lookbackMs: number;
  readonly retentionMs: number;
}

interface ResumeFindings extends ListEndFindings {
  /** Whether the poller may have delivered one of these events before. */
  readonly mayRepeat: boolean;
  /** Whether the list has an event of the time `oldestPendingAt`. */
  readonly hasOldestPending: boolean;
}

export async function resumeScan(
  fetchPage: FetchPage<TimedPage>,
  state: PollState,
  { lookbackMs, retentionMs }: ResumeOptions,
): Promise<ResumeScan> {
  const result = await scan(fetchPage, resumeCondition(state), lookbackMs);
  const { startedAtMs, watermarkMs, reachedEnd, findings } = result;
  const before = withoutFutureTimes(state, startedAtMs);
  const stillListed = new Set(findings.stillListed);
  const listEnd = judgeListEnd({ before, result, lookbackMs, retentionMs });
  const takesAnchors = listEnd === 'whole' || listEnd === 'new-start';
  const missingAnchors =
    takesAnchors || listEnd === 'unconfirmed'
      ? null
      : { since: before.missingAnchors?.since ?? new Date(startedAtMs).toISOString(), listEnd };
  const gap = findGap(before, result, retentionMs);

  const isNew = isNewFor(before);
  const mayBePending = mayBePendingFor(before);
  const readsAllPending = reachedEnd
    ? takesAnchors && result.oldest !== undefined // A list that is empty just once hides everything.
    : result.below[0]?.id === before.anchors[0]?.[0]; // A stale list ends at a lower anchor, and hides what is new.
  const missesAnchors = reachedEnd && (before.anchors.length > 0 || before.forgottenUntil !== null);
  return {
    result,
    before,
    listEnd,
    below: takesAnchors ? result.below.map(refOf) : before.anchors,
    isWanted: missesAnchors ? (event) => isNew(event) && mayBePending(refOf(event)) : isNew,
    stillListed,
    carriedOver:
      listEnd === 'new-start'
        ? before.seen.filter(([id]) => stillListed.has(id))
        : refsToCarryOver(before, result, stillListed, startedAtMs - retentionMs),
    watermarkMs: takesAnchors ? watermarkMs : Number.NEGATIVE_INFINITY,
    unreadSinceMs: readsAllPending ? watermarkMs : Math.min(fromIso(before.pendingSince), watermarkMs),
    oldestHiddenMs: gap ? Number.POSITIVE_INFINITY : oldestHiddenMs(before, listEnd, findings.hasOldestPending),
    missingAnchors,
    isToRemember: missesAnchors && missingAnchors ? mayBePending : () => true,
    gap,
    mayRepeatEvents: listEnd === 'without-anchors' || (missesAnchors && findings.mayRepeat),
  };
}

/** Returns the earliest time of the pending events that a list may hide: those of a list that is too short include unread ones. */
const oldestHiddenMs = (
  { oldestPendingAt, lastScanStartedAt }: PollState,
  listEnd: ListEnd,
  hasOldestPending: boolean,
): number => {
  const oldestPendingMs = oldestPendingAt === null ? Number.POSITIVE_INFINITY : fromIso(oldestPendingAt);
  if (listEnd === 'too-short') return Math.min(oldestPendingMs, fromIso(lastScanStartedAt));
  return listEnd === 'whole' || listEnd === 'new-start' || hasOldestPending
    ? Number.POSITIVE_INFINITY
    : oldestPendingMs;
};

/**
 * Returns the events that a later list may have above the next anchors: the seen ones, and the anchors above the one at which the scan
 * stopped. Those that the scan did not meet are deleted, or hidden by a stale list. They count until they are older than the retention,
 * and than an event that the list has.
 */
const refsToCarryOver = (
  { anchors, seen }: PollState,
  { reachedEnd, below, newestMs }: ScanResult,
  stillListed: ReadonlySet<string>,
  keptSinceMs: number,
): readonly EventRef[] => {
  const found = anchors.findIndex(([id]) => id === below[0]?.id);
  const mayReturn = (ref: EventRef): boolean =>
    reachedEnd || stillListed.has(ref[0]) || !isBefore(ref, Math.min(keptSinceMs, newestMs));
  return [...anchors.slice(0, Math.max(0, found)), ...seen].filter(mayReturn);
};

/** Returns whether a poller with this state still has to deliver an event. */
const isNewFor = (state: PollState): ((event: ListedEvent) => boolean) => {
  const seenIds = new Set(state.seen.map(([id]) => id));
  const startMs = fromIso(state.start);
  return (event) => !seenIds.has(event.id) && !isBefore(refOf(event), startMs);
};

/** Returns whether an event may be pending by its age. Only a poller that has lost all anchors has to ask. */
const mayBePendingFor = ({ pendingSince }: PollState): ((ref: EventRef) => boolean) => {
  const pendingSinceMs = fromIso(pendingSince);
  return (ref) => !isBefore(ref, pendingSinceMs);
};

/**
 * Ends the scan at an anchor, and nowhere else: any number of events that are too old may stand above new ones. Without one,
 * the scan reads the whole list, and {@link judgeListEnd} decides whether the poller takes new anchors from it.
 */
const resumeCondition = (state: PollState): StopCondition<ResumeFindings> => {
  const anchorIds = new Set(state.anchors.map(([id]) => id));
  const seenIds = new Set(state.seen.map(([id]) => id));
  const isForgotten = mayBeForgotten(state);
  const oldestPendingMs = state.oldestPendingAt === null ? undefined : fromIso(state.oldestPendingAt);
  const isOldestPending = ({ created_at }: ListedEvent): boolean =>
    oldestPendingMs !== undefined && parseTimestamp(created_at) === oldestPendingMs;
  return {
    knownIds: seenIds,
    initialFindings: {
      oldRunLength: 0,
      isEndSeen: true,
      unseenCount: 0,
      stillListed: [],
      mayRepeat: false,
      hasOldestPending: false,
    },
    inspect: (before, events, clock) => {
      const anchor = events.findIndex(({ id }) => anchorIds.has(id));
      const stopIndex = anchor === -1 ? undefined : anchor;
      const above = events.slice(0, stopIndex);
      const stillListed = above.filter(({ id }) => seenIds.has(id)).map(({ id }) => id);
      const trusted = withoutFutureTimes(state, clock.startedAtMs);
      const startMs = fromIso(trusted.start);
      const mayBePending = mayBePendingFor(trusted);
      const isPending = (event: ListedEvent): boolean => mayBePending(refOf(event));
      const wanted = above.filter(
        (event) => isRequested(event) && !seenIds.has(event.id) && !isBefore(refOf(event), startMs),
      );
      const pending = wanted.filter(isPending);
      const young = above.filter(isPending);
      const lowest = young.at(-1);
      return {
        findings: {
          oldRunLength: extendOldRun(before.oldRunLength, events, (event) => !isPending(event)).length,
          isEndSeen: lowest ? seenIds.has(lowest.id) : before.isEndSeen,
          unseenCount: before.unseenCount + young.filter(({ id }) => !seenIds.has(id)).length,
          stillListed: stillListed.length === 0 ? before.stillListed : [...before.stillListed, ...stillListed],
          mayRepeat: before.mayRepeat || pending.some(isForgotten),
          hasOldestPending: before.hasOldestPending || above.some(isOldestPending),
        },
        stopIndex,
        markId: lowest?.id,
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
