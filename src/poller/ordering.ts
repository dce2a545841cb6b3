import { parseTimestamp } from '../internal/timestamp.ts';
import type { EventRef } from './listed-event.ts';

/**
 * Returns how much older an event can be than one below it. The upper event can be late by the look-back, and the lower event
 * ahead of its time by the look-back.
 */
export const maxOutOfOrderMs = (lookbackMs: number): number => 2 * lookbackMs;

/** As many events as the largest page has. So many old events in a row are no accident of order. */
export const oldRunThreshold = 100;

/** Continues a run of old events at the end of the list with the next page. Returns how many events on the page are in the run. */
export function extendOldRun<Event>(
  lengthBefore: number,
  events: readonly Event[],
  isOld: (event: Event) => boolean,
): { readonly length: number; readonly onPage: number } {
  const onPage = events.length - 1 - events.findLastIndex((event) => !isOld(event));
  return { length: onPage === events.length ? lengthBefore + onPage : onPage, onPage };
}

/** Returns the latest time that can be read, or -Infinity if none can. */
export const latestMs = (refs: readonly EventRef[]): number =>
  refs.reduce((ms, [, createdAt]) => Math.max(ms, parseTimestamp(createdAt) ?? ms), Number.NEGATIVE_INFINITY);

/** Returns the earliest time that can be read, or Infinity if none can. */
export const earliestMs = (refs: readonly EventRef[]): number =>
  refs.reduce((ms, [, createdAt]) => Math.min(ms, parseTimestamp(createdAt) ?? ms), Number.POSITIVE_INFINITY);

/**
 * Returns a time before which no event above these refs was created, or -Infinity if no ref gives one.
 *
 * An event can be older than one below it by at most {@link maxOutOfOrderMs}, so the youngest ref decides. Two kinds of refs do
 * not count: those with unreadable times, and those that are younger than a ref above them by more than the look-back. Times of
 * the second kind contradict the list.
 */
export function earliestAbove(newestFirst: readonly EventRef[], lookbackMs: number): number {
  let plausibleUntilMs = Number.POSITIVE_INFINITY;
  let youngestMs = Number.NEGATIVE_INFINITY;
  for (const [, createdAt] of newestFirst) {
    const ms = parseTimestamp(createdAt);
    if (ms === undefined || ms > plausibleUntilMs) continue;
    plausibleUntilMs = Math.min(plausibleUntilMs, ms + lookbackMs);
    youngestMs = Math.max(youngestMs, ms);
  }
  return youngestMs - maxOutOfOrderMs(lookbackMs);
}
