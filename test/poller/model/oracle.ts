import type { AuditEvent, PollNotice } from 'planetscale-audit';
import { parseTimestamp } from '../../../src/internal/timestamp.ts';
import { decodeState } from '../../../src/poller/state.ts';
import type { AuditLog } from './audit-log.ts';
import { dayMs, lookbackMs, type PollerRun } from './schedule.ts';

/** What a poller does during one of its lives, as seen from outside. */
export class RunRecord {
  /** Handed over, and not covered by a save. */
  inHand: string[] = [];
  readonly done = new Set<string>();
  readonly lateIds = new Set<string>();
  /** What this life has handed over last, late events aside: what follows must stand above it. */
  last: string | undefined;
  hasLoaded = false;
  hasSaved = false;
  requests = 0;
  readonly drain: boolean;

  constructor({ drain }: PollerRun) {
    this.drain = drain;
  }
}

/** Which events a poller was asked for. */
export interface Asked {
  readonly action: string | undefined;
  readonly sinceMs: number;
  /** The event above which all is wanted. */
  after: string | undefined;
}

/**
 * Judges a poller by the audit log's own ledger: each promise that is broken is a violation, named after the invariants of
 * docs/polling.md.
 */
export class Oracle {
  readonly violations: string[] = [];
  readonly #log: AuditLog;
  readonly #asked: Asked;
  /** With several pollers on one key each sees only its own part of the order. */
  readonly #isAlone: boolean;
  readonly #judged: RegExp;
  readonly #deliveries = new Map<string, number>();
  /** By whichever life. */
  readonly #done = new Set<string>();
  readonly #committed = new Set<string>();
  #newest: string | undefined;
  /** How often each event was in hand when a poller came to its end. */
  readonly #inHandAtAnEnd = new Map<string, number>();
  /** What the poller begins with, of what is there already. */
  #latest: ReadonlySet<string> | undefined;
  /** What else was there before the poller first knew where it stands, and need not be delivered. */
  readonly #atStart = new Set<string>();
  /** Events that retention took from a poller which had not delivered them, and of which no notice tells yet. */
  readonly #untoldGap = new Set<string>();
  #hasLostAnchors = false;
  /** Of the state that was saved last. */
  #anchors: readonly string[] = [];
  #undoneSince = '';
  /** Whether those of any state were all deleted, before the next was saved. */
  #anchorsWereGone = false;
  /** What was delivered again, and could not be told from a new event but by the anchors. */
  readonly #lookedNew = new Set<string>();

  /** @param judged the violations that count */
  constructor(log: AuditLog, asked: Asked, isAlone: boolean, judged: RegExp) {
    this.#log = log;
    this.#asked = asked;
    this.#isAlone = isAlone;
    this.#judged = judged;
  }

