import type { AuditEvent } from '../audit-log/event.ts';
import type { AuditPage } from '../audit-log/page.ts';
import { parseTimestamp } from '../internal/timestamp.ts';

/** What the poller remembers of an event: its id, to recognize it, and a time, to know its age. */
export type EventRef = readonly [id: string, createdAt: string];

/** An event of the list. Of an event that the poller's `actions` exclude, only the id and the time are needed. */
export type ListedEvent = AuditEvent | Pick<AuditEvent, 'id' | 'created_at'>;

/** Returns all events that PlanetScale listed on the page, newest first. It may have ignored the poller's `actions`. */
export function listedEvents({ events, received }: AuditPage): readonly ListedEvent[] {
  if (!received) return events;
  const requested = new Map(events.map((event) => [event.id, event]));
  return received.map(({ id, created_at }) => requested.get(id) ?? { id, created_at });
}

export const isRequested = (event: ListedEvent): event is AuditEvent => 'audit_action' in event;

export const refOf = ({ id, created_at }: ListedEvent): EventRef => [id, created_at];

/** Returns false for an unreadable time. The poller therefore never treats such an event as old. */
export const isBefore = ([, createdAt]: EventRef, ms: number): boolean =>
  (parseTimestamp(createdAt) ?? Number.POSITIVE_INFINITY) < ms;

/** The length of a timestamp with nine decimals and an offset. */
const maxTimeLength = 35;

/**
 * Returns a ref with a readable time of limited length, for the state. If PlanetScale's time cannot be read, the ref has the latest
 * time at which an event that was read now can have been created: an event is at most one look-back ahead of its time.
 */
export const datedRef = (ref: EventRef, nowMs: number, lookbackMs: number): EventRef => {
  const [id, createdAt] = ref;
  const ms = parseTimestamp(createdAt);
  if (ms === undefined) return [id, new Date(nowMs + lookbackMs).toISOString()];
  return createdAt.length <= maxTimeLength ? ref : [id, new Date(ms).toISOString()];
};
