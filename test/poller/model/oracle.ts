import { type AuditEvent, PlanetScaleAuditError } from 'planetscale-audit';
import type { AuditLog } from './audit-log.ts';
import { Ledger, type WantedEvents } from './ledger.ts';
import type { Observation } from './observation.ts';
import { maxSkewMs, retentionMs } from './schedule.ts';

/** More turns than any poller needs in one schedule. */
const maxTurns = 20_000;
const maxAnchors = 10;
const maxSeen = 10_000;

/** An error of the simulated consumer. A poller may end with it. */
export class ConsumerError extends Error {}

/**
 * Judges pollers by the audit log's own ledger. Each invariant of docs/internals/polling.md has one method, which alone raises its
 * violations; every method sees every observation. README.md has the table.
 */
export class Oracle {
  /** A message for each broken promise, in the order of their discovery. */
  readonly violations: string[] = [];
  /** The facts by which this oracle judges. */
  readonly ledger: Ledger;
  readonly #log: AuditLog;
  /** Each of several pollers on one key sees only its own part of the list's order. */
  readonly #isAlone: boolean;
  readonly #judged: RegExp;

  /** @param judged the violations that count */
  constructor(log: AuditLog, wanted: WantedEvents, isAlone: boolean, judged: RegExp) {
    this.ledger = new Ledger(log, wanted);
    this.#log = log;
    this.#isAlone = isAlone;
    this.#judged = judged;
  }

  /** Adds an observation to the ledger and judges it by every invariant. */
  observe(observation: Observation): void {
    this.ledger.record(observation);
    this.#losesNoEvent(observation);
    this.#repeatsOnlyBatchesInFlight(observation);
    this.#deliversInListOrder(observation);
    this.#savesSoundStates(observation);
    this.#neverMovesItsAnchorDown(observation);
    this.#commitsOnlyAcknowledgedEvents(observation);
    this.#reportsEveryGap(observation);
    this.#savesBoundedStates(observation);
    this.#boundsItsRequests(observation);
    this.#reachesAFixpoint(observation);
    this.#neverTakesABadStoreForAFirstRun(observation);
    this.#doesOneThingAtATime(observation);
    this.#stopsAtItsEnd(observation);
    this.#writesEachRowOnce(observation);
    this.#deliversOnlyWantedEvents(observation);
    this.#reportsOnlyWhatHappens(observation);
    this.#endsOnlyAsItMay(observation);
    this.#alwaysGoesOn(observation);
  }

  #violated(violation: string): void {
    if (this.#judged.test(violation)) this.violations.push(violation);
  }

