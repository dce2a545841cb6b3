import type { AuditEvent, AuditSource } from 'planetscale-audit';
import { eventWith } from '../support/arbitrary-events.ts';
import { createdAt } from '../support/polling.ts';
import { mulberry32 } from './model/random.ts';

/** A list in memory that a test shows as it likes, page by page. */
export class ListSource implements AuditSource {
  readonly organization = 'acme';
  readonly pageSize: number;
  /** All events, newest first. */
  list: readonly AuditEvent[] = [];
  /** Makes the list of the next answer from all events. */
  view: (list: readonly AuditEvent[]) => readonly AuditEvent[] = (list) => list;
  /** The `Date` of the next answer. */
  date: () => Date = () => new Date();
  requests = 0;

  constructor({ pageSize = 100 } = {}) {
    this.pageSize = pageSize;
  }

  /** Adds an event on top of the list. */
  add(id: string, ms: number): void {
    this.list = [eventWith({ id, ...createdAt(ms) }), ...this.list];
  }

  /** Removes the events that are as old as the retention, or older. */
  expire(retentionMs: number): void {
    this.list = this.list.filter(({ created_at }) => Date.parse(created_at) > Date.now() - retentionMs);
  }

  remove(...ids: string[]): void {
    this.list = this.list.filter(({ id }) => !ids.includes(id));
  }

  page: AuditSource['page'] = async ({ startingAfter } = {}) => {
    this.requests++;
    const all = this.view(this.list);
    const from = startingAfter === undefined ? 0 : all.findIndex(({ id }) => id === startingAfter) + 1;
    const isUnknownCursor = startingAfter !== undefined && from === 0;
    const events = isUnknownCursor ? [] : all.slice(from, from + this.pageSize);
    return {
      events,
      hasNext: !isUnknownCursor && from + this.pageSize < all.length,
      hasPrev: from > 0,
      cursorStart: events[0]?.id ?? null,
      cursorEnd: events.at(-1)?.id ?? null,
      servedAt: this.date(),
    };
  };

  /** For helpers that take something with a client. */
  client(): AuditSource {
    return this;
  }
}

/** Shows equal times in a random order, another one each time. */
export const shufflingTies = (seed: number) => {
  const random = mulberry32(seed);
  return (list: readonly AuditEvent[]): readonly AuditEvent[] =>
    list
      .map((event) => ({ event, ms: Date.parse(event.created_at), rank: random() }))
      .toSorted((a, b) => b.ms - a.ms || a.rank - b.rank)
      .map(({ event }) => event);
};
