import { excerpt } from '../internal/excerpt.ts';
import type { StartChoice } from './state.ts';

/**
 * Where a poller starts if its store holds nothing yet.
 * - `'oldest'`: with every event that PlanetScale still has
 * - `'now'`: with the next event that happens
 * - `'resume'`: nowhere. A store that holds nothing is a {@link CursorStoreError}, for a poller that must never start anew
 * - `{ newest: n }`: with the n newest events
 * - `{ since: date }`: with the events that were created at that time or later
 * - `{ newerThan: id }`: with the events above this one in the list
 */
export type StartFrom =
  | 'oldest'
  | 'now'
  | 'resume'
  | {
      /** How many events. */
      readonly newest: number;
    }
  | {
      /** The earliest `created_at`. */
      readonly since: Date;
    }
  | {
      /** The id of an event that PlanetScale lists. */
      readonly newerThan: string;
    };

/** A start that a first run can use. */
export type FirstStart = Exclude<StartFrom, 'resume'>;

export const defaultStart: FirstStart = { newest: 200 };

/** What of a start can be compared with a later one. The instant of `since` moves from run to run, so it does not count. */
export const startChoiceOf = (startFrom: FirstStart): StartChoice => {
  if (typeof startFrom === 'string') return { kind: startFrom };
  if ('newest' in startFrom) return { kind: 'newest', count: startFrom.newest };
  return { kind: 'since' in startFrom ? 'since' : 'newerThan' };
};

export const isSameStart = (a: StartChoice, b: StartChoice): boolean => a.kind === b.kind && a.count === b.count;

/** The start as the option has it, for a message. */
export const formatStart = ({ kind, count }: StartChoice): string => {
  if (kind === 'newest') return `{ newest: ${count} }`;
  return kind === 'since' || kind === 'newerThan' ? `{ ${kind}: … }` : `'${kind}'`;
};

/** Which events a first run delivers, and which it leaves out. */
export const describeStart = (startFrom: FirstStart): string => {
  if (startFrom === 'oldest') return 'It starts with the oldest event that PlanetScale still has, and leaves out none';
  if (startFrom === 'now') return 'It starts with the next event, and leaves out every event that is there already';
  if ('newest' in startFrom) {
    return `It starts with the ${startFrom.newest} newest events, and leaves out older ones ({ newest: ${startFrom.newest} })`;
  }
  if ('since' in startFrom) return `It leaves out every event created before ${startFrom.since.toISOString()}`;
  return `It starts above the event ${excerpt(startFrom.newerThan)}, and leaves out that event and older ones`;
};
