import type { AuditEvent, PollNotice } from 'planetscale-audit';
import type { PollState } from '../../../src/poller/state.ts';
import type { AuditLog } from './audit-log.ts';
import { createdMs } from './created-ms.ts';
import type { Observation, RunRecord } from './observation.ts';
import { lookbackMs } from './schedule.ts';

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
  /** Acknowledged in any run. */
  readonly #acknowledged = new Set<string>();
  readonly #committed = new Set<string>();
  #newestCommitted: string | undefined;
  /** How often each event was in flight when a run ended. */
  readonly #endsInFlight = new Map<string, number>();
  /** The events that a first run with `{ newest: n }` or 'now' must deliver of those that it finds. */
  #firstEvents: ReadonlySet<string> | undefined;
  /** The events that were listed before the poller first saved a state, and that it need not deliver. */
  readonly #beforeStart = new Set<string>();
  /** Events that retention deleted before their delivery, and that no notice covers yet. */
  readonly unreportedGap = new Set<string>();
  /** Whether a poller has reported possible duplicates. */
  hasReportedDuplicates = false;
  /** The anchors of the last saved state that had any, newest first. */
  anchors: readonly string[] = [];
  /** The first anchor of the state before that one. */
  previousAnchor: string | undefined;
  /** `pendingSince` of the last saved state. */
  pendingSince = '';
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
        return;
      case 'request':
        observation.run.requests++;
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
      case 'save':
        this.#recordCommit(observation.run);
        if (observation.state) this.#recordState(observation.state);
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

  /** The first scan may meet any event that comes or goes between two of its pages. */
  #narrowFirstEvents(newest: number): void {
    const listed = this.log.listed();
    const ids = listed.filter((event) => this.isWanted(event)).map(({ id }) => id);
    const firstEvents = new Set(ids.slice(0, newest).filter((id) => this.#firstEvents?.has(id) ?? true));
    for (const { id } of listed) if (!firstEvents.has(id)) this.#beforeStart.add(id);
    this.#firstEvents = firstEvents;
  }

  #recordNotice(run: RunRecord, notice: PollNotice): void {
    if (notice.type === 'possible-duplicates') this.hasReportedDuplicates = true;
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

  #recordState({ anchors, pendingSince }: PollState): void {
    this.pendingSince = pendingSince ?? '';
    if (anchors.length === 0) return;
    this.#noteDeletedAnchors();
    [this.previousAnchor] = this.anchors;
    this.anchors = anchors.map(([id]) => id);
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

  /** The ids of all delivered events, in the order of their first delivery. */
  get delivered(): readonly string[] {
    return [...this.#deliveries.keys()];
  }

  /** How often the event was in flight when a run ended. */
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
    return newerThan === undefined || this.log.isBelow(newerThan, event.id);
  }

  /** Whether the event matches the action and the time that the pollers ask for. */
  isWanted(event: AuditEvent): boolean {
    const { action, sinceMs } = this.#wanted;
    return (action === undefined || event.audit_action === action) && (createdMs(event) ?? sinceMs) >= sinceMs;
  }
}
