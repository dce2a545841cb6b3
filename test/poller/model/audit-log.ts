import { AuditApiError, type AuditEvent, type AuditPage, type PageQuery } from 'planetscale-audit';
import { parseTimestamp } from '../../../src/internal/timestamp.ts';
import { auditLogPage } from '../../../src/testing/fake/audit-log-page.ts';
import { EventList, isOlder, type ListedEvent } from '../../../src/testing/fake/event-list.ts';

export interface AuditLogOptions {
  /**
   * By when events become visible, by when they were created, or by a place that each takes in between, as rows do whose id is
   * given by the insert and which the commit shows.
   */
  readonly order: 'added' | 'created' | 'inserted';
  /** How long after its `created_at` an event may take its place in the order 'inserted'. The rest of how late it is comes after. */
  readonly insertedWithinMs: number;
  readonly unknownCursor: 'not-found' | 'empty' | 'first-page';
  readonly filters: 'honoured' | 'ignored';
  readonly pageSize: number;
  readonly hasDateHeader: boolean;
  /** Whether something can happen after the list has been read for an answer, and before that is dated. */
  readonly answersSlowly: boolean;
  /** How far the server's clock runs ahead of the poller's. */
  readonly skewMs: number;
  /** How long before its `created_at` an event may become visible. */
  readonly aheadMs: number;
  /** The smallest step of `created_at`: events within one share it. */
  readonly tickMs: number;
}

const retentionMs = 15 * 24 * 60 * 60_000;

const emptyPage = { events: [], hasNext: false, hasPrev: false, cursorStart: null, cursorEnd: null } as const;

/**
 * The list behind the fake PlanetScale, asked without HTTP and JSON, which would be most of the time that a schedule takes. It
 * remembers what it has ever listed, and where: the ledger by which a poller is judged.
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

  nowMs(): number {
    return Date.now() + this.#options.skewMs;
  }

  /** An event that becomes visible now, so long after its `created_at`; before it, where that is negative. */
  add(auditAction: string, lateMs: number): void {
    const { tickMs } = this.#options;
    const createdMs = Math.floor((this.nowMs() - lateMs) / tickMs) * tickMs;
    this.#add(auditAction, new Date(createdMs).toISOString(), createdMs);
  }

  /** The same with a `created_at` that is no date. */
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

  delete(id: string): void {
    this.#list.remove(id);
  }

  get hasDeleted(): boolean {
    return [...this.#everListed.keys()].some((id) => !this.isListed(id));
  }

  /** How long it has been there. */
  get ageMs(): number {
    return this.nowMs() - this.#startedAtMs;
  }

  /** All that is listed, newest first. */
  listed(): AuditEvent[] {
    return [...this.#list.older()].map(({ event }) => event);
  }

  /** The event, though it may have been deleted. */
  everListed(id: string): AuditEvent | undefined {
    return this.#everListed.get(id)?.event;
  }

  /** Whether the event stands, or stood, below the other. */
  isBelow(id: string, other: string): boolean {
    const [a, b] = [this.#everListed.get(id), this.#everListed.get(other)];
    return a !== undefined && b !== undefined && isOlder(a, b);
  }

  /** How long after its `created_at` the event became visible; 0 where that is no date. */
  latenessMs({ id, created_at }: AuditEvent): number {
    return (this.#visibleSinceMs.get(id) ?? 0) - (parseTimestamp(created_at) ?? this.#visibleSinceMs.get(id) ?? 0);
  }

  isListed(id: string): boolean {
    return this.#list.find(id) !== undefined;
  }

  /** As {@link PlanetScaleAuditClient.page} reads it, but for its date. */
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

  /** What the Date header of an answer says that leaves now. */
  date(): Date | undefined {
    return this.#options.hasDateHeader ? new Date(Math.floor(this.nowMs() / 1000) * 1000) : undefined;
  }

  /**
   * Deletes what is older than PlanetScale keeps, and tells what that was. An event ahead of its time goes with those of its day:
   * one that outlived them would hide a gap, as docs/polling.md says.
   */
  retain(): AuditEvent[] {
    const keptSinceMs = this.nowMs() - retentionMs;
    const isOld = ({ id, created_at }: AuditEvent) => {
      const visibleSinceMs = this.#visibleSinceMs.get(id) ?? 0;
      return Math.min(parseTimestamp(created_at) ?? visibleSinceMs, visibleSinceMs) < keptSinceMs;
    };
    const old = this.listed().filter(isOld);
    for (const { id } of old) this.#list.remove(id);
    return old;
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
