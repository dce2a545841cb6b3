import type { AuditEvent } from '../../audit-log/event.ts';
import { type EventList, isOlder, type ListedEvent } from './event-list.ts';

/** What a request for the audit log asked for, once the server has made sense of it. */
export interface AuditLogQuery {
  readonly startingAfter: string | null;
  readonly endingBefore: string | null;
  readonly limit: number;
  /** Any of these; empty: all. */
  readonly actions: ReadonlySet<string>;
}

/** https://planetscale.com/docs/api/reference/pagination */
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

/** One page, newest first; `undefined` where the cursor is not in the list. With both cursors `starting_after` counts. */
export function auditLogPage(
  list: EventList,
  { startingAfter, endingBefore, limit, actions }: AuditLogQuery,
  endingBeforeMeans: 'nearest' | 'newest',
): AuditLogPage | undefined {
  const cursor = startingAfter ?? endingBefore;
  const anchor = cursor === null ? undefined : list.find(cursor);
  if (cursor !== null && !anchor) return undefined;

  function* matching(listed: Iterable<ListedEvent>) {
    for (const item of listed) if (actions.size === 0 || actions.has(item.event.audit_action)) yield item;
  }
  const some = (listed: Iterable<ListedEvent>) => take(matching(listed), 1).length > 0;

  const read = (): ListedEvent[] => {
    if (!anchor || startingAfter !== null) return take(matching(list.older(anchor)), limit);
    if (endingBeforeMeans === 'nearest') return take(matching(list.newer(anchor)), limit).reverse();
    return take(matching(list.older()), limit).filter((listed) => isOlder(anchor, listed));
  };

  const page = read();
  const first = page.at(0);
  const last = page.at(-1);
  // Nothing lies on the empty page's own side of the cursor, so whatever there is lies on the other.
  if (!first || !last) {
    const side = startingAfter === null ? 'has_next' : 'has_prev';
    return { ...emptyPage, [side]: cursor !== null && some(list.older()) };
  }
  return {
    type: 'list',
    has_next: some(list.older(last)),
    has_prev: some(list.newer(first)),
    cursor_start: first.event.id,
    cursor_end: last.event.id,
    data: page.map(({ event }) => event),
  };
}
