import type { AuditEvent } from '../../audit-log/event.ts';

/** An event with its sort key: the instant first, then the order of adding. */
export interface ListedEvent {
  readonly event: AuditEvent;
  readonly instant: number;
  readonly sequence: number;
}

export const isOlder = (a: ListedEvent, b: ListedEvent): boolean =>
  a.instant < b.instant || (a.instant === b.instant && a.sequence < b.sequence);

/** Returns the number of items at the start of a partitioned list that fulfil the condition, by binary search. */
const partitionPoint = <T>(items: readonly T[], condition: (item: T) => boolean): number => {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && condition(item)) low = middle + 1;
    else high = middle;
  }
  return low;
};

const maxBlockLength = 512;

/**
 * A sorted list of events, kept in short blocks. In a single array of a million events, each removal of an old event and each late
 * event would move all events after it.
 */
export class EventList {
  /** The blocks and the events in them, oldest first. No block is empty. */
  readonly #blocks: ListedEvent[][] = [];
  readonly #byId = new Map<string, ListedEvent>();
  #added = 0;

  /** The number of events added so far, including those removed since. */
  get added(): number {
    return this.#added;
  }

  find(id: string): ListedEvent | undefined {
    return this.#byId.get(id);
  }

  add(event: AuditEvent, instant: number): void {
    const listed = { event, instant, sequence: this.#added++ };
    this.#byId.set(event.id, listed);
    const place = this.#placeOf(listed);
    const block = this.#blocks[place.block];
    if (!block) {
      this.#blocks.push([listed]);
      return;
    }
    block.splice(place.index, 0, listed);
    if (block.length > maxBlockLength) this.#blocks.splice(place.block + 1, 0, block.splice(maxBlockLength / 2));
  }

  remove(id: string): boolean {
    const listed = this.#byId.get(id);
    if (!listed) return false;
    this.#byId.delete(id);
    const place = this.#placeOf(listed);
    const block = this.#blocks[place.block];
    block?.splice(place.index, 1);
    if (block?.length === 0) this.#blocks.splice(place.block, 1);
    return true;
  }

  /** Yields the events older than the given one, or all events, newest first. */
  *older(than?: ListedEvent): Generator<ListedEvent, void, undefined> {
    const start = than ? this.#placeOf(than) : { block: this.#blocks.length, index: 0 };
    for (let at = start.block; at >= 0; at--) {
      const block = this.#blocks[at] ?? [];
      yield* (at === start.block ? block.slice(0, start.index) : block).toReversed();
    }
  }

  /** Yields the events newer than the given one, oldest first. */
  *newer(than: ListedEvent): Generator<ListedEvent, void, undefined> {
    const start = this.#placeOf(than);
    for (let at = start.block; at < this.#blocks.length; at++) {
      const block = this.#blocks[at] ?? [];
      yield* at === start.block ? block.slice(start.index + 1) : block;
    }
  }

  /** Returns the position of an event, or the position to insert it at. */
  #placeOf(listed: ListedEvent): { readonly block: number; readonly index: number } {
    const startedBlocks = partitionPoint(this.#blocks, ([first]) => first !== undefined && !isOlder(listed, first));
    const block = Math.max(0, startedBlocks - 1);
    return { block, index: partitionPoint(this.#blocks[block] ?? [], (other) => isOlder(other, listed)) };
  }
}
