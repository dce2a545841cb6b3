import type { AuditEvent, PollNotice } from 'planetscale-audit';
import type { PollState } from '../../../src/poller/state.ts';
import type { AuditLog } from './audit-log.ts';
import { createdMs } from './created-ms.ts';
import type { Observation, RunRecord } from './observation.ts';
import { dayMs, lookbackMs, retentionMs } from './schedule.ts';

/** The events that a schedule's pollers ask for. */
export interface WantedEvents {
  /** The only wanted action; undefined for all. */
  readonly action: string | undefined;
  /** The time since which events are wanted; -Infinity for all. */
  readonly sinceMs: number;
  /** The id of the event above which everything is wanted. */
  newerThan: string | undefined;
}

/** The facts that the oracle judges: everything that the pollers of one simulation did. */
export class Ledger {
  /** The simulated PlanetScale, which remembers every event that it ever listed. */
  readonly log: AuditLog;
  readonly #wanted: WantedEvents;
  readonly #deliveries = new Map<string, number>();
  /** How many transactions have committed a row of each event. */
  readonly #rows = new Map<string, number>();
  /** Acknowledged in any run. */
  readonly #acknowledged = new Set<string>();
  readonly #committed = new Set<string>();
  #newestCommitted: string | undefined;
  /** How often each event was in flight when a run ended, or its transaction. */
  readonly #endsInFlight = new Map<string, number>();
  /** The events that a first run with `{ newest: n }` or 'now' must deliver of those that it finds. */
  #firstEvents: ReadonlySet<string> | undefined;
  /** The events that were listed before the poller first saved a state, and that it need not deliver. */
  readonly #beforeStart = new Set<string>();
  /** Events that retention deleted before their delivery, and that no notice covers yet. */
  readonly unreportedGap = new Set<string>();
  /** Whether any answer had a wrong `Date`. */
  hasMetWrongDate = false;
  /** Whether a poller has reported possible duplicates. */
  hasReportedDuplicates = false;
  /** The anchors of the last saved state that had any, newest first. */
  anchors: readonly string[] = [];
  /** The first anchor of the state before that one. */
  previousAnchor: string | undefined;
  /** `pendingSince` of the last saved state. */
  pendingSince = '';
  /** `oldestPendingAt` of the last saved state. */
  oldestPendingMs = Number.POSITIVE_INFINITY;
  /** The events that the last saved state has, but for those far ahead of their time. If one is missing, the list is too short. */
  #provingIds: ReadonlySet<string> = new Set();
  /** The server's times at which scans really started. */
  readonly #scanStartsMs: number[] = [];
  /** When the scan of `lastScanStartedAt` in the last saved state really started. */
  #lastScanStartedAtMs = Number.POSITIVE_INFINITY;
  /** When the list can no longer be too short for the poller that knows the last saved state. */
  #freshUntilMs = Number.NEGATIVE_INFINITY;
  /** Whether all anchors of some state were deleted before the next state was saved. */
  haveAnchorsBeenDeleted = false;
  /** Events that were delivered again, and that only the anchors could tell from new ones. */
  readonly #lookedNew = new Set<string>();

  constructor(log: AuditLog, wanted: WantedEvents) {
    this.log = log;
    this.#wanted = wanted;
  }

  /** Adds an observation to the facts. */
  record(observation: Observation): void {
    switch (observation.type) {
      case 'load':
        observation.run.hasLoaded = true;
        observation.run.lastScanStartedAtMs = this.#lastScanStartedAtMs;
        observation.run.deletionsAtStart ??= this.log.deletions;
        return;
      case 'request':
        observation.run.requests++;
        return;
      case 'answer':
        this.#recordAnswer(observation);
        return;
      case 'first scan':
        if (observation.isFirstPage) this.#firstEvents = undefined;
        this.#narrowFirstEvents(observation.newest);
        return;
      case 'notice':
        this.#recordNotice(observation.run, observation.notice);
        return;
      case 'delivery':
        this.#recordDelivery(observation.run, observation.event);
        return;
      case 'acknowledgement':
        for (const { id } of observation.events) {
          observation.run.acknowledged.add(id);
          this.#acknowledged.add(id);
        }
        return;
      case 'transaction':
        for (const { id } of observation.events) this.#rows.set(id, this.rows(id) + 1);
        return;
      case 'rollback': {
        const rolledBack = new Set(observation.events.map(({ id }) => id));
        for (const id of rolledBack) this.#endsInFlight.set(id, this.endsInFlight(id) + 1);
        observation.run.inFlight = observation.run.inFlight.filter((id) => !rolledBack.has(id));
        return;
      }
      case 'save':
        this.#recordCommit(observation.run);
        if (observation.state) this.#recordState(observation.run, observation.state);
        return;
      case 'end of run':
        for (const id of new Set(observation.run.inFlight)) this.#endsInFlight.set(id, this.endsInFlight(id) + 1);
        return;
      case 'retention':
        for (const event of observation.deleted) {
          if (this.#isExpected(event) && !this.#deliveries.has(event.id)) this.unreportedGap.add(event.id);
        }
        return;
      case 'fixpoint':
        if (!this.hasReportedDuplicates) this.#noteDeletedAnchors();
    }
  }

