import { AuditApiError, type AuditEvent, type AuditPage, type PageQuery } from 'planetscale-audit';
import { type AuditLogPage, auditLogPage } from '../../../src/testing/fake/audit-log-page.ts';
import { EventList, isOlder, type ListedEvent } from '../../../src/testing/fake/event-list.ts';
import { createdMs } from './created-ms.ts';
import { mulberry32 } from './random.ts';
import { dayMs, lookbackMs } from './schedule.ts';

/** How the simulated PlanetScale behaves. */
export interface AuditLogOptions {
  /**
   * The order of the list: by when events become visible, by `created_at`, or by an insert in between. Rows of a database are
   * listed by insert if the insert gives the id and the commit makes the row visible.
   */
  readonly order: 'added' | 'created' | 'inserted';
  /** How long after its `created_at` an event takes its place in the order 'inserted'. It may become visible later still. */
  readonly insertedWithinMs: number;
  /** The answer to a cursor that is not listed. */
  readonly unknownCursor: 'not-found' | 'empty' | 'first-page';
  /** Whether the server applies the filter by action. */
  readonly filters: 'honoured' | 'ignored';
  /** The maximum number of events on a page. */
  readonly pageSize: number;
  /** Whether an answer tells the server's time. */
  readonly hasDateHeader: boolean;
  /** Whether the log can change between reading the list for an answer and dating that answer. */
  readonly answersSlowly: boolean;
  /** How far the server's clock runs ahead of the poller's clock. */
  readonly skewMs: number;
  /** How long before its `created_at` an event may become visible. */
  readonly aheadMs: number;
  /** The resolution of `created_at`. Events within one tick share it. */
  readonly tickMs: number;
  /** The seed of a new order of equal times in every answer; undefined if all answers have the same order. */
  readonly shuffleSeed: number | undefined;
}

const keptMs = 15 * dayMs;

/** A list that ends too early, for a number of answers or until a time has come. */
interface ShortList {
  /** Whether a poller with the last saved state can tell that the event is missing. */
  readonly isMissed: (id: string) => boolean;
  readonly shown: number;
  answersLeft: number;
  readonly untilMs: number;
}

const emptyPage = { events: [], hasNext: false, hasPrev: false, cursorStart: null, cursorEnd: null } as const;

/**
 * The event list behind the fake PlanetScale, without HTTP and JSON: those would take most of a schedule's time. The log remembers
 * every event that it has ever listed, and its place, so that an oracle can judge a poller.
 */
