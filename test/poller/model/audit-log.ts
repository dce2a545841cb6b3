import { AuditApiError, type AuditEvent, type AuditPage, type PageQuery } from 'planetscale-audit';
import { auditLogPage } from '../../../src/testing/fake/audit-log-page.ts';
import { EventList, isOlder, type ListedEvent } from '../../../src/testing/fake/event-list.ts';
import { createdMs } from './created-ms.ts';

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
}

const retentionMs = 15 * 24 * 60 * 60_000;

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
  readonly #startedAtMs: number;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#startedAtMs = this.nowMs();
  }

  /** The server's time. */
  nowMs(): number {
    return Date.now() + this.#options.skewMs;
  }

  /** Adds an event that becomes visible now, `lateMs` after its `created_at`. A negative `lateMs` postdates the event. */
  add(auditAction: string, lateMs: number): void {
    const { tickMs } = this.#options;
    const createdMs = Math.floor((this.nowMs() - lateMs) / tickMs) * tickMs;
    this.#add(auditAction, new Date(createdMs).toISOString(), createdMs);
  }

  /** Adds an event whose `created_at` is not a date. */
  addUndated(auditAction: string, lateMs: number): void {
    this.#add(auditAction, 'a moment ago', this.nowMs() - lateMs);
  }

  #add(audit_action: string, created_at: string, created: number): void {
    const inserted = Math.min(created + this.#options.insertedWithinMs, this.nowMs());
    const id = `e${this.#list.added}`;
    const place = { added: 0, created, inserted }[this.#options.order];
    this.#list.add(eventOf(id, audit_action, created_at), place);
    const listed = this.#list.find(id);
    if (listed) this.#everListed.set(id, listed);
    this.#visibleSinceMs.set(id, this.nowMs());
  }

  /** Takes an event off the list. */
  delete(id: string): void {
    this.#list.remove(id);
  }

  /** Whether any event has been deleted. */
  get hasDeleted(): boolean {
    return [...this.#everListed.keys()].some((id) => !this.isListed(id));
  }

  /** How long the log has existed. */
  get ageMs(): number {
    return this.nowMs() - this.#startedAtMs;
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
    let answer = auditLogPage(this.#list, query, 'nearest');
    if (!answer) {
      if (unknownCursor === 'not-found') throw new AuditApiError('Not Found', { status: 404 });
      if (unknownCursor === 'empty') return emptyPage;
      answer = auditLogPage(this.#list, { ...query, startingAfter: null }, 'nearest');
    }
    if (!answer) return emptyPage;
    return {
      events: answer.data.filter(({ audit_action }) => actions?.includes(audit_action) ?? true),
      hasNext: answer.has_next,
      hasPrev: answer.has_prev,
      cursorStart: answer.cursor_start,
      cursorEnd: answer.cursor_end,
    };
  }

  /** The Date header of an answer that leaves now. */
  date(): Date | undefined {
    return this.#options.hasDateHeader ? new Date(Math.floor(this.nowMs() / 1000) * 1000) : undefined;
  }

  /**
   * Deletes the events that PlanetScale no longer keeps, and returns them. A postdated event goes with the events that became
   * visible on the same day: an event that outlived them would hide a gap, as docs/internals/polling.md says.
   */
  applyRetention(): AuditEvent[] {
    const keptSinceMs = this.nowMs() - retentionMs;
    const isExpired = (event: AuditEvent) => {
      const visibleSinceMs = this.#visibleSinceMs.get(event.id) ?? 0;
      return Math.min(createdMs(event) ?? visibleSinceMs, visibleSinceMs) < keptSinceMs;
    };
    const expired = this.listed().filter(isExpired);
    for (const { id } of expired) this.#list.remove(id);
    return expired;
  }
}

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