  /** A request without a cursor begins a scan, unless the poller checks an answer to a cursor with the newest page. */
  #recordAnswer({ run, isFirstPage, page, shown, dateOffsetMs }: Extract<Observation, { type: 'answer' }>): void {
    if (isFirstPage && !run.mayCheckWithNewest) {
      run.scan = { hasMetShortList: false, hasMetWrongDate: false, startedAtMs: this.log.nowMs() };
      this.#scanStartsMs.push(this.log.nowMs());
    }
    if (dateOffsetMs !== 0) {
      run.scan.hasMetWrongDate = true;
      this.hasMetWrongDate = true;
    }
    if (shown !== undefined) run.hasMetShortList = true;
    const isEmpty = page.cursorStart === null;
    run.mayCheckWithNewest = !isFirstPage && (isEmpty || !page.hasPrev);
    // A poller can tell an empty list from one whose oldest events are new.
    if (shown !== undefined && shown > 0) run.scan.hasMetShortList = true;
  }

  /** The first scan may meet any event that comes or goes between two of its pages. */
  #narrowFirstEvents(newest: number): void {
    const listed = this.log.listed();
    const ids = listed.filter((event) => this.isWanted(event)).map(({ id }) => id);
    const [firstLeftOut] = ids.slice(newest);
    const isAmong = (id: string) => firstLeftOut === undefined || !this.log.mayChangePlaces(id, firstLeftOut);
    const newestIds = ids.slice(0, newest).filter(isAmong);
    const firstEvents = new Set(newestIds.filter((id) => this.#firstEvents?.has(id) ?? true));
    for (const { id } of listed) if (!firstEvents.has(id)) this.#beforeStart.add(id);
    this.#firstEvents = firstEvents;
  }

  #recordNotice(run: RunRecord, notice: PollNotice): void {
    run.notices.push(notice.type);
    // In a list that is too short, new events can look like old ones below the anchors. Nothing is repeated all the same.
    const isPrecaution = run.hasMetShortList && this.log.deletions === 0;
    if (notice.type === 'possible-duplicates' && !isPrecaution) this.hasReportedDuplicates = true;
    if (notice.type === 'possible-gap') this.unreportedGap.clear();
    if (notice.type === 'late-events') for (const id of notice.ids) run.lateIds.add(id);
  }

  #recordDelivery(run: RunRecord, event: AuditEvent): void {
    const times = this.deliveries(event.id) + 1;
    this.#deliveries.set(event.id, times);
    run.hasDelivered = true;
    run.inFlight.push(event.id);
    this.unreportedGap.delete(event.id);
    if (times > 1 && this.#looksNew(event)) this.#lookedNew.add(event.id);
  }