export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #list = new EventList();
  readonly #everListed = new Map<string, ListedEvent>();
  readonly #visibleSinceMs = new Map<string, number>();
  /** Orders equal times anew in every answer; undefined if their order stays. */
  readonly #random: (() => number) | undefined;
  #wrongDates = { offsetMs: 0, answersLeft: 0 };
  #shortList: ShortList | undefined;
  #deletions = 0;
  #hasListedUndated = false;
  #importedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    const { order, shuffleSeed } = options;
    if (order === 'created' && shuffleSeed !== undefined) this.#random = mulberry32(shuffleSeed);
  }

  /** The server's time. */
  nowMs(): number {
    return Date.now() + this.#options.skewMs;
  }

  /** Adds an event that becomes visible now, `lateMs` after its `created_at`. A negative `lateMs` postdates the event. */
  add(auditAction: string, lateMs: number): void {
    const { tickMs } = this.#options;
    const createdMs = Math.floor((this.nowMs() - lateMs) / tickMs) * tickMs;
    this.#add(auditAction, new Date(createdMs).toISOString(), createdMs, this.#insertedMs(createdMs));
  }

  /** Adds an event that is inserted and becomes visible now, `ageMs` after its `created_at`. Events that follow are inserted later. */
  import(auditAction: string, ageMs: number): void {
    const createdMs = this.nowMs() - ageMs;
    this.#importedAtMs = this.nowMs();
    this.#add(auditAction, new Date(createdMs).toISOString(), createdMs, this.#importedAtMs);
  }

  /** Adds an event whose `created_at` is not a date. */
  addUndated(auditAction: string, lateMs: number): void {
    const createdMs = this.nowMs() - lateMs;
    this.#hasListedUndated = true;
    this.#add(auditAction, 'a moment ago', createdMs, this.#insertedMs(createdMs));
  }

  /** No event takes a place below an import: its insert would have to be older than the import, and its commit younger. */
  #insertedMs(createdMs: number): number {
    return Math.max(Math.min(createdMs + this.#options.insertedWithinMs, this.nowMs()), this.#importedAtMs);
  }

  #add(audit_action: string, created_at: string, created: number, inserted: number): void {
    const id = `e${this.#list.added}`;
    const place = { added: 0, created, inserted }[this.#options.order];
    this.#list.add(eventOf(id, audit_action, created_at), place);
    const listed = this.#list.find(id);
    if (listed) this.#everListed.set(id, listed);
    this.#visibleSinceMs.set(id, this.nowMs());
  }

  /** Lets the next answers, until a time has passed, show the newest events as if they were the whole list. */
  shorten(shown: number, answers: number, ms: number, isMissed: (id: string) => boolean): void {
    this.#shortList = { shown, answersLeft: answers, untilMs: this.nowMs() + ms, isMissed };
  }

  /** Shows the whole list again. */
  endShortList(): void {
    this.#shortList = undefined;
  }

  /** How many events the next answer shows as the whole list; undefined if it shows all. */
  get shown(): number | undefined {
    const short = this.#shortList;
    return short && short.answersLeft > 0 && this.nowMs() < short.untilMs ? short.shown : undefined;
  }

  /**
   * The list as the next answer shows it. A short list shows no event that became visible too late: no poller can tell a list that
   * ends at such an event from one whose older events were deleted. It hides at least one event that the poller misses, or
   * nothing.
   */
  #takeShownList(): EventList {
    const count = this.shown;
    if (!this.#shortList || count === undefined) return this.#list;
    this.#shortList.answersLeft--;
    const all = [...this.#list.older()];
    const lowestMissed = all.findLastIndex(({ event }) => this.#shortList?.isMissed(event.id));
    if (lowestMissed === -1) return this.#list;
    const newest = all.slice(0, Math.min(count, lowestMissed));
    const tooLate = newest.findIndex(({ event }) => this.latenessMs(event) > lookbackMs);
    const shown = new EventList();
    const oldestFirst = newest.slice(0, tooLate === -1 ? undefined : tooLate).reverse();
    for (const { event, instant } of oldestFirst) shown.add(event, instant);
    return shown;
  }

  /** Takes an event off the list. */
  delete(id: string): void {
    if (this.#list.remove(id)) this.#deletions++;
  }

  /** How many events have been deleted. */
  get deletions(): number {
    return this.#deletions;
  }

  /** Whether any event has been listed with a `created_at` that is not a date. */
  get hasListedUndated(): boolean {
    return this.#hasListedUndated;
  }

  /** The listed events, newest first. */
  listed(): AuditEvent[] {
    return [...this.#list.older()].map(({ event }) => event);
  }

  /** The event with this id, even if it has been deleted. */
  everListed(id: string): AuditEvent | undefined {
    return this.#everListed.get(id)?.event;
  }

  /** Whether the event is, or was, older in the list than the other event. */
  isBelow(id: string, other: string): boolean {
    const [a, b] = [this.#everListed.get(id), this.#everListed.get(other)];
    return a !== undefined && b !== undefined && isOlder(a, b);
  }

  /** How long after its `created_at` the event became visible; 0 if `created_at` is not a date. */
  latenessMs(event: AuditEvent): number {
    const visibleSinceMs = this.#visibleSinceMs.get(event.id) ?? 0;
    return visibleSinceMs - (createdMs(event) ?? visibleSinceMs);
  }

  /** Whether the event is on the list now. */
  isListed(id: string): boolean {
    return this.#list.find(id) !== undefined;
  }

  /** The answer to a request for a page, without the Date header. */
  page({ startingAfter, actions }: PageQuery): Omit<AuditPage, 'servedAt'> {
    const { pageSize, filters, unknownCursor } = this.#options;
    const query = {
      startingAfter: startingAfter ?? null,
      endingBefore: null,
      limit: pageSize,
      actions: new Set(filters === 'honoured' ? actions : []),
    };
    const list = this.#takeShownList();
    let answer = auditLogPage(list, query, 'nearest');
    if (!answer) {
      if (unknownCursor === 'not-found') throw new AuditApiError('Not Found', { status: 404 });
      if (unknownCursor === 'empty') return emptyPage;
      answer = auditLogPage(list, { ...query, startingAfter: null }, 'nearest');
    }
    if (!answer) return emptyPage;
    const received = this.#shuffleEqualTimes(answer);
    const events = received.filter(({ audit_action }) => actions?.includes(audit_action) ?? true);
    return {
      events,
      hasNext: answer.has_next,
      hasPrev: answer.has_prev,
      cursorStart: received.at(0)?.id ?? null,
      cursorEnd: received.at(-1)?.id ?? null,
      ...(events.length < received.length && { received }),
    };
  }

  /** Whether the answer to a cursor that is not listed is the newest page. */
  get givesFirstPage(): boolean {
    return this.#options.unknownCursor === 'first-page';
  }

  /** Whether equal times come in a new order in every answer. */
  get changesOrder(): boolean {
    return this.#random !== undefined;
  }

  /** Whether the order of the two events may change from answer to answer. */
  mayChangePlaces(id: string, other: string): boolean {
    const [a, b] = [this.everListed(id), this.everListed(other)];
    return this.changesOrder && a?.created_at === b?.created_at;
  }

  /** Shuffles events of one time that are on this page alone. The events at its end stay, because a cursor depends on their order. */
  #shuffleEqualTimes({ data, has_next, has_prev }: AuditLogPage): readonly AuditEvent[] {
    const random = this.#random;
    if (!random) return data;
    const isOnOtherPages = ({ created_at }: AuditEvent) =>
      (has_prev && created_at === data.at(0)?.created_at) || (has_next && created_at === data.at(-1)?.created_at);
    return runsOfEqualTimes(data).flatMap((run) => {
      if (run.some(isOnOtherPages)) return run;
      const placed = run.map((event) => ({ event, place: random() }));
      return placed.sort((a, b) => a.place - b.place).map(({ event }) => event);
    });
  }

  /** Makes the Date header of the next answers wrong, if they have one and unless the last answer had a wrong one: three in a row would be believed. */
  misdate(offsetMs: number, answers: number): void {
    if (this.#options.hasDateHeader && this.#wrongDates.offsetMs === 0)
      this.#wrongDates = { offsetMs, answersLeft: answers };
  }

  /** Makes the next Date headers right. */
  endWrongDates(): void {
    this.#wrongDates = { offsetMs: 0, answersLeft: 0 };
  }

  /**
   * Returns how wrong the Date header of the next answer is. Only an offset of more than a day can be told from the difference of two
   * clocks by a poller that has had no right answer yet.
   */
  takeDateOffsetMs(hasHadRightDate: boolean): number {
    const { offsetMs, answersLeft } = this.#wrongDates;
    if (answersLeft === 0) this.endWrongDates();
    if (answersLeft === 0 || (Math.abs(offsetMs) < dayMs && !hasHadRightDate)) return 0;
    this.#wrongDates = { offsetMs, answersLeft: answersLeft - 1 };
    return offsetMs;
  }

  /** The Date header of an answer that leaves now. */
  date(offsetMs: number): Date | undefined {
    const ms = Math.floor(this.nowMs() / 1000) * 1000 + offsetMs;
    return this.#options.hasDateHeader ? new Date(ms) : undefined;
  }

  /**
   * Deletes the events that PlanetScale no longer keeps, and returns them. A postdated event goes with the events that became
   * visible on the same day: an event that outlived them would hide a gap, as docs/internals/polling.md says.
   */
  applyRetention(): AuditEvent[] {
    const keptSinceMs = this.nowMs() - keptMs;
    const isExpired = (event: AuditEvent) => {
      const visibleSinceMs = this.#visibleSinceMs.get(event.id) ?? 0;
      return Math.min(createdMs(event) ?? visibleSinceMs, visibleSinceMs) < keptSinceMs;
    };
    const expired = this.listed().filter(isExpired);
    for (const { id } of expired) this.delete(id);
    return expired;
  }
}

/** Divides a page into runs of events with the same readable time. */
const runsOfEqualTimes = (events: readonly AuditEvent[]): AuditEvent[][] => {
  const runs: AuditEvent[][] = [];
  for (const event of events) {
    const run = runs.at(-1);
    if (run?.[0]?.created_at === event.created_at && createdMs(event) !== undefined) run.push(event);
    else runs.push([event]);
  }
  return runs;
};

const eventOf = (id: string, audit_action: string, created_at: string): AuditEvent => ({
  id,
  audit_action,
  action: null,
  actor_id: null,
  actor_type: null,
  actor_display_name: null,
  auditable_id: null,
  auditable_type: null,
  auditable_display_name: null,
  target_id: null,
  target_type: null,
  target_display_name: null,
  location: null,
  remote_ip: null,
  metadata: null,
  created_at,
  updated_at: null,
});