  violated(what: string): void {
    if (this.#judged.test(what)) this.violations.push(what);
  }

  /** The poller begins with so many of what it is asked for, and with what comes after its first scan. */
  beginsWith(latest: number): void {
    this.#latest = undefined;
    this.walksOn(latest);
  }

  /** Still in the first scan: of what comes and goes meanwhile it may meet this or that. */
  walksOn(latest: number): void {
    const newest = this.#log.listed().filter((event) => this.#isAsked(event));
    const ids = newest.slice(0, latest).map(({ id }) => id);
    this.#latest = new Set(ids.filter((id) => this.#latest?.has(id) ?? true));
    for (const { id } of this.#log.listed()) if (!this.#latest.has(id)) this.#atStart.add(id);
  }

  retained(deleted: readonly AuditEvent[]): void {
    for (const event of deleted) {
      if (this.#isExpected(event) && !this.#deliveries.has(event.id)) this.#untoldGap.add(event.id);
    }
  }

  requested(life: RunRecord): void {
    life.requests++;
    if (!life.hasLoaded) this.violated('I12: asks for events before it knows where it stands');
  }

  noticed(life: RunRecord, notice: PollNotice): void {
    if (notice.type === 'possible-duplicates') {
      this.#hasLostAnchors = true;
      this.#judgeLostAnchors(life);
    }
    if (notice.type === 'possible-gap') {
      this.#untoldGap.clear();
      if (this.#log.ageMs < dayMs - lookbackMs) this.violated('I7: tells of a gap before a day has passed');
    }
    if (notice.type === 'late-events') for (const id of notice.ids) life.lateIds.add(id);
  }

  /** One that was far ahead of its time may be missed though it is listed. */
  #judgeLostAnchors(life: RunRecord): void {
    const anchors = this.#anchors.map((id) => this.#log.everListed(id)).filter((event) => event !== undefined);
    if (anchors.some((event) => this.#wasFarAhead(event))) return;
    if (!this.#log.hasDeleted) this.violated('I2: tells of anchors that are lost, and nothing was ever deleted');
    const kept = anchors.find(({ id }) => this.#log.isListed(id));
    // A poller that runs on may have moved them without a save.
    if (this.#isAlone && life.drain && !life.hasSaved && kept !== undefined) {
      this.violated(`I2: tells of anchors that are lost, and ${kept.id} is listed`);
    }
  }

  #wasFarAhead(event: AuditEvent): boolean {
    return this.#log.latenessMs(event) < -lookbackMs;
  }

  delivered(life: RunRecord, event: AuditEvent): void {
    const { id } = event;
    const before = this.#deliveries.get(id) ?? 0;
    this.#deliveries.set(id, before + 1);
    life.inHand.push(id);
    this.#untoldGap.delete(id);
    if (before > 0 && this.#looksNew(event)) this.#lookedNew.add(id);
    if (this.#log.isListed(id)) this.#judgeAge(event);
    if (!this.#isAsked(event)) this.violated(`delivers ${id}, which was not asked for`);
    if (before > 0 || this.#hasLostAnchors || !this.#isAlone) return;
    if (life.lateIds.has(id) || !this.#log.isListed(id)) return;
    for (const above of [this.#newestCommitted(), life.last]) {
      if (above === undefined || !this.#log.isListed(above) || !this.#log.isBelow(id, above)) continue;
      this.violated(`I3: delivers ${id} after ${above}, which stands above it`);
    }
    life.last = id;
  }

  /** Of those that are listed. */
  #newestCommitted(): string | undefined {
    if (this.#newest !== undefined && !this.#log.isListed(this.#newest)) {
      this.#newest = undefined;
      for (const id of this.#committed) this.#raiseNewest(id);
    }
    return this.#newest;
  }

  #raiseNewest(id: string): void {
    if (!this.#log.isListed(id)) return;
    if (this.#newest === undefined || this.#log.isBelow(this.#newest, id)) this.#newest = id;
  }

  done(life: RunRecord, events: readonly AuditEvent[]): void {
    for (const { id } of events) {
      life.done.add(id);
      this.#done.add(id);
    }
  }

  saved(life: RunRecord, text: string): void {
    if (!life.hasLoaded) this.violated('I12: saves without having loaded');
    life.hasSaved = true;
    for (const id of life.inHand.filter((id) => life.done.has(id))) {
      this.#committed.add(id);
      this.#raiseNewest(id);
    }
    life.inHand = life.inHand.filter((id) => !life.done.has(id));
    this.#checkState(text);
  }

  #checkState(text: string): void {
    const state = decodeState(text);
    if (!state) {
      this.violated(`I8: saves ${text.length} characters that cannot be read again`);
      return;
    }
    if (state.anchors.length > 10 || state.seen.length > 10_000) {
      this.violated(`I8: saves ${state.anchors.length} anchors and ${state.seen.length} seen`);
    }
    for (const [id] of [...state.seen, ...state.anchors]) {
      const event = this.#log.everListed(id);
      if (event && this.#isOwed(event)) this.violated(`I6: commits ${id}, which is not done`);
    }
    const listed = this.#log.listed();
    this.#undoneSince = state.pendingSince ?? '';
    for (const event of listed) this.#judgeAge(event);
    const first = state.anchors[0]?.[0];
    if (first === undefined) return;
    for (const event of listed) {
      if (this.#log.isBelow(first, event.id) || !this.#isOwed(event)) continue;
      this.violated(`I4: settles ${first} with ${event.id} below it, which is not done`);
    }
    for (const id of this.#untoldGap) {
      if (!this.#log.isBelow(id, first)) continue;
      this.violated(`I7: settles ${first} above ${id}, which is gone, without a notice`);
    }
    this.#noteGoneAnchors();
    const [before] = this.#anchors;
    this.#anchors = state.anchors.map(([id]) => id);
    if (before === undefined || this.#hasLostAnchors || !this.#log.isListed(before)) return;
    if (this.#log.isBelow(first, before)) this.violated(`I5: the anchor moves down, from ${before} to ${first}`);
  }

  /** The log writes all times alike, so that text compares as they do. */
  #judgeAge(event: AuditEvent): void {
    if (event.created_at >= this.#undoneSince || !this.#isOwed(event)) return;
    this.violated(`I4: what is older than ${this.#undoneSince} counts as done, with ${event.id}, which is not`);
  }

  ended(life: RunRecord): void {
    for (const id of new Set(life.inHand)) {
      this.#inHandAtAnEnd.set(id, (this.#inHandAtAnEnd.get(id) ?? 0) + 1);
    }
  }

  /** Once faults have stopped, and two scans were completed. */
  settled(): void {
    const lost = this.#log.listed().filter((event) => this.#isOwed(event));
    for (const { id } of lost) this.violated(`I1: ${id} is lost`);
    for (const id of this.#untoldGap) this.violated(`I7: ${id} is gone, without a notice`);
    if (this.#hasLostAnchors) return;
    this.#noteGoneAnchors();
    for (const [id, count] of this.#deliveries) {
      if (this.#anchorsWereGone && this.#lookedNew.has(id)) continue;
      if (count - 1 > (this.#inHandAtAnEnd.get(id) ?? 0)) {
        this.violated(
          `I2: ${id} is delivered ${count} times, and was in hand at ${this.#inHandAtAnEnd.get(id) ?? 0} ends`,
        );
      }
    }
  }

  #noteGoneAnchors(): void {
    if (this.#anchors.length > 0 && !this.#anchors.some((id) => this.#log.isListed(id))) this.#anchorsWereGone = true;
  }

  /** Far ahead of its time when it became visible, and no longer now. */
  #looksNew(event: AuditEvent): boolean {
    const createdMs = parseTimestamp(event.created_at);
    if (createdMs === undefined || !this.#wasFarAhead(event)) return false;
    return createdMs <= Math.max(Date.now(), this.#log.nowMs()) + lookbackMs;
  }

  get deliveredInOrder(): readonly string[] {
    return [...this.#deliveries.keys()];
  }

  #isOwed(event: AuditEvent): boolean {
    return !this.#done.has(event.id) && this.#isExpected(event);
  }

  /** Must be delivered, if it stays listed. */
  #isExpected(event: AuditEvent): boolean {
    const { after, sinceMs } = this.#asked;
    if (this.#atStart.has(event.id) || !this.#isAsked(event)) return false;
    const latenessMs = this.#log.latenessMs(event);
    if (latenessMs > lookbackMs) return false;
    // Nobody can tell whether one without a date was created since then, nor look for one far ahead of its time among the old.
    const isDated = parseTimestamp(event.created_at) !== undefined && latenessMs >= -lookbackMs;
    if (Number.isFinite(sinceMs) && !isDated) return false;
    return after === undefined || this.#log.isBelow(after, event.id);
  }

  #isAsked({ audit_action, created_at }: AuditEvent): boolean {
    const { action, sinceMs } = this.#asked;
    return (action === undefined || audit_action === action) && (parseTimestamp(created_at) ?? sinceMs) >= sinceMs;
  }
}