  #recordCommit(run: RunRecord): void {
    run.hasSaved = true;
    for (const id of run.inFlight.filter((id) => run.acknowledged.has(id))) {
      this.#committed.add(id);
      this.#raiseNewestCommitted(id);
    }
    run.inFlight = run.inFlight.filter((id) => !run.acknowledged.has(id));
  }

  /** The start of the scan that began closest to a time. */
  #scanNearest(ms: number): number {
    const distance = (startMs: number) => Math.abs(startMs - ms);
    return this.#scanStartsMs.reduce((a, b) => (distance(b) < distance(a) ? b : a), Number.POSITIVE_INFINITY);
  }

  #recordState(run: RunRecord, { anchors, seen, pendingSince, oldestPendingAt, lastScanStartedAt }: PollState): void {
    this.#lastScanStartedAtMs = this.#scanNearest(Date.parse(lastScanStartedAt));
    run.lastScanStartedAtMs = this.#lastScanStartedAtMs;
    const known = [...anchors, ...seen]
      .map(([id]) => this.log.everListed(id))
      .filter((event) => event !== undefined)
      .filter((event) => !this.wasFarAhead(event));
    this.#provingIds = new Set(known.map(({ id }) => id));
    const knownSinceMs = Math.max(...known.map((event) => createdMs(event) ?? Number.NEGATIVE_INFINITY));
    this.#freshUntilMs = Math.min(knownSinceMs, this.#lastScanStartedAtMs) + retentionMs - dayMs;
    this.pendingSince = pendingSince ?? '';
    this.oldestPendingMs = oldestPendingAt === null ? Number.POSITIVE_INFINITY : Date.parse(oldestPendingAt);
    if (anchors.length === 0) return;
    this.#noteDeletedAnchors();
    [this.previousAnchor] = this.anchors;
    this.anchors = anchors.map(([id]) => id);
  }

  /**
   * Whether a poller can tell a list that is too short from one whose events retention has taken. The last scan and the events that
   * it met must be younger than the retention for that.
   */
  get hasFreshState(): boolean {
    return this.log.nowMs() < this.#freshUntilMs;
  }

  /** Whether a poller with the last saved state can tell a list without this event from a whole one. */
  misses(id: string): boolean {
    return this.#provingIds.has(id);
  }

  #noteDeletedAnchors(): void {
    if (this.anchors.length > 0 && !this.anchors.some((id) => this.log.isListed(id))) {
      this.haveAnchorsBeenDeleted = true;
    }
  }

  #raiseNewestCommitted(id: string): void {
    if (!this.log.isListed(id)) return;
    if (this.#newestCommitted === undefined || this.log.isBelow(this.#newestCommitted, id)) this.#newestCommitted = id;
  }

  /** Whether the list was too short or changed during this run, or the last saved state has no anchor that is listed. */
  mayFindListInconsistent(run: RunRecord): boolean {
    const hasChanged = run.hasMetShortList || run.hasBeenRefused || this.log.deletions > 0;
    return hasChanged || !this.anchors.some((id) => this.log.isListed(id));
  }

  /** The newest committed event that is still listed. */
  newestCommitted(): string | undefined {
    if (this.#newestCommitted !== undefined && !this.log.isListed(this.#newestCommitted)) {
      this.#newestCommitted = undefined;
      for (const id of this.#committed) this.#raiseNewestCommitted(id);
    }
    return this.#newestCommitted;
  }

  /** How often the event was delivered. */
  deliveries(id: string): number {
    return this.#deliveries.get(id) ?? 0;
  }

  /** How many transactions have committed a row of the event. */
  rows(id: string): number {
    return this.#rows.get(id) ?? 0;
  }

  /** The ids of all delivered events, in the order of their first delivery. */
  get delivered(): readonly string[] {
    return [...this.#deliveries.keys()];
  }

  /** How often the event was in flight when a run ended, or its transaction. */
  endsInFlight(id: string): number {
    return this.#endsInFlight.get(id) ?? 0;
  }

  /** Whether the event was delivered again, and only an anchor could tell it from a new one. */
  hasLookedNew(id: string): boolean {
    return this.#lookedNew.has(id);
  }

  /** Whether the event was postdated beyond the look-back when it became visible. */
  wasFarAhead(event: AuditEvent): boolean {
    return this.log.latenessMs(event) < -lookbackMs;
  }

  /** An event that was postdated beyond the look-back looks new once its time has come. */
  #looksNew(event: AuditEvent): boolean {
    const ms = createdMs(event);
    if (ms === undefined || !this.wasFarAhead(event)) return false;
    return ms <= Math.max(Date.now(), this.log.nowMs()) + lookbackMs;
  }

  /** Whether the pollers still have to deliver the event, or to get it acknowledged. */
  isOwed(event: AuditEvent): boolean {
    return !this.#acknowledged.has(event.id) && this.#isExpected(event);
  }

  /** Whether the event must be delivered if it stays listed. */
  #isExpected(event: AuditEvent): boolean {
    const { newerThan, sinceMs } = this.#wanted;
    if (this.#beforeStart.has(event.id) || !this.isWanted(event)) return false;
    const latenessMs = this.log.latenessMs(event);
    if (latenessMs > lookbackMs) return false;
    // With { since }, a poller cannot know the age of an undated event, and does not look for a postdated one among old events.
    const isDated = createdMs(event) !== undefined && latenessMs >= -lookbackMs;
    if (Number.isFinite(sinceMs) && !isDated) return false;
    if (newerThan === undefined) return true;
    return this.log.isBelow(newerThan, event.id) && !this.mayCrossStart(event.id);
  }

  /** Whether the event is above the one of `newerThan` in some answers, and below it in others. */
  mayCrossStart(id: string): boolean {
    const { newerThan } = this.#wanted;
    return newerThan !== undefined && this.log.mayChangePlaces(newerThan, id);
  }

  /** Whether the event matches the action and the time that the pollers ask for. */
  isWanted(event: AuditEvent): boolean {
    const { action, sinceMs } = this.#wanted;
    return (action === undefined || event.audit_action === action) && (createdMs(event) ?? sinceMs) >= sinceMs;
  }
}
