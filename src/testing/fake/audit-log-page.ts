import type { AuditEvent } from '../../audit-log/event.ts';
import { type EventList, isOlder, type ListedEvent } from './event-list.ts';

/** The parsed query of a request for the audit log. */
export interface AuditLogQuery {
  readonly startingAfter: string | null;
  readonly endingBefore: string | null;
  readonly limit: number;
  /** The page contains events with any of these actions. An empty set stands for all actions. */
  readonly actions: ReadonlySet<string>;
}

/** The envelope of a page, as in https://planetscale.com/docs/api/reference/pagination. */
export interface AuditLogPage {
  readonly type: 'list';
  readonly has_next: boolean;
  readonly has_prev: boolean;
  readonly cursor_start: string | null;
  readonly cursor_end: string | null;
  readonly data: readonly AuditEvent[];
}

export const emptyPage: AuditLogPage = {
  type: 'list',
  has_next: false,
  has_prev: false,
  cursor_start: null,
  cursor_end: null,
  data: [],
};

const take = <T>(items: Iterable<T>, count: number): T[] => {
  const taken: T[] = [];
  for (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
};

/** Returns one page, newest first, or `undefined` if the cursor is not in the list. `startingAfter` wins over `endingBefore`. */
export function auditLogPage(
  list: EventList,
  { startingAfter, endingBefore, limit, actions }: AuditLogQuery,
  endingBeforeMeaning: 'nearest' | 'newest',
): AuditLogPage | undefined {
  const cursor = startingAfter ?? endingBefore;
  const cursorEvent = cursor === null ? undefined : list.find(cursor);
  if (cursor !== null && !cursorEvent) return undefined;

  function* matching(listed: Iterable<ListedEvent>) {
    for (const item of listed) if (actions.size === 0 || actions.has(item.event.audit_action)) yield item;
  }
  const hasMatch = (listed: Iterable<ListedEvent>) => take(matching(listed), 1).length > 0;

  const readPage = (): ListedEvent[] => {
    if (!cursorEvent || startingAfter !== null) return take(matching(list.older(cursorEvent)), limit);
    if (endingBeforeMeaning === 'nearest') return take(matching(list.newer(cursorEvent)), limit).reverse();
    return take(matching(list.older()), limit).filter((listed) => isOlder(cursorEvent, listed));
  };

  const page = readPage();
  const first = page.at(0);
  const last = page.at(-1);
  if (!first || !last) {
    // No event matches on the requested side of the cursor, so any matching event is on the other side.
    const side = startingAfter === null ? 'has_next' : 'has_prev';
    return { ...emptyPage, [side]: cursor !== null && hasMatch(list.older()) };
  }
  return {
    type: 'list',
    has_next: hasMatch(list.older(last)),
    has_prev: hasMatch(list.newer(first)),
    cursor_start: first.event.id,
    cursor_end: last.event.id,
    data: page.map(({ event }) => event),
  };
}