  /** I1: the pollers deliver every expected event that is still listed, and the consumer acknowledges it. */
  #losesNoEvent({ type }: Observation): void {
    if (type !== 'fixpoint') return;
    for (const { id } of this.#log.listed().filter((event) => this.ledger.isOwed(event))) {
      this.#violated(`I1: ${id} is lost`);
    }
  }

  /** I2: an event is repeated only if it was in flight when a run ended, or after a justified notice of duplicates. */
  #repeatsOnlyBatchesInFlight(observation: Observation): void {
    if (observation.type === 'notice' && observation.notice.type === 'possible-duplicates') {
      const anchors = this.ledger.anchors.map((id) => this.#log.everListed(id)).filter((event) => event !== undefined);
      // A poller may miss an anchor that was postdated beyond the look-back, although the anchor is listed.
      if (anchors.some((event) => this.ledger.wasFarAhead(event)) || observation.run.hasMetShortList) return;
      if (this.#log.deletions === 0) this.#violated('I2: a poller reports lost anchors, and no event was ever deleted');
      const listed = anchors.find(({ id }) => this.#log.isListed(id));
      // A poller that runs on may have moved its anchors without a save.
      const { drain, hasSaved } = observation.run;
      if (this.#isAlone && drain && !hasSaved && listed !== undefined) {
        this.#violated(`I2: a poller reports lost anchors, and ${listed.id} is listed`);
      }
    }
    if (observation.type !== 'fixpoint' || this.ledger.hasReportedDuplicates) return;
    for (const id of this.ledger.delivered) {
      if (this.ledger.haveAnchorsBeenDeleted && this.ledger.hasLookedNew(id)) continue;
      const [times, ends] = [this.ledger.deliveries(id), this.ledger.endsInFlight(id)];
      if (times - 1 > ends) this.#violated(`I2: ${id} was delivered ${times} times, and in flight at ${ends} ends`);
    }
  }

  /** I3: a lone poller delivers each event before all listed events above it, unless it reports the event as late. */
  #deliversInListOrder(observation: Observation): void {
    if (observation.type !== 'delivery') return;
    const { id } = observation.event;
    const { run } = observation;
    // If the newest page is cut just for the answer to an unknown cursor, no poller recognizes it.
    if (run.hasMetShortList && this.#log.givesFirstPage) return;
    if (this.ledger.deliveries(id) > 1 || this.ledger.hasReportedDuplicates || !this.#isAlone) return;
    if (run.lateIds.has(id) || !this.#log.isListed(id)) return;
    for (const earlier of [this.ledger.newestCommitted(), run.lastInOrder]) {
      if (earlier === undefined || !this.#log.isListed(earlier) || !this.#isSurelyBelow(id, earlier)) continue;
      this.#violated(`I3: ${id} is delivered after ${earlier}, which is above it in the list`);
    }
    run.lastInOrder = id;
  }

  /** Whether the event is below the other in every answer. */
  #isSurelyBelow(id: string, other: string): boolean {
    return this.#log.isBelow(id, other) && !this.#log.mayChangePlaces(id, other);
  }

  /** I4: no pending event is at or below the first anchor, or older than `pendingSince`. */
  #savesSoundStates(observation: Observation): void {
    if (observation.type !== 'delivery' && !(observation.type === 'save' && observation.state)) return;
    const { pendingSince } = this.ledger;
    const first = observation.type === 'save' ? observation.state?.anchors[0]?.[0] : undefined;
    const isListed = ({ id }: AuditEvent) => this.#log.isListed(id);
    const events = observation.type === 'delivery' ? [observation.event].filter(isListed) : this.#log.listed();
    for (const event of events.filter((event) => this.ledger.isOwed(event))) {
      // The simulated log writes all times alike: their texts compare as the times do.
      if (event.created_at < pendingSince) this.#violated(`I4: ${event.id} is pending, and older than ${pendingSince}`);
      if (first !== undefined && (event.id === first || this.#isSurelyBelow(event.id, first))) {
        this.#violated(`I4: ${event.id} is pending, and not above the anchor ${first}`);
      }
    }
  }

  /** I5: the first anchor never moves down the list while it is listed, unless a notice reports possible duplicates. */
  #neverMovesItsAnchorDown(observation: Observation): void {
    const anchor = observation.type === 'save' ? observation.state?.anchors[0]?.[0] : undefined;
    const before = this.ledger.previousAnchor;
    if (anchor === undefined || before === undefined) return;
    if (this.ledger.hasReportedDuplicates || !this.#log.isListed(before)) return;
    if (this.#isSurelyBelow(anchor, before)) this.#violated(`I5: the anchor moves down, from ${before} to ${anchor}`);
  }

  /** I6: a saved state has no event that the consumer has not acknowledged. */
  #commitsOnlyAcknowledgedEvents(observation: Observation): void {
    if (observation.type !== 'save' || !observation.state) return;
    for (const [id] of [...observation.state.seen, ...observation.state.anchors]) {
      const event = this.#log.everListed(id);
      if (event && this.ledger.isOwed(event)) this.#violated(`I6: ${id} is committed and not acknowledged`);
    }
  }

  /** I7: a notice reports every gap before a commit covers it, and none is possible before the retention has passed. */
  #reportsEveryGap(observation: Observation): void {
    if (observation.type === 'notice' && observation.notice.type === 'possible-gap') {
      const { scan, lastScanStartedAtMs } = observation.run;
      const sinceMs = Math.min(lastScanStartedAtMs, this.ledger.oldestPendingMs);
      const isEarly = this.#log.nowMs() - sinceMs < retentionMs - maxSkewMs;
      // One of several pollers may judge by an older state than the saved one.
      if (isEarly && this.#isAlone && !scan.hasMetWrongDate)
        this.#violated('I7: a poller reports a gap before the retention has passed');
    }
    const anchor = observation.type === 'save' ? observation.state?.anchors[0]?.[0] : undefined;
    for (const id of this.ledger.unreportedGap) {
      const isCovered = anchor !== undefined && this.#log.isBelow(id, anchor);
      if (isCovered) this.#violated(`I7: the anchor ${anchor} covers ${id}, which was deleted, without a notice`);
      if (observation.type === 'fixpoint') this.#violated(`I7: ${id} was deleted, and no notice reports it`);
    }
  }

  /** I8: a saved state decodes, and has at most 10 anchors and 10,000 seen events. */
  #savesBoundedStates(observation: Observation): void {
    if (observation.type !== 'save') return;
    const { text, state } = observation;
    if (!state) this.#violated(`I8: a poller saves ${text.length} characters that do not decode`);
    else if (state.anchors.length > maxAnchors || state.seen.length > maxSeen) {
      this.#violated(`I8: a poller saves ${state.anchors.length} anchors and ${state.seen.length} seen events`);
    }
  }

  /** I9: a scan without faults takes at most 2 · pages + 2 requests, and no schedule goes on without end. */
  #boundsItsRequests(observation: Observation): void {
    if (observation.type === 'turn' && observation.count > maxTurns) {
      this.#violated(`I9: the pollers have taken ${maxTurns} turns and go on`);
    }
    if (observation.type !== 'calm run') return;
    const { run, pages } = observation;
    if (run.requests > 2 * pages + 2) this.#violated(`I9: a poller makes ${run.requests} requests for ${pages} pages`);
  }

  /** I10: two runs without faults end without an error, and leave a third one nothing to deliver or to save. */
  #reachesAFixpoint(observation: Observation): void {
    if (observation.type === 'calm run' && observation.error !== undefined) {
      this.#violated(`I10: without a fault a poller ends with ${observation.error}`);
    }
    if (observation.type !== 'third run') return;
    if (observation.hasDelivered) this.#violated('I10: a third run still delivers');
    if (observation.hasSaved && !this.#log.changesOrder) this.#violated('I10: a third run still saves');
  }

  /** I12: a poller loads its state first, and neither delivers nor saves if the store fails or holds a corrupt state. */
  #neverTakesABadStoreForAFirstRun(observation: Observation): void {
    if (observation.type === 'request' && !observation.run.hasLoaded) {
      this.#violated('I12: a poller requests events before it has loaded its state');
    }
    if (observation.type === 'save' && !observation.run.hasLoaded) {
      this.#violated('I12: a poller saves before it has loaded its state');
    }
    if (observation.type !== 'corrupt run') return;
    if (!observation.isIntact) this.#violated('I12: a poller overwrites a corrupt state');
    if (observation.run.hasDelivered) this.#violated('I12: a poller delivers on a corrupt state');
  }

  /** I13: a poller awaits one request, save, notice or consumer at a time. */
  #doesOneThingAtATime(observation: Observation): void {
    if (observation.type === 'await' && observation.isEarly) this.#violated('I13: a poller does two things at a time');
  }

  /** I14: a poller awaits nothing after its end. */
  #stopsAtItsEnd(observation: Observation): void {
    if (observation.type === 'await' && observation.isAfterEnd) this.#violated('I14: a poller goes on after its end');
  }

  /** I15: with the cursor in the same transaction, no event gets a second row, except after a justified notice of duplicates. */
  #writesEachRowOnce({ type }: Observation): void {
    if (type !== 'fixpoint' || this.ledger.hasReportedDuplicates) return;
    for (const id of this.ledger.delivered) {
      if (this.ledger.haveAnchorsBeenDeleted && this.ledger.hasLookedNew(id)) continue;
      if (this.ledger.rows(id) > 1) this.#violated(`I15: ${id} has ${this.ledger.rows(id)} rows`);
    }
  }

  /** A poller delivers only events of the action and the time that the schedule asks for. */
  #deliversOnlyWantedEvents(observation: Observation): void {
    if (observation.type !== 'delivery' || this.ledger.isWanted(observation.event)) return;
    this.#violated(`a poller delivers ${observation.event.id}, which is not wanted`);
  }

  /** A poller reports a wrong clock, an unreadable time or an inconsistent list only with a reason, and unreadable times once a run. */
  #reportsOnlyWhatHappens(observation: Observation): void {
    if (observation.type !== 'notice') return;
    const { run } = observation;
    const hasReason = new Map([
      ['clock-skew', this.ledger.hasMetWrongDate],
      ['unreadable-time', this.#log.hasListedUndated],
      ['inconsistent-list', this.ledger.mayFindListInconsistent(run)],
    ]);
    const type: string = observation.notice.type;
    if (hasReason.get(type) === false) this.#violated(`a poller reports ${type} without a reason`);
    const times = run.notices.filter((notice) => notice === type).length;
    // A wrong clock can show in an answer, and once more in the saved state.
    const maxTimes = new Map([
      ['clock-skew', 2],
      ['unreadable-time', 1],
    ]).get(type);
    if (times > (maxTimes ?? times)) this.#violated(`a poller repeats ${type}`);
  }

  /** A poller ends with the consumer's error or with one of the library's, and waits out a retryable error if it may. */
  #endsOnlyAsItMay(observation: Observation): void {
    if (observation.type !== 'error' || observation.error instanceof ConsumerError) return;
    const { error, mayRetry } = observation;
    if (!(error instanceof PlanetScaleAuditError)) this.#violated(`a poller ends with ${error}`);
    else if (error.retryable && mayRetry) this.#violated(`a poller that runs on ends with a retryable ${error}`);
  }

  /** While a run is not over, a poller has a turn or waits for a timer. */
  #alwaysGoesOn({ type }: Observation): void {
    if (type === 'stall') this.#violated('a poller waits without end');
  }
}
